//! Readings at random moments become even samples: the least of each cell of a grid.
//!
//! The rule needs evenly spaced samples, and a clock reads at random moments, in the middle of the
//! program's work. The least reading of a cell is the nearest there is to a quiescent point.

/// Cells at most: as many samples as a look at 960 iterations has, and finer than any question.
const MOST_CELLS: u64 = 1_000;
/// The share of gaps between neighbouring readings that fit into a cell.
const COVERED: f64 = 0.95;

/// The width of a cell, in places of the axis: wide enough to hold a reading of each process nearly
/// always, so that few cells repeat the one before. None without two readings.
pub(super) fn cell<'a>(readings: impl Iterator<Item = &'a [u64]>, end: u64) -> Option<u64> {
    let mut gaps: Vec<u64> = readings
        .flat_map(|at| at.windows(2).map(|pair| pair[1] - pair[0]))
        .collect();
    gaps.sort_unstable();
    let last = gaps.len().checked_sub(1)?;
    let wide = gaps[(COVERED * last as f64) as usize];
    Some(wide.max(end.div_ceil(MOST_CELLS)).max(1))
}

/// The least reading of each of `count` cells; an empty one repeats the cell before it, and those before
/// the first reading hold that.
pub(super) fn floors(at: &[u64], values: &[u64], cell: u64, count: u64) -> Vec<f64> {
    let mut next = 0;
    let mut floor = values.first().map_or(0.0, |&value| value as f64);
    (1..=count)
        .map(|k| {
            let from = next;
            while next < at.len() && at[next] <= k * cell {
                next += 1;
            }
            if let Some(least) = values[from..next].iter().min() {
                floor = *least as f64;
            }
            floor
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_holds_its_least_reading_and_an_empty_one_repeats_the_last() {
        let at = [3, 8, 9, 31, 38];
        let values = [50, 70, 40, 90, 80];
        assert_eq!(floors(&at, &values, 10, 4), [40.0, 40.0, 40.0, 80.0]);
        assert_eq!(floors(&[25], &[7], 10, 3), [7.0, 7.0, 7.0]);
    }

    #[test]
    fn one_long_pause_does_not_widen_the_cells() {
        let mut at: Vec<u64> = (1..=1000).map(|k| 5 * k).collect();
        at.extend((1..=1000).map(|k| 15_000 + 5 * k));
        assert_eq!(cell([at.as_slice()].into_iter(), 20_000), Some(20));
        assert_eq!(cell([&at[..100]].into_iter(), 500), Some(5));
        assert_eq!(cell([&at[..1]].into_iter(), 5), None);
    }
}
