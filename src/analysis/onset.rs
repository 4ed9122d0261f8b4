//! Where growth began.

use crate::stats::{median, ordinary_least_squares};

/// The iteration (as an index of samples) at which the growth of one process began.
///
/// A level stretch followed by a line is fitted to the minima of up to 64 blocks, for each place
/// of the bend; the best one is where line and level meet. 0 if a level stretch explains nothing.
pub(super) fn growth_began(samples: &[f64]) -> usize {
    const MOST: usize = 64;
    /// A stretch that makes up more than this share of the growth is not level.
    const LEVEL_SHARE: f64 = 0.02;
    let length = (samples.len() / MOST).max(1);
    let minima: Vec<f64> = samples
        .chunks_exact(length)
        .map(|block| block.iter().copied().fold(f64::INFINITY, f64::min))
        .collect();
    let n = minima.len();
    if n < 8 {
        return 0;
    }
    let straight = ordinary_least_squares(&minima).residual;
    let mut best = (straight * 0.5, 0.0);
    for bend in 2..=n - 4 {
        let level = median(&mut minima[..bend].to_vec());
        let flat: f64 = minima[..bend].iter().map(|y| (y - level).powi(2)).sum();
        let line = ordinary_least_squares(&minima[bend..]);
        let risen = minima[bend - 1] - minima[0] > LEVEL_SHARE * (minima[n - 1] - minima[0]);
        if line.slope <= 0.0 || risen || flat + line.residual >= best.0 {
            continue;
        }
        let mean = minima[bend..].iter().sum::<f64>() / (n - bend) as f64;
        let center = bend as f64 + (n - bend - 1) as f64 / 2.0;
        let meet = center - (mean - level) / line.slope;
        best = (
            flat + line.residual,
            meet.clamp(bend as f64 - 1.0, bend as f64),
        );
    }
    (best.1 * length as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(n: u32, f: impl Fn(u32) -> u32) -> Vec<f64> {
        (0..n).map(|i| f64::from(f(i))).collect()
    }

    #[test]
    fn growth_from_the_start_began_at_the_start() {
        assert_eq!(growth_began(&series(1000, |i| 64 * i)), 0);
        assert_eq!(growth_began(&series(7, |i| i)), 0);
    }

    #[test]
    fn growth_that_gathers_speed_began_early() {
        assert!(growth_began(&series(1000, |i| i * i)) <= 160);
    }

    #[test]
    fn growth_after_a_level_stretch_began_at_its_end() {
        for start in [150, 400, 777] {
            let got = growth_began(&series(1000, |i| 900 + 64 * i.saturating_sub(start)));
            assert!(got.abs_diff(start as usize) <= 16, "{start}: {got}");
        }
    }
}
