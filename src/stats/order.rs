//! Order statistics: quantiles that are always one of the samples, and the median.

/// The element `floor(q (n - 1))` of the sorted samples, counted from 0.
///
/// It never interpolates, so that a level of memory is always an amount that was read.
/// Reorders `samples`; 0 for an empty slice.
pub fn lower_quantile(samples: &mut [f64], q: f64) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let index = (q * (samples.len() - 1) as f64) as usize;
    *samples.select_nth_unstable_by(index, f64::total_cmp).1
}

/// The middle sample, or the mean of the two in the middle. Reorders `samples`; 0 for an empty slice.
pub fn median(samples: &mut [f64]) -> f64 {
    let n = samples.len();
    if n == 0 {
        return 0.0;
    }
    let (below, upper, _) = samples.select_nth_unstable_by(n / 2, f64::total_cmp);
    if n % 2 == 1 {
        return *upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, *upper)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn a_lower_quantile_is_one_of_the_samples() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        for (q, expected) in [(0.0, 1.0), (0.1, 1.0), (0.25, 2.0), (0.5, 3.0), (0.99, 4.0)] {
            assert_eq!(lower_quantile(&mut samples.clone(), q), expected, "{q}");
        }
    }

    #[test]
    fn the_median_of_an_even_number_of_samples_is_the_mean_of_the_middle_two() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&mut [9.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&mut []), 0.0);
    }
}
