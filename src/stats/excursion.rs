//! Excursions: samples far above the level around them, and whether they make a sawtooth.

use std::collections::VecDeque;

use super::order::{lower_quantile, median};

/// The share of samples at the start that is ignored.
const IGNORED: f64 = 0.1;
/// The local base looks this share of the series to each side.
const WINDOW: usize = 10;

/// What stands out above the local base of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Excursions {
    /// Runs of consecutive samples above the threshold.
    pub count: usize,
    /// How far above its base a sample must be.
    pub threshold: f64,
    /// The greatest height above the base.
    pub highest: f64,
    /// The index of the sample with that height.
    pub at: usize,
    /// Median of the local base.
    pub base: f64,
    /// Share of samples above the threshold.
    pub duty: f64,
    /// Median gap between the starts of four or more runs, if the gaps are alike.
    pub period: Option<f64>,
    /// Many small rises and few sudden falls of about the whole amplitude.
    pub sawtooth: bool,
}

/// For each sample the greater of two minima: of the `window + 1` samples up to it, and of the
/// `window + 1` from it on. Steps stay, excursions shorter than the window vanish.
pub fn local_base(series: &[f64], window: usize) -> Vec<f64> {
    let mut base = trailing_minimum(series.iter().copied(), window);
    let ahead = trailing_minimum(series.iter().rev().copied(), window);
    for (base, ahead) in base.iter_mut().zip(ahead.into_iter().rev()) {
        *base = base.max(ahead);
    }
    base
}

fn trailing_minimum(samples: impl Iterator<Item = f64>, window: usize) -> Vec<f64> {
    let mut candidates: VecDeque<(usize, f64)> = VecDeque::new();
    samples
        .enumerate()
        .map(|(i, sample)| {
            while candidates.back().is_some_and(|&(_, y)| y >= sample) {
                candidates.pop_back();
            }
            candidates.push_back((i, sample));
            while candidates.front().is_some_and(|&(at, _)| at + window < i) {
                candidates.pop_front();
            }
            candidates.front().map_or(sample, |&(_, least)| least)
        })
        .collect()
}

/// Finds excursions above the local base, the first tenth ignored (at least 4 samples, else none).
///
/// The threshold is the greatest of eight robust standard deviations of the heights, 5 % of the
/// base, and 64 times the granularity of the samples.
pub fn excursions(series: &[f64], granularity: f64) -> Option<Excursions> {
    excursions_after(
        series,
        (IGNORED * series.len() as f64) as usize,
        granularity,
    )
}

/// The same, with the first `skipped` samples ignored.
pub fn excursions_after(series: &[f64], skipped: usize, granularity: f64) -> Option<Excursions> {
    let samples = series.get(skipped..)?;
    let n = samples.len();
    if n < 4 {
        return None;
    }
    let local = local_base(samples, (n / WINDOW).max(3));
    let heights: Vec<f64> = samples.iter().zip(&local).map(|(y, b)| y - b).collect();
    let base = median(&mut local.clone());
    let mut scratch = heights.clone();
    let center = median(&mut scratch);
    for (deviation, height) in scratch.iter_mut().zip(&heights) {
        *deviation = (height - center).abs();
    }
    let deviation = 1.4826 * median(&mut scratch);
    let threshold = (8.0 * deviation).max(0.05 * base).max(64.0 * granularity);
    let (mut highest, mut at, mut above) = (f64::NEG_INFINITY, 0, 0);
    let mut starts = Vec::new();
    for (i, &height) in heights.iter().enumerate() {
        if height > highest {
            (highest, at) = (height, i);
        }
        if height > threshold {
            above += 1;
            if i == 0 || heights[i - 1] <= threshold {
                starts.push(i);
            }
        }
    }
    Some(Excursions {
        count: starts.len(),
        threshold,
        highest,
        at: skipped + at,
        base,
        duty: f64::from(above) / n as f64,
        period: period(&starts),
        sawtooth: is_sawtooth(samples, &heights, base, granularity),
    })
}

/// The median gap, where the coefficient of variation of three or more gaps is at most 0.35.
fn period(starts: &[usize]) -> Option<f64> {
    if starts.len() < 4 {
        return None;
    }
    let mut gaps: Vec<f64> = starts.windows(2).map(|p| (p[1] - p[0]) as f64).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (gaps.len() - 1) as f64;
    (variance.sqrt() <= 0.35 * mean).then(|| median(&mut gaps))
}

fn is_sawtooth(samples: &[f64], heights: &[f64], base: f64, granularity: f64) -> bool {
    let amplitude = lower_quantile(&mut heights.to_vec(), 0.95);
    if amplitude < (0.02 * base).max(64.0 * granularity) {
        return false;
    }
    let (mut rises, mut small_rises, mut falls) = (0, 0, 0);
    for pair in samples.windows(2) {
        let change = pair[1] - pair[0];
        if change > 0.0 {
            rises += 1;
            small_rises += i32::from(change < 0.3 * amplitude);
        } else if change < -0.5 * amplitude {
            falls += 1;
        }
    }
    falls >= 3 && rises >= 3 * falls && f64::from(small_rises) / f64::from(rises) >= 0.9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat_with(n: usize, peaks: impl Fn(usize) -> bool) -> Vec<f64> {
        (0..n)
            .map(|i| if peaks(i) { 300e6 } else { 100e6 })
            .collect()
    }

    #[test]
    fn the_local_base_is_the_greater_of_both_minima() {
        let series = [3.0, 9.0, 2.0, 2.0, 7.0, 7.0, 7.0, 8.0, 7.0];
        let naive: Vec<f64> = (0..series.len())
            .map(|i: usize| {
                let least = |s: &[f64]| s.iter().copied().fold(f64::INFINITY, f64::min);
                let ahead = (i + 3).min(series.len());
                least(&series[i.saturating_sub(2)..=i]).max(least(&series[i..ahead]))
            })
            .collect();
        assert_eq!(local_base(&series, 2), naive);
    }

    #[test]
    fn one_peak_is_found_with_its_place_and_height() {
        let got = excursions(&flat_with(1000, |i| i == 316), 4096.0).unwrap();
        assert_eq!((got.count, got.at, got.highest), (1, 316, 200e6));
        assert_eq!((got.base, got.period, got.sawtooth), (100e6, None, false));
    }

    #[test]
    fn regular_peaks_have_a_period() {
        let got = excursions(&flat_with(1000, |i| i % 50 == 0), 4096.0).unwrap();
        // that on the first sample has nothing lower before it, and is taken for the base
        assert_eq!((got.count, got.period), (17, Some(50.0)));
    }

    #[test]
    fn a_step_is_no_excursion() {
        let got = excursions(&flat_with(1000, |i| i >= 400), 4096.0).unwrap();
        assert_eq!((got.count, got.highest), (0, 0.0));
    }

    #[test]
    fn slow_rises_with_sudden_falls_are_a_sawtooth() {
        let series: Vec<f64> = (0..1000).map(|i| 1e7 + 1e5 * f64::from(i % 40)).collect();
        assert!(excursions(&series, 4096.0).unwrap().sawtooth);
    }

    #[test]
    fn a_handful_of_samples_tells_nothing() {
        assert_eq!(excursions(&[1.0; 3], 1.0), None);
    }
}
