//! What is kept of a run: all that a comparison needs, and nothing that changes by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::number::{hundredths, rounded};
use crate::analysis::{RESIDENT_FROM, TailSlopes, Verdict, VerdictKind};
use crate::stats::{Mean, lower_quantile};
use crate::trace::{Axis, Driver, Heap, Metric, Trace};

/// The version of the contents that this program writes. All versions up to it are read.
pub const FORMAT: u32 = 1;

/// Of the samples, this share at the end tells the base.
const LAST: usize = 10;
/// What stands for them: memory that is given back again and again comes down to it.
const BASE_QUANTILE: f64 = 0.25;
/// Bytes of a page, where the trace does not tell.
const PAGE: f64 = 4096.0;

/// What is kept of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The version of these contents.
    pub format: u32,
    /// What the data showed.
    pub verdict: VerdictKind,
    /// What the samples are plotted against.
    pub axis: Axis,
    /// Iterations the estimates are of; on other axes milliseconds, or lines.
    pub iterations: u64,
    /// Processes.
    pub processes: u32,
    /// Slopes over the later half, by metric.
    pub slopes: BTreeMap<Metric, Slope>,
    /// What a process holds at the end, above which it grew or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Level>,
    /// Highest resident bytes of a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<Level>,
    /// The curve in eight heights, for people.
    #[serde(default)]
    pub curve: String,
    /// What must be alike for two fits to be comparable.
    pub surroundings: Surroundings,
}

/// A slope in its metric's unit, by what slopes are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Slope {
    /// Mean of the processes.
    pub estimate: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom of the error.
    pub df: f64,
    /// The largest slope that counts as none; for counts the growth over the run.
    pub tolerance: f64,
    /// Samples of a process.
    pub samples: u64,
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Mean of the processes.
    pub bytes: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom of the error.
    pub df: f64,
}

/// What must be alike for two fits to be comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// System and architecture.
    pub platform: String,
    /// Name and version of what ran the target.
    pub runtime: String,
    /// Which heap `live` speaks of.
    pub heap: Heap,
    /// Whether `live` counted all that is allocated.
    pub complete: bool,
    /// The allocator: the C library's, or the library that brings its own.
    pub allocator: String,
    /// Bytes of a page.
    pub page: u64,
    /// How the workload advanced.
    pub driver: Driver,
    /// Runs of the body between two samples.
    #[serde(default = "one")]
    pub batch: u32,
    /// Whether a collection was forced before the samples.
    pub collected: bool,
    /// Whether free memory was given back before the samples.
    pub trimmed: bool,
    /// A hash of the target, as the case writes it.
    pub target: String,
}

impl Slope {
    /// As a mean that is known with an error.
    pub fn mean(&self) -> Mean {
        Mean {
            value: self.estimate,
            se: self.error,
            df: self.df,
        }
    }
}

impl Level {
    /// As a mean that is known with an error.
    pub fn mean(&self) -> Mean {
        Mean {
            value: self.bytes,
            se: self.error,
            df: self.df,
        }
    }

    /// Of the processes' levels, each known to a granule.
    fn of(levels: &[f64], granularity: f64) -> Option<Self> {
        let mean = coarsened(Mean::of(levels, 0.0)?, granularity, levels.len());
        let (bytes, error) = rounded(mean.value, mean.se);
        Some(Self {
            bytes,
            error,
            df: hundredths(mean.df),
        })
    }
}

fn one() -> u32 {
    1
}

/// A mean of what is known to a granule only: the variance of the difference of two rounded
/// readings is added.
fn coarsened(mean: Mean, granularity: f64, members: usize) -> Mean {
    let coarse = granularity * granularity / 6.0 / members as f64;
    Mean {
        se: (mean.se * mean.se + coarse).sqrt(),
        ..mean
    }
}

/// What was seen in a run, from which a fit is made.
#[derive(Debug, Clone)]
pub struct Observed<'a> {
    /// What the run said.
    pub verdict: &'a Verdict,
    /// The slopes up to `iterations`.
    pub slopes: &'a [TailSlopes],
    /// Iterations of the fit.
    pub iterations: u64,
    /// The traces of the processes that decide.
    pub traces: &'a [&'a Trace],
    /// What ran the target.
    pub runtime: &'a str,
    /// System and architecture.
    pub platform: &'a str,
    /// A hash of the target.
    pub target: &'a str,
    /// The curve in eight heights.
    pub curve: String,
}

