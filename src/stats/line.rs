//! Lines through a few evenly spaced points: ordinary least squares and Theil–Sen.

use super::order::median;

/// A least-squares line through points at 0, 1, 2, …
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Slope by one step.
    pub slope: f64,
    /// Sum of the squared residuals.
    pub residual: f64,
    /// Sum of the squared deviations from the mean.
    pub total: f64,
    /// Sum of the squared deviations of the places.
    pub spread: f64,
}

impl Line {
    /// Squared standard error of the slope for `points` points, by one step.
    pub fn variance(&self, points: usize) -> f64 {
        self.residual / (points - 2) as f64 / self.spread
    }

    /// Share of the variance that the line explains; 0 where there is none.
    pub fn r2(&self) -> f64 {
        if self.total > 0.0 {
            1.0 - self.residual / self.total
        } else {
            0.0
        }
    }
}

/// The ordinary least-squares line through `points` (at least 3).
pub fn ordinary_least_squares(points: &[f64]) -> Line {
    let n = points.len() as f64;
    let mean = points.iter().sum::<f64>() / n;
    let center = (n - 1.0) / 2.0;
    let (mut product, mut spread) = (0.0, 0.0);
    for (i, y) in points.iter().enumerate() {
        let x = i as f64 - center;
        product += x * y;
        spread += x * x;
    }
    let slope = product / spread;
    let (mut residual, mut total) = (0.0, 0.0);
    for (i, y) in points.iter().enumerate() {
        residual += (y - mean - slope * (i as f64 - center)).powi(2);
        total += (y - mean).powi(2);
    }
    Line {
        slope,
        residual,
        total,
        spread,
    }
}

/// The median of the slopes of all pairs of `points` (at least 2), by one step. Theil (1950), Sen (1968).
pub fn theil_sen(points: &[f64]) -> f64 {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (i, first) in points.iter().enumerate() {
        for (gap, second) in points[i + 1..].iter().enumerate() {
            slopes.push((second - first) / (gap + 1) as f64);
        }
    }
    median(&mut slopes)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn both_find_the_slope_of_a_line_exactly() {
        let points: Vec<f64> = (0..10).map(|i| 5.0 - 3.0 * f64::from(i)).collect();
        let line = ordinary_least_squares(&points);
        assert_eq!(line.slope, -3.0);
        assert!(line.residual < 1e-20 && (line.r2() - 1.0).abs() < 1e-12);
        assert_eq!(theil_sen(&points), -3.0);
    }

    #[test]
    fn an_outlier_moves_least_squares_but_not_theil_sen() {
        let mut points: Vec<f64> = (0..10).map(f64::from).collect();
        points[9] = 1000.0;
        assert!(ordinary_least_squares(&points).slope > 50.0);
        assert_eq!(theil_sen(&points), 1.0);
    }

    #[test]
    fn residual_variance_agrees_with_a_hand_computation() {
        // y = 0, 1, 0: slope 0, residuals ∓1/3, 2/3, ∓1/3
        let line = ordinary_least_squares(&[0.0, 1.0, 0.0]);
        assert_eq!(line.slope, 0.0);
        assert!((line.variance(3) - (6.0 / 9.0) / 2.0).abs() < 1e-12);
        assert_eq!(ordinary_least_squares(&[2.0; 4]).r2(), 0.0);
    }
}
