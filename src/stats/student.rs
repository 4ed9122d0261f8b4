//! Quantiles of Student's t distribution, with a table for those that every look needs.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Degrees of freedom that a table holds: 1 to this many.
const TABLE: usize = 59;

/// The upper quantile: `P(T > t) = alpha` for `df` degrees of freedom, which need not be whole.
///
/// Infinite where `df` is not positive. Taken as `-F⁻¹(alpha)`: by symmetry it is the same as
/// `F⁻¹(1 - alpha)`, but keeps the digits that `1 - alpha` loses.
pub fn student_upper(alpha: f64, df: f64) -> f64 {
    StudentsT::new(0.0, 1.0, df).map_or(f64::INFINITY, |t| -t.inverse_cdf(alpha))
}

/// The upper quantiles of one level for 1 to 59 degrees of freedom; above, that of 59 holds,
/// which errs on the side of caution.
#[derive(Debug, Clone)]
pub struct StudentTable([f64; TABLE]);

impl StudentTable {
    /// Computes the table of one level.
    pub fn new(alpha: f64) -> Self {
        Self(std::array::from_fn(|index| {
            student_upper(alpha, (index + 1) as f64)
        }))
    }

    /// The quantile for `df` degrees of freedom; infinite for none.
    pub fn at(&self, df: usize) -> f64 {
        match df {
            0 => f64::INFINITY,
            df => self.0[df.min(TABLE) - 1],
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_published_tables() {
        // Abramowitz and Stegun, table 26.10
        for (alpha, df, expected) in [
            (0.05, 1.0, 6.314),
            (0.025, 10.0, 2.228),
            (0.005, 4.0, 4.604),
            (0.05, 120.0, 1.658),
        ] {
            assert!((student_upper(alpha, df) - expected).abs() < 6e-4, "{df}");
        }
    }

    #[test]
    fn the_table_is_capped_and_has_no_quantile_without_degrees_of_freedom() {
        let table = StudentTable::new(0.025);
        assert_eq!(table.at(0), f64::INFINITY);
        assert_eq!(table.at(7), student_upper(0.025, 7.0));
        assert_eq!(table.at(60), table.at(59));
        assert_eq!(student_upper(0.025, 0.0), f64::INFINITY);
    }
}
