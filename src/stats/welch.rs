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

/// A mean that is known with an error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom of the error.
    pub df: f64,
}

impl Mean {
    /// The mean of a group whose members each have a standard error from within.
    ///
    /// The variance of the group is that between its members, but not less than `se²`, so that
    /// a few members which agree by chance do not make the error vanish. None with fewer than two
    /// members.
    pub fn of(group: &[f64], se: f64) -> Option<Self> {
        if group.len() < 2 {
            return None;
        }
        let n = group.len() as f64;
        let value = group.iter().sum::<f64>() / n;
        let variance = group.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (n - 1.0);
        Some(Self {
            value,
            se: (variance.max(se * se) / n).sqrt(),
            df: n - 1.0,
        })
    }

    /// How far it lies above another, with an interval that leaves out `tail` on each side.
    ///
    /// Where one group is smaller, the degrees of freedom are those of the smaller one: Welch's are too
    /// many where a few scatter as much as many, and with these the interval never holds too little
    /// (Mickey and Brown 1966).
    pub fn above(&self, other: &Self, tail: f64) -> WelchInterval {
        let (v, w) = (self.se * self.se, other.se * other.se);
        let sum = v + w;
        let df = if sum > 0.0 {
            sum * sum / (v * v / self.df + w * w / other.df)
        } else {
            self.df + other.df
        };
        let alike = (self.df - other.df).abs() < 0.01;
        let df = if alike { df } else { self.df.min(other.df) };
        let difference = self.value - other.value;
        let half = student_upper(tail, df) * sum.sqrt();
        WelchInterval {
            difference,
            low: difference - half,
            high: difference + half,
            df,
        }
    }
}

/// Compares two groups of estimates, each with the standard error its members have from within.
///
/// None with fewer than two members in a group.
pub fn welch(
    first: &[f64],
    se_first: f64,
    second: &[f64],
    se_second: f64,
) -> Option<WelchInterval> {
    let first = Mean::of(first, se_first)?;
    Some(Mean::of(second, se_second)?.above(&first, 0.025))
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
