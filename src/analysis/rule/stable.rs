//! *Stable*: the upper bound of the slope is below the tolerance, and nothing says that growth is only slow to show.

use std::sync::LazyLock;

use crate::stats::{Line, StudentTable, ordinary_least_squares};

use super::leak::EACH;
use super::panel::{Call, LONGEST, OCTAVES_FROM, Panel, QUANTILES, Tail, least};
use super::step::take_out_step;

/// One-sided level of the bound.
const LEVEL: f64 = 0.025;
/// Index of the tails that are tried, the first also for acceleration.
const STABLE_TAILS: [usize; 2] = [1, 2];
/// From this many samples on a one-time step may be taken out.
const STEP_FROM: usize = 960;
/// Late growth must be this many times the early one to count as acceleration.
const ACCELERATION: f64 = 1.3;

static BOUND: LazyLock<StudentTable> = LazyLock::new(|| StudentTable::new(LEVEL));

impl Panel<'_> {
    pub(super) fn stable(&self) -> Option<Call> {
        let fits = STABLE_TAILS.map(|tail| self.fit(tail, false));
        if self.accelerates(&fits[0]) || self.may_double() {
            return None;
        }
        for (tail, fit) in STABLE_TAILS.into_iter().zip(&fits) {
            if self.bound(fit) < self.scale.tolerance {
                return Some(Call::Stable {
                    tail,
                    stepped: false,
                });
            }
        }
        let stepped =
            self.len() >= STEP_FROM && self.bound(&self.fit(LONGEST, true)) < self.scale.tolerance;
        stepped.then_some(Call::Stable {
            tail: LONGEST,
            stepped: true,
        })
    }

    /// The bound that proves *stable*: growth of this much or more is excluded (97.5 %).
    pub fn excluded_above(&self, stepped: bool) -> f64 {
        if stepped {
            self.bound(&self.fit(LONGEST, true))
        } else {
            STABLE_TAILS
                .iter()
                .map(|&tail| self.bound(&self.fit(tail, false)))
                .fold(f64::INFINITY, f64::min)
        }
    }

    /// Lines through the levels of one tail, with the quantile whose residuals vary least.
    pub(crate) fn fit(&self, index: usize, without_step: bool) -> TailFit<'_> {
        let tail = &self.tails[index];
        let candidates: Vec<Vec<Line>> = (0..QUANTILES.len())
            .map(|q| {
                tail.levels
                    .iter()
                    .map(|l| {
                        if without_step {
                            ordinary_least_squares(&take_out_step(l.tail(q)))
                        } else {
                            ordinary_least_squares(l.tail(q))
                        }
                    })
                    .collect()
            })
            .collect();
        let variances: Vec<f64> = candidates
            .iter()
            .map(|lines| lines.iter().map(|l| l.variance(tail.blocks)).sum())
            .collect();
        let quantile = least(&variances);
        let length = tail.length as f64;
        TailFit {
            tail,
            quantile,
            slopes: candidates[quantile]
                .iter()
                .map(|l| l.slope / length)
                .collect(),
            variance: variances[quantile] / (length * length),
        }
    }

    fn bound(&self, fit: &TailFit<'_>) -> f64 {
        let k = fit.slopes.len();
        let blocks = fit.tail.blocks;
        let (mean, sd) = mean_and_sd(&fit.slopes);
        let mut half = BOUND.at(k * (blocks - 2)) * fit.variance.sqrt() / k as f64;
        if k >= 2 {
            half = half.max(BOUND.at(k - 1) * sd / (k as f64).sqrt());
        }
        mean.max(0.0) + half + fit.quantisation(self.scale.granularity)
    }

    /// Whether half of the processes grow faster and faster without a fall.
    fn accelerates(&self, fit: &TailFit<'_>) -> bool {
        let count = self
            .increments(fit.tail, fit.quantile, ACCELERATION)
            .iter()
            .filter(|i| {
                let critical = EACH.at(i.df);
                i.mean / i.se >= critical
                    && i.late_excess / i.late_excess_se >= critical
                    && i.drop == 0.0
            })
            .count();
        count >= self.majority()
    }

    /// Whether half of the processes grow at one rate in all octaves, late or not.
    fn may_double(&self) -> bool {
        if self.len() < OCTAVES_FROM {
            return false;
        }
        let count = (0..self.processes())
            .filter(|&k| self.constant_octaves(k).is_some())
            .count();
        2 * count >= self.processes()
    }
}

/// Lines through the levels of one tail of all processes.
#[derive(Debug)]
pub(crate) struct TailFit<'a> {
    pub(crate) tail: &'a Tail,
    pub(crate) quantile: usize,
    /// Slope of each process, by sample.
    pub(crate) slopes: Vec<f64>,
    /// Sum of the squared standard errors of the slopes.
    pub(crate) variance: f64,
}

impl TailFit<'_> {
    fn quantisation(&self, granularity: f64) -> f64 {
        granularity / ((self.tail.blocks - 1) * self.tail.length) as f64
    }
}

/// Mean, and sample standard deviation (0 for one).
pub(crate) fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return (mean, 0.0);
    }
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}
