//! What the data show at the stated level, and all that is told of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::trace::{Axis, Metric};

use super::garbage::Garbage;
use super::kind::LeakKind;

/// What the data show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictKind {
    /// Growth proven above the tolerance, not levelling off to the horizon.
    Leak,
    /// No such growth, and a peak far above the base that is given back.
    Spike,
    /// The whole interval of the slope lies within the tolerance.
    Stable,
    /// Not enough evidence for any of them.
    Inconclusive,
}

impl VerdictKind {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Spike => "spike",
            Self::Stable => "stable",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// How one metric was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Growth proven.
    Leak,
    /// Growth excluded.
    Stable,
    /// Neither.
    Unsettled,
}

/// The form of a curve; descriptive, without an error rate of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(pub String);

/// A point estimate with its 95 % confidence interval, in bytes (or things) an iteration; on
/// other axes a second, or a line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The point estimate.
    #[serde(deserialize_with = "super::unknown::number")]
    pub estimate: f64,
    /// Lower end.
    #[serde(deserialize_with = "super::unknown::number")]
    pub low: f64,
    /// Upper end.
    #[serde(deserialize_with = "super::unknown::number")]
    pub high: f64,
}

/// What one metric shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The metric.
    pub metric: Metric,
    /// How it was judged.
    pub status: Status,
    /// Its form.
    pub shape: Shape,
    /// Mean slope of the (leaking) processes.
    pub slope: Interval,
    /// Slope of each process.
    #[serde(deserialize_with = "super::unknown::numbers")]
    pub slopes: Vec<f64>,
    /// Standard error of the mean slope from within the processes.
    #[serde(deserialize_with = "super::unknown::number")]
    pub se_within: f64,
    /// Share of variance explained by the line through the block levels.
    #[serde(deserialize_with = "super::unknown::number")]
    pub r2: f64,
    /// The largest slope that counts as none.
    #[serde(deserialize_with = "super::unknown::number")]
    pub tolerance: f64,
    /// The smallest slope that the leak rule would have found in this much noise (99 % power); never
    /// below the tolerance.
    #[serde(deserialize_with = "super::unknown::number")]
    pub detection_limit: f64,
    /// Stable: growth of this much or more is excluded (97.5 %).
    pub excluded_above: Option<f64>,
    /// Iterations judged; on other axes places, as for the verdict.
    pub iterations: u64,
    /// The iteration at which the judged tail starts.
    pub tail_start: u64,
    /// Processes that leak, from 1.
    pub leaking: Vec<u32>,
    /// Level at the end of the tail, mean of the processes.
    #[serde(deserialize_with = "super::unknown::number")]
    pub level: f64,
    /// The rule that decided: `A`, `B`, `C` (leak), `plain`, `step` (stable), `ramp`, or none.
    pub route: Option<String>,
}

/// Peaks far above the base that were given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spikes {
    /// Episodes in the process that has the most.
    pub count: u64,
    /// Highest peak above the local base, in bytes.
    pub above_base: u64,
    /// The base, in bytes.
    pub base: u64,
    /// The iteration with the highest peak, as the target counts: from 0.
    pub at: u64,
    /// Median gap in iterations, where the episodes are regular.
    pub period: Option<f64>,
    /// Share of iterations above the threshold.
    #[serde(deserialize_with = "super::unknown::number")]
    pub duty: f64,
}

/// What the data show, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What the data show.
    pub kind: VerdictKind,
    /// The metric that speaks for it.
    pub metric: Metric,
    /// What a leak is made of, where the readings tell.
    pub leak: Option<LeakKind>,
    /// What that is and what to do about it, in two sentences.
    pub explanation: Vec<String>,
    /// What waits for the collector, where a process was asked that is not collected.
    pub garbage: Option<Garbage>,
    /// Its form.
    pub shape: Shape,
    /// Slope of that metric.
    pub slope: Interval,
    /// The smallest slope that the leak rule would have found in this much noise (99 % power); never
    /// below the tolerance.
    #[serde(deserialize_with = "super::unknown::number")]
    pub detection_limit: f64,
    /// What the samples were plotted against.
    #[serde(default)]
    pub axis: Axis,
    /// Iterations judged, the horizon of the claim; on other axes milliseconds, or lines.
    pub iterations: u64,
    /// Processes judged.
    pub processes: u32,
    /// The iteration where the growth began, for a leak.
    pub began: Option<u64>,
    /// Spikes, if there are any.
    pub spikes: Option<Spikes>,
    /// Highest resident bytes seen.
    pub peak: u64,
    /// What each metric shows, the deciding one first.
    pub findings: Vec<Finding>,
    /// What a reader should know beside the verdict: sentences.
    pub notes: Vec<String>,
    /// For an inconclusive one: what would settle it, in a sentence.
    pub remedy: Option<String>,
}

/// The rules that are set from outside.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// The iteration from which *leak* may be said, other than at the last look.
    pub leak_from: u64,
    /// Tolerances the case sets, by metric: bytes an iteration; for descriptors, threads and
    /// children the growth allowed over the run.
    pub tolerances: BTreeMap<Metric, f64>,
    /// The one metric that decides, when the case names it.
    pub only: Option<Metric>,
}

/// What a look says.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The evidence is enough, or no more will come.
    Decided(Box<Verdict>),
    /// More iterations are wanted; what it looks like so far.
    Continue(Box<Verdict>),
}
