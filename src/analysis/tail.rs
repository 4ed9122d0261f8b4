//! The slope of each metric over the later half of the samples: the same estimate in every run.
//!
//! A verdict speaks of the tail on which its rule decided, which is not the same one in every run. Two
//! runs can only be compared by an estimate that does not hang on what was decided.

use crate::trace::{Driver, Metric, Trace, Unit};

use super::counts;
use super::describe::describe;
use super::rule::{Call, Panel};
use super::series::{Aligned, scale_of};
use super::verdict::{Finding, Policy};

/// The share of a ramp's counts above which its slope is read.
const UPPER: f64 = 0.6;

/// The slopes of one metric in all processes, in its unit by what slopes are counted by.
#[derive(Debug, Clone, PartialEq)]
pub struct TailSlopes {
    /// The metric.
    pub metric: Metric,
    /// Slope of each process; of a ramp the one slope through all of them.
    pub slopes: Vec<f64>,
    /// Standard error that a slope has from within its process.
    pub se_within: f64,
    /// The slope that the metric's granularity makes over the tail.
    pub coarse: f64,
    /// Degrees of freedom of `se_within`, where there is one slope through all processes.
    pub df: Option<f64>,
    /// The largest slope that counts as none; for counts the growth over the run.
    pub tolerance: f64,
    /// Samples of a process up to `n`.
    pub samples: u64,
}

/// The slopes of the metrics that `findings` speak of, over the later half of the samples up to `n`.
pub fn tail_slopes(
    traces: &[&Trace],
    n: u64,
    findings: &[Finding],
    policy: &Policy,
) -> Vec<TailSlopes> {
    let ramp = traces.iter().any(|t| t.header.driver == Driver::Ramp);
    let slopes = findings.iter().filter_map(|finding| {
        if ramp {
            return of_ramp(traces, finding);
        }
        let aligned = Aligned::new(traces, finding.metric, n, policy)?;
        match finding.metric.unit() {
            Unit::Count if finding.metric != Metric::Blocks => of_count(&aligned),
            Unit::Bytes | Unit::Count => of_level(&aligned),
        }
    });
    slopes.collect()
}

fn of_level(aligned: &Aligned) -> Option<TailSlopes> {
    let slices = aligned.slices();
    let scale = aligned.scale();
    let panel = Panel::new(&slices, scale)?;
    let found = describe(&panel, &Call::Undecided);
    let unit = aligned.unit();
    let length = (aligned.len() - found.tail_start) as f64;
    Some(TailSlopes {
        metric: aligned.metric,
        slopes: found.slopes.iter().map(|slope| slope / unit).collect(),
        se_within: found.se_within / unit,
        coarse: scale.granularity / (length * unit),
        df: None,
        tolerance: aligned.tolerance,
        samples: aligned.len() as u64,
    })
}

fn of_count(aligned: &Aligned) -> Option<TailSlopes> {
    let found = counts::judge(aligned)?;
    Some(TailSlopes {
        metric: aligned.metric,
        slopes: found.slopes,
        se_within: found.se_within,
        coarse: 0.0,
        df: None,
        tolerance: aligned.tolerance,
        samples: aligned.len() as u64,
    })
}

/// A ramp has one slope, through the readings of many processes.
fn of_ramp(traces: &[&Trace], finding: &Finding) -> Option<TailSlopes> {
    let from = (UPPER * finding.iterations as f64) as u64;
    let counts = traces
        .iter()
        .filter_map(|trace| trace.get(finding.metric)?.at.last().copied());
    let upper = counts.filter(|&count| count >= from).count() as u64;
    let reach = finding.iterations.saturating_sub(from).max(1) as f64;
    Some(TailSlopes {
        metric: finding.metric,
        slopes: finding.slopes.clone(),
        se_within: finding.se_within,
        coarse: scale_of(traces, finding.metric, finding.iterations).1 / reach,
        df: Some(upper.checked_sub(2).filter(|&df| df > 0)? as f64),
        tolerance: finding.tolerance,
        samples: upper,
    })
}
