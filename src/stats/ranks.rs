//! A line through independent points at any places: Theil and Sen's slope with its distribution-free interval.

use super::line::Line;
use super::order::median;

/// The slopes of all pairs of points at different places, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct PairSlopes {
    slopes: Vec<f64>,
    /// Standard deviation of Kendall's S without a trend.
    sd: f64,
}

/// All pair slopes of independent points `(x, y)`.
///
/// Kendall's S of n points without ties has the variance n(n−1)(2n+5)/18; points at the same place
/// take t(t−1)(2t+5)/18 of it away (Kendall 1970). Ties in `y` would take more: leaving them
/// in errs on the side of caution.
pub fn pair_slopes(points: &[(f64, f64)]) -> PairSlopes {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (k, (x, y)) in points.iter().enumerate() {
        for (other_x, other_y) in &points[k + 1..] {
            let gap = other_x - x;
            if gap != 0.0 {
                slopes.push((other_y - y) / gap);
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    let share = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    let mut places: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
    places.sort_by(f64::total_cmp);
    let ties: f64 = places
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|same| share(same.len() as f64))
        .sum();
    let variance = share(points.len() as f64) - ties;
    PairSlopes {
        slopes,
        sd: variance.max(0.0).sqrt(),
    }
}

impl PairSlopes {
    /// The median slope: Theil (1950), Sen (1968). None without two places.
    pub fn estimate(&self) -> Option<f64> {
        (!self.slopes.is_empty()).then(|| median(&mut self.slopes.clone()))
    }

    /// The slope that the true one is above, but for the error that `z` standard deviations of
    /// S leave (Hollander and Wolfe, section 9.3). Infinite where there are too few pairs.
    pub fn lower(&self, z: f64) -> f64 {
        self.rank(z)
            .map_or(f64::NEG_INFINITY, |rank| self.slopes[rank])
    }

    /// The slope that the true one is below.
    pub fn upper(&self, z: f64) -> f64 {
        let pairs = self.slopes.len();
        self.rank(z)
            .map_or(f64::INFINITY, |rank| self.slopes[pairs - 1 - rank])
    }

    fn rank(&self, z: f64) -> Option<usize> {
        let pairs = self.slopes.len() as f64;
        let rank = ((pairs - z * self.sd) / 2.0).floor();
        (rank >= 1.0).then(|| rank as usize - 1)
    }
}

/// The ordinary least-squares line through points at any places (at least 3, not all at one).
pub fn least_squares(points: &[(f64, f64)]) -> Line {
    let n = points.len() as f64;
    let center = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let (mut product, mut spread, mut total) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        product += (x - center) * (y - mean);
        spread += (x - center).powi(2);
        total += (y - mean).powi(2);
    }
    let slope = product / spread;
    let residual = points
        .iter()
        .map(|(x, y)| (y - mean - slope * (x - center)).powi(2))
        .sum();
    Line {
        slope,
        residual,
        total,
        spread,
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn the_slope_and_its_ends_are_those_of_a_computation_by_hand() {
        let points = [
            (1.0, 1.26),
            (2.0, 1.27),
            (3.0, 1.12),
            (4.0, 1.16),
            (5.0, 1.03),
        ];
        let all = pair_slopes(&points);
        assert_eq!(all.slopes.len(), 10);
        assert!((all.sd - (50.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((all.estimate().unwrap() + 0.05625).abs() < 1e-12);
        // z = 1 leaves the rank (10 - 4.08) / 2 = 2
        assert_eq!(all.lower(1.0), all.slopes[1]);
        assert_eq!(all.upper(1.0), all.slopes[8]);
        assert_eq!(all.lower(3.0), f64::NEG_INFINITY);
    }

    #[test]
    fn points_at_one_place_are_no_pair() {
        let points = [(1.0, 5.0), (1.0, 9.0), (3.0, 7.0)];
        let all = pair_slopes(&points);
        assert_eq!(all.slopes, [-1.0, 1.0]);
        assert_eq!(pair_slopes(&points[..2]).estimate(), None);
    }

    #[test]
    fn least_squares_agrees_with_a_hand_computation() {
        // x 0, 1, 3; y 1, 2, 6: slope 24/14
        let line = least_squares(&[(0.0, 1.0), (1.0, 2.0), (3.0, 6.0)]);
        assert!((line.slope - 24.0 / 14.0).abs() < 1e-12);
        assert!((line.residual - (14.0 - 24.0 * 24.0 / 14.0 / 3.0)).abs() < 1e-9);
    }
}
