//! Growth over octaves: from half of the series to its end, from a quarter to a half, and so on.

use super::order::lower_quantile;

/// Octaves looked at.
pub const OCTAVES: usize = 5;
/// The quantile of a short window that stands for the level at its end.
const LEVEL: f64 = 0.1;

/// Growth by sample over the last octaves of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OctaveRates {
    /// Rates, the earliest octave first.
    pub rates: [f64; OCTAVES],
    /// The part of the last octave's growth that came after 60 % of the series.
    pub late_share: f64,
}

impl OctaveRates {
    /// Mean of the rates.
    pub fn mean(&self) -> f64 {
        self.rates.iter().sum::<f64>() / OCTAVES as f64
    }

    /// The smallest rate.
    pub fn least(&self) -> f64 {
        self.rates.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Standard error of the mean.
    pub fn se(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.rates.iter().map(|r| (r - mean).powi(2)).sum();
        (squares / (OCTAVES * (OCTAVES - 1)) as f64).sqrt()
    }
}

/// Rates over the last five octaves of a series of at least 64 samples.
///
/// A table that doubles grows by one jump an octave, so that its rate is the same in each.
pub fn octave_rates(series: &[f64]) -> OctaveRates {
    let n = series.len();
    let mut scratch = Vec::with_capacity(n / 64 + 1);
    let mut level = |end: usize, window: usize| {
        scratch.clear();
        scratch.extend_from_slice(&series[end.saturating_sub(window)..end]);
        lower_quantile(&mut scratch, LEVEL)
    };
    let top = level(n, (n / 64).max(1));
    let (mut after, mut end) = (top, n);
    let mut rates = [0.0; OCTAVES];
    let mut late_share = 0.0;
    for octave in 0..OCTAVES {
        let start = end / 2;
        let window = (n / 64).min(start / 16).max(1);
        let before = level(start, window);
        rates[OCTAVES - 1 - octave] = (after - before) / (end - start) as f64;
        if octave == 0 {
            let sixty = level((0.6 * n as f64) as usize, window);
            late_share = (top - sixty) / (top - before).max(1.0);
        }
        (after, end) = (before, start);
    }
    OctaveRates { rates, late_share }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_rate_in_all_octaves() {
        let series: Vec<f64> = (0..4096).map(|i| 7.0 * f64::from(i)).collect();
        let got = octave_rates(&series);
        assert!(
            got.rates.iter().all(|rate| (rate / 7.0 - 1.0).abs() < 0.06),
            "{got:?}"
        );
        assert!((got.late_share - 0.8).abs() < 0.01);
    }

    #[test]
    fn a_series_that_is_flat_in_the_end_has_a_rate_of_zero_there() {
        let series: Vec<f64> = (0..4096).map(|i| f64::from(i.min(1500))).collect();
        let got = octave_rates(&series);
        assert_eq!(got.least(), 0.0);
        assert_eq!(got.late_share, 0.0);
    }
}
