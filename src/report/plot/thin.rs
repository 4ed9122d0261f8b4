//! A long series for a narrow plot: of each column the first, the least, the most and the last reading.

use super::scene::Place;

/// At most four readings a column, in order; whatever stands out of its column is kept.
pub(super) fn thin(points: &[Place], (low, high): (f64, f64), columns: usize) -> Vec<Place> {
    if points.len() <= 2 * columns || columns == 0 || high <= low {
        return points.to_vec();
    }
    let column = |x: f64| ((x - low) / (high - low) * columns as f64) as usize;
    let mut kept = Vec::with_capacity(4 * columns);
    for stretch in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let by = |a: &usize, b: &usize| stretch[*a].1.total_cmp(&stretch[*b].1);
        let last = stretch.len() - 1;
        let least = (0..=last).min_by(by).unwrap_or(0);
        let most = (0..=last).max_by(by).unwrap_or(0);
        let mut of_column = [0, least, most, last];
        of_column.sort_unstable();
        for (k, &index) in of_column.iter().enumerate() {
            if k == 0 || of_column[k - 1] != index {
                kept.push(stretch[index]);
            }
        }
    }
    kept
}

/// The highest since the reading before, from there to its own place: a peak is not climbed to.
pub(super) fn steps(points: &[Place]) -> Vec<Place> {
    let mut steps = Vec::with_capacity(2 * points.len());
    for (k, &(x, y)) in points.iter().enumerate() {
        if let Some(&(before, _)) = k.checked_sub(1).and_then(|k| points.get(k)) {
            steps.push((before, y));
        }
        steps.push((x, y));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_spike_among_a_million_readings_is_kept() {
        let mut points: Vec<Place> = (0..1_000_000).map(|x| (f64::from(x), 7.0)).collect();
        points[654_321].1 = 900.0;
        points[123_456].1 = 1.0;
        let thinned = thin(&points, (0.0, 999_999.0), 800);
        assert!(thinned.len() <= 4 * 801, "{}", thinned.len());
        assert!(thinned.contains(&(654_321.0, 900.0)));
        assert!(thinned.contains(&(123_456.0, 1.0)));
        assert_eq!(thinned.first(), points.first());
        assert_eq!(thinned.last(), points.last());
        assert!(thinned.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_peak_counts_since_the_reading_before() {
        let points = [(8.0, 1.0), (16.0, 9.0), (24.0, 1.0)];
        let expected = [
            (8.0, 1.0),
            (8.0, 9.0),
            (16.0, 9.0),
            (16.0, 1.0),
            (24.0, 1.0),
        ];
        assert_eq!(steps(&points), expected);
        assert!(steps(&[]).is_empty());
    }

    #[test]
    fn what_has_room_is_left_as_it_is() {
        let points: Vec<Place> = (0..100).map(|x| (f64::from(x), 0.0)).collect();
        assert_eq!(thin(&points, (0.0, 99.0), 80), points);
        assert!(thin(&[], (0.0, 1.0), 80).is_empty());
    }
}
