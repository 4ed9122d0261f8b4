//! The difference of two means of small groups with unequal variances (Welch 1947).

use super::student::student_upper;

/// A difference of two means with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WelchInterval {
    /// Mean of the second group minus that of the first.
    pub difference: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Degrees of freedom, by Welch and Satterthwaite.
    pub df: f64,
}

/// What a difference amounts to, given the largest one that counts as none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The second group is higher: the interval excludes none, and the estimate is not negligible.
    Higher,
    /// The second group is lower, likewise.
    Lower,
    /// The whole interval lies within the margin.
    Equivalent,
    /// Neither.
    Unclear,
}

impl WelchInterval {
    /// Judges the difference by a margin of equivalence.
    pub fn change(&self, margin: f64) -> Change {
        if self.low > 0.0 && self.difference > margin / 2.0 {
            Change::Higher
        } else if self.high < 0.0 && self.difference < -margin / 2.0 {
            Change::Lower
        } else if -margin < self.low && self.high < margin {
            Change::Equivalent
        } else {
            Change::Unclear
        }
    }
}

/// Compares two groups of estimates, each with the standard error its members have from within.
///
/// The variance of a group is that between its members, but not less than `se²`, so that
/// a few members which agree by chance do not make the interval vanish. None with fewer than two
/// members in a group.
pub fn welch(
    first: &[f64],
    se_first: f64,
    second: &[f64],
    se_second: f64,
) -> Option<WelchInterval> {
    let (mean_first, v_first) = moments(first, se_first)?;
    let (mean_second, v_second) = moments(second, se_second)?;
    let difference = mean_second - mean_first;
    let v = v_first + v_second;
    let df = if v > 0.0 {
        v * v
            / (v_first * v_first / (first.len() - 1) as f64
                + v_second * v_second / (second.len() - 1) as f64)
    } else {
        (first.len() + second.len() - 2) as f64
    };
    let half = student_upper(0.025, df) * v.sqrt();
    Some(WelchInterval {
        difference,
        low: difference - half,
        high: difference + half,
        df,
    })
}

/// Mean, and variance of the mean.
fn moments(group: &[f64], se: f64) -> Option<(f64, f64)> {
    if group.len() < 2 {
        return None;
    }
    let n = group.len() as f64;
    let mean = group.iter().sum::<f64>() / n;
    let variance = group.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some((mean, variance.max(se * se) / n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_groups_have_the_degrees_of_freedom_of_the_pooled_test() {
        let got = welch(&[1.0, 2.0, 3.0], 0.0, &[2.0, 3.0, 4.0], 0.0).unwrap();
        assert!((got.difference - 1.0).abs() < 1e-12);
        assert!((got.df - 4.0).abs() < 1e-12);
        assert!((got.high - (1.0 + 2.776_445_105 * (2.0_f64 / 3.0).sqrt())).abs() < 1e-8);
    }

    #[test]
    fn a_single_member_cannot_be_compared() {
        assert_eq!(welch(&[1.0], 1.0, &[1.0, 2.0], 1.0), None);
    }

    #[test]
    fn swapping_the_groups_mirrors_the_interval() {
        let (a, b) = ([10.0, 12.0, 11.0], [40.0, 55.0, 41.0]);
        let there = welch(&a, 1.0, &b, 2.0).unwrap();
        let back = welch(&b, 2.0, &a, 1.0).unwrap();
        assert!((there.low + back.high).abs() < 1e-9 && (there.df - back.df).abs() < 1e-9);
        assert_eq!(there.change(8.0), Change::Higher);
        assert_eq!(back.change(8.0), Change::Lower);
    }
}