impl Fit {
    /// What is kept of what was seen; none without traces.
    pub fn of(observed: &Observed<'_>) -> Option<Self> {
        let header = &observed.traces.first()?.header;
        let turns = observed.iterations / u64::from(header.batch.max(1));
        let early = header.live_complete && turns < RESIDENT_FROM;
        let early = early && header.driver == Driver::Step;
        let engine = header.heap.engine().is_some();
        let slopes = observed
            .slopes
            .iter()
            .filter(|slopes| is_compared(slopes.metric, early, engine))
            .filter_map(|slopes| Some((slopes.metric, slope_of(slopes)?)))
            .collect();
        let granularity = if header.anon_granularity > 0 {
            header.anon_granularity as f64
        } else {
            PAGE
        };
        let ramp = header.driver == Driver::Ramp;
        let level = |level: &dyn Fn(&Trace) -> Option<f64>| {
            let levels: Option<Vec<f64>> = observed.traces.iter().map(|t| level(t)).collect();
            Level::of(&levels.filter(|_| !ramp)?, granularity)
        };
        let n = observed.iterations;
        Some(Self {
            format: FORMAT,
            verdict: observed.verdict.kind,
            axis: observed.verdict.axis,
            iterations: n,
            processes: observed.traces.len() as u32,
            slopes,
            base: level(&|trace| base_of(trace, n)),
            peak: level(&|trace| peak_of(trace, n)),
            curve: observed.curve.clone(),
            surroundings: Surroundings {
                platform: observed.platform.to_owned(),
                runtime: observed.runtime.to_owned(),
                heap: header.heap,
                complete: header.live_complete,
                allocator: header
                    .private_allocator
                    .clone()
                    .unwrap_or_else(|| "malloc".to_owned()),
                page: header.environment.page,
                driver: header.driver,
                batch: header.batch.max(1),
                collected: header.collected,
                trimmed: header.trimmed,
                target: observed.target.to_owned(),
            },
        })
    }
}

/// Whether a change of a metric's slope is a change of the case: addresses are not memory, and resident
/// memory moves by itself beside an engine, and by pages where the run is short.
fn is_compared(metric: Metric, early: bool, engine: bool) -> bool {
    match metric {
        Metric::Live
        | Metric::External
        | Metric::Native
        | Metric::Blocks
        | Metric::Fds
        | Metric::Threads
        | Metric::Children => true,
        Metric::Anon => !early && !engine,
        Metric::Shmem => !early,
        Metric::Mapped | Metric::Peak | Metric::Pss | Metric::Swap => false,
    }
}

fn slope_of(found: &TailSlopes) -> Option<Slope> {
    let mean = match found.df {
        Some(df) => Mean {
            value: *found.slopes.first()?,
            se: found.se_within,
            df,
        },
        None => Mean::of(&found.slopes, found.se_within)?,
    };
    let mean = coarsened(mean, found.coarse, found.slopes.len());
    if !(mean.value.is_finite() && mean.se.is_finite() && found.tolerance.is_finite()) {
        return None;
    }
    let (estimate, error) = rounded(mean.value, mean.se);
    Some(Slope {
        estimate,
        error,
        df: hundredths(mean.df),
        tolerance: found.tolerance,
        samples: found.samples,
    })
}

/// What a process holds at the end of the samples up to `n`.
fn base_of(trace: &Trace, n: u64) -> Option<f64> {
    let series = trace.get(Metric::Anon).or(trace.get(Metric::Live))?;
    let end = series.at.partition_point(|&at| at <= n);
    let from = end - end.div_ceil(LAST);
    let mut last: Vec<f64> = series.values[from..end].iter().map(|&v| v as f64).collect();
    (!last.is_empty()).then(|| lower_quantile(&mut last, BASE_QUANTILE))
}

fn peak_of(trace: &Trace, n: u64) -> Option<f64> {
    let series = trace.get(Metric::Peak)?;
    let end = series.at.partition_point(|&at| at <= n);
    series.values[..end].iter().max().map(|&peak| peak as f64)
}
