//! The samples of one metric in all processes, reduced once to what every question needs.

use crate::stats::{BlockLevels, Increments, block_levels, increments};

use super::leak::Route;

/// Blocks in a tail at most.
const MAX_BLOCKS: usize = 10;
/// Candidate levels of a block; the one with the least variance is used.
pub(crate) const QUANTILES: [f64; 3] = [0.0, 0.10, 0.50];
/// Where the tails start, as shares of the iterations.
pub const TAILS: [f64; 4] = [0.10, 0.25, 0.50, 0.60];
/// Index of the longest tail.
pub(super) const LONGEST: usize = 0;
/// From this many samples on growth by octaves is looked at.
pub(super) const OCTAVES_FROM: usize = 320;
/// Fewer samples than this cannot be judged: the shortest tail would not fill its blocks.
pub const LEAST_SAMPLES: usize = 20;

/// What counts as none, and how fine the samples are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The largest slope that counts as none, by sample.
    pub tolerance: f64,
    /// The smallest change that a sample can show.
    pub granularity: f64,
}

/// What the rule says of one metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Growth above the tolerance that does not level off.
    Leak {
        /// The argument.
        route: Route,
        /// Index of the tail that shows it, in [`TAILS`].
        tail: usize,
        /// Indices of the processes that show it.
        processes: Vec<usize>,
    },
    /// The slope is below the tolerance.
    Stable {
        /// Index of the tail that shows it, in [`TAILS`].
        tail: usize,
        /// Whether a one-time step had to be taken out.
        stepped: bool,
    },
    /// Neither is proven.
    Undecided,
}

/// One tail of all processes, reduced to block levels.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    /// The late-to-early ratio of growth that a logarithm shows over this tail.
    pub(crate) rho: f64,
    /// Blocks in the tail.
    pub(crate) blocks: usize,
    /// Samples in a block.
    pub(crate) length: usize,
    /// The levels of each process.
    pub(crate) levels: Vec<BlockLevels>,
}

/// The samples of one metric in all processes, at one look, with all that several questions need of them.
#[derive(Debug, Clone)]
pub struct Panel<'a> {
    /// The samples of each process, equally many.
    pub samples: Vec<&'a [f64]>,
    /// What counts as none.
    pub scale: Scale,
    pub(crate) tails: Vec<Tail>,
}

/// The ratio of late to early growth of `log(i)` over the halves of a tail that starts at the
/// share `start`; a line has 1.
pub(super) fn logarithmic_ratio(start: f64) -> f64 {
    (2.0 / (1.0 + start)).ln() / ((1.0 + start) / (2.0 * start)).ln()
}

impl<'a> Panel<'a> {
    /// Prepares the samples of all processes, truncated to the shortest; none without a process
    /// or with fewer than [`LEAST_SAMPLES`] samples.
    pub fn new(samples: &[&'a [f64]], scale: Scale) -> Option<Self> {
        let n = samples.iter().map(|y| y.len()).min()?;
        if n < LEAST_SAMPLES {
            return None;
        }
        let samples: Vec<&[f64]> = samples.iter().map(|y| &y[..n]).collect();
        let tails = TAILS
            .iter()
            .map(|&start| {
                let levels: Vec<BlockLevels> = samples
                    .iter()
                    .map(|y| block_levels(y, start, &QUANTILES, MAX_BLOCKS))
                    .collect();
                Tail {
                    rho: logarithmic_ratio(start),
                    blocks: levels[0].blocks,
                    length: levels[0].length,
                    levels,
                }
            })
            .collect();
        Some(Self {
            samples,
            scale,
            tails,
        })
    }

    /// Samples of each process.
    pub fn len(&self) -> usize {
        self.samples[0].len()
    }

    /// Never: a panel has samples.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Number of processes.
    pub fn processes(&self) -> usize {
        self.samples.len()
    }

    /// Applies the rule. *Leak* is tried only where `may_leak` says that this look may spend
    /// its share of the error budget on it.
    pub fn call(&self, may_leak: bool) -> Call {
        may_leak
            .then(|| self.leak())
            .flatten()
            .or_else(|| self.stable())
            .unwrap_or(Call::Undecided)
    }

    /// The increments of every process in a tail for one quantile.
    pub(crate) fn increments(&self, tail: &Tail, quantile: usize, rho: f64) -> Vec<Increments> {
        tail.levels
            .iter()
            .map(|l| {
                increments(
                    &l.levels[quantile],
                    tail.blocks,
                    rho,
                    self.scale.granularity,
                )
            })
            .collect()
    }

    /// The quantile whose increments vary least, and the increments.
    pub(crate) fn steadiest(&self, tail: &Tail, rho: f64) -> (usize, Vec<Increments>) {
        let candidates: Vec<Vec<Increments>> = (0..QUANTILES.len())
            .map(|q| self.increments(tail, q, rho))
            .collect();
        let variances: Vec<f64> = candidates
            .iter()
            .map(|all| all.iter().map(|i| i.se * i.se).sum())
            .collect();
        let best = least(&variances);
        (best, candidates.into_iter().nth(best).unwrap_or_default())
    }

    pub(super) fn majority(&self) -> usize {
        self.processes().div_ceil(2)
    }
}

/// The index of the least variance; within 1e-9 of each other the lower index wins.
pub(super) fn least(variances: &[f64]) -> usize {
    (1..variances.len()).fold(0, |best, candidate| {
        if variances[candidate] < (1.0 - 1e-9) * variances[best] {
            candidate
        } else {
            best
        }
    })
}
