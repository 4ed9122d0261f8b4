//! A curve thinned out for display.

/// Points of a curve that are kept for display.
const CURVE: usize = 64;

/// At most `CURVE` values: the mean of each stretch, or its highest.
pub(super) fn thin(values: &[u64], highest: bool) -> Vec<u64> {
    let points = values.len().min(CURVE);
    (0..points)
        .map(|k| {
            let from = k * values.len() / points;
            let to = (k + 1) * values.len() / points;
            let stretch = &values[from..to];
            if highest {
                stretch.iter().copied().max().unwrap_or(0)
            } else {
                let sum: u128 = stretch.iter().map(|&value| u128::from(value)).sum();
                (sum / stretch.len() as u128) as u64
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_thinned_to_its_means_or_its_highest_values() {
        let values: Vec<u64> = (0..640).collect();
        let means = thin(&values, false);
        assert_eq!(means.len(), 64);
        assert_eq!((means[0], means[63]), (4, 634));
        let highest = thin(&values, true);
        assert_eq!((highest[0], highest[63]), (9, 639));
        assert_eq!(thin(&[7, 8], false), [7, 8]);
        assert!(thin(&[], false).is_empty());
    }
}
