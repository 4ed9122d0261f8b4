//! What the changes from block to block say: their trimmed mean, its error, and whether they slow down.

/// Statistics of the increments of a tail of block levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Increments {
    /// Mean increment a block, without the smallest and the largest.
    pub mean: f64,
    /// Standard error of it, by the winsorised variance.
    pub se: f64,
    /// Mean increment of the later half minus `rho` times that of the earlier half.
    pub late_excess: f64,
    /// Standard error of it.
    pub late_excess_se: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// Last level of the tail minus its first.
    pub growth: f64,
    /// Greatest fall below a running maximum, over all the levels given.
    pub drop: f64,
}

/// Studies the increments of the last `blocks` levels (at least 5, at most all).
///
/// Increments keep their meaning for stationary noise and for a random walk alike, where the
/// residuals of a line do not. With seven or more, the smallest and the largest are left out
/// of the mean (a one-time step or a dip vanishes) and the variance is that of the winsorised
/// increments, scaled as by Tukey (1963). It is at least `granularity²/6`, the
/// variance of the difference of two rounded levels.
pub fn increments(levels: &[f64], blocks: usize, rho: f64, granularity: f64) -> Increments {
    let tail = &levels[levels.len() - blocks..];
    let d: Vec<f64> = tail.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let count = d.len();
    let trim = usize::from(count >= 7);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| d[a].total_cmp(&d[b])); // stable: of equal ones the first is the smaller
    let mut kept = vec![true; count];
    let mut winsorised = d.clone();
    if trim == 1 {
        let (least, most) = (order[0], order[count - 1]);
        kept[least] = false;
        kept[most] = false;
        winsorised[least] = d[order[1]];
        winsorised[most] = d[order[count - 2]];
    }
    let mean_of = |from: usize, to: usize| {
        let (mut sum, mut kept_count) = (0.0, 0.0);
        for j in (from..to).filter(|&j| kept[j]) {
            sum += d[j];
            kept_count += 1.0;
        }
        (sum / kept_count, kept_count)
    };
    let center = winsorised.iter().sum::<f64>() / count as f64;
    let squares: f64 = winsorised.iter().map(|x| (x - center).powi(2)).sum();
    let shrink = 1.0 - 2.0 * trim as f64 / count as f64;
    let variance =
        (squares / (count - 1) as f64 / (shrink * shrink)).max(granularity * granularity / 6.0);
    let half = count / 2;
    let (late, late_count) = mean_of(count - half, count);
    let (early, early_count) = mean_of(0, half);
    Increments {
        mean: mean_of(0, count).0,
        se: (variance / count as f64).sqrt(),
        late_excess: late - rho * early,
        late_excess_se: (variance * (1.0 / late_count + rho * rho / early_count)).sqrt(),
        df: count - 1 - 2 * trim,
        growth: tail[blocks - 1] - tail[0],
        drop: greatest_fall(levels),
    }
}

fn greatest_fall(levels: &[f64]) -> f64 {
    let mut highest = f64::NEG_INFINITY;
    levels.iter().fold(0.0, |fall: f64, &level| {
        highest = highest.max(level);
        fall.max(highest - level)
    })
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_has_its_slope_no_fall_and_no_slowing() {
        let levels: Vec<f64> = (0..20).map(|i| 1000.0 + 64.0 * f64::from(i)).collect();
        let got = increments(&levels, 10, 0.5, 6.0);
        assert_eq!(got.mean, 64.0);
        assert_eq!(got.growth, 9.0 * 64.0);
        assert_eq!(got.drop, 0.0);
        assert_eq!(got.late_excess, 32.0);
        assert_eq!(got.df, 6);
        assert!((got.se - (6.0_f64 / 9.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn one_step_vanishes_from_the_mean_but_not_from_the_growth() {
        let mut levels = vec![0.0; 10];
        for level in &mut levels[6..] {
            *level = 1e6;
        }
        let got = increments(&levels, 10, 1.0, 1.0);
        assert_eq!(got.mean, 0.0);
        assert_eq!(got.growth, 1e6);
    }

    #[test]
    fn a_fall_before_the_tail_is_still_seen() {
        let mut levels: Vec<f64> = (0..20).map(f64::from).collect();
        levels[2] = 500.0;
        assert_eq!(increments(&levels, 10, 1.0, 1.0).drop, 497.0);
    }

    #[test]
    fn fewer_than_seven_increments_are_not_trimmed() {
        let got = increments(&[0.0, 0.0, 0.0, 0.0, 8.0], 5, 1.0, 0.0);
        assert_eq!(got.mean, 2.0);
        assert_eq!(got.df, 3);
    }
}
