//! What is asked to be drawn, and why it may not be possible.

use thiserror::Error;

use crate::report::VerdictReport;
use crate::trace::{Axis, Driver, Metric, Role, Trace};

/// The traces of one case, or of one record, with what they show.
#[derive(Debug)]
pub struct Run<'a> {
    /// What the legend calls it, where there are several.
    pub name: String,
    /// Its processes.
    pub traces: Vec<&'a Trace>,
    /// What they show.
    pub verdict: VerdictReport,
}

/// What readings are drawn against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Iterations, or lines.
    Iterations,
    /// Time.
    Time,
}

/// What is wished for; all that is not said follows from the runs.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The metric.
    pub metric: Option<Metric>,
    /// The axis.
    pub along: Option<Along>,
    /// The title.
    pub title: Option<String>,
}

/// Why nothing can be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlotError {
    /// No reading at all.
    #[error("`{0}` has no readings; there is nothing to draw")]
    Empty(String),
    /// No reading of the metric.
    #[error("`{run}` has no readings of `{}`; it has: {}", .metric.name(), names(.has))]
    Metric {
        /// The run.
        run: String,
        /// What was asked for.
        metric: Metric,
        /// What there is.
        has: Vec<Metric>,
    },
    /// Recorded over time, asked for by iterations.
    #[error("`{0}` was read over time and has no iterations; leave `--axis iterations` out")]
    NoIterations(String),
    /// Iterations whose time is not known.
    #[error(
        "`{0}` does not tell how long its iterations took, so it can not be drawn over time; use `--axis iterations`"
    )]
    NoTime(String),
    /// Two runs that no axis fits.
    #[error("`{0}` counts {1} and `{2}` counts {3}; {4}")]
    Axes(String, &'static str, String, &'static str, &'static str),
}

fn names(metrics: &[Metric]) -> String {
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name()).collect();
    names.join(", ")
}

impl Run<'_> {
    /// What its readings were taken against.
    pub(super) fn axis(&self) -> Axis {
        let first = self.traces.first();
        first.map_or(Axis::Iterations, |trace| trace.header.axis)
    }

    /// Whether each of its processes has one reading that counts.
    pub(super) fn is_ramp(&self) -> bool {
        let driver = |trace: &&&Trace| trace.header.driver == Driver::Ramp;
        self.traces.iter().any(|trace| driver(&trace))
    }

    /// The metrics that it has readings of.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        let has = |metric: &Metric| self.traces.iter().any(|t| t.get(*metric).is_some());
        Metric::ALL.into_iter().filter(has).collect()
    }

    /// The processes that decide, or all where none does.
    pub(super) fn judged(&self) -> Vec<&Trace> {
        let judged = |trace: &&Trace| trace.header.role == Role::Judged;
        let deciding: Vec<&Trace> = self.traces.iter().copied().filter(judged).collect();
        if deciding.is_empty() {
            self.traces.clone()
        } else {
            deciding
        }
    }
}

/// The metric that is drawn: the one asked for, else the first that decides a run and that all have.
pub(super) fn metric_of(runs: &[Run], wish: &Wish) -> Result<Metric, PlotError> {
    for run in runs {
        if run.metrics().is_empty() {
            return Err(PlotError::Empty(run.name.clone()));
        }
    }
    let lacks = |metric: Metric| runs.iter().find(|run| !run.metrics().contains(&metric));
    if let Some(metric) = wish.metric {
        return match lacks(metric) {
            None => Ok(metric),
            Some(run) => Err(PlotError::Metric {
                run: run.name.clone(),
                metric,
                has: run.metrics(),
            }),
        };
    }
    // Of a record each process is known by its part of what all hold.
    let records = runs
        .iter()
        .all(|run| run.traces.iter().any(|trace| trace.processes.len() > 1));
    let divided = records.then_some(Metric::Pss);
    let deciding = divided
        .into_iter()
        .chain(runs.iter().filter_map(|run| run.verdict.metric));
    let usual = [Metric::Pss, Metric::Anon, Metric::Live];
    let all = deciding.chain(usual).chain(Metric::ALL);
    let of_first = runs.first().map(Run::metrics).unwrap_or_default();
    let Some(metric) = all.into_iter().find(|metric| lacks(*metric).is_none()) else {
        let (first, has) = (of_first.first().copied(), runs.last());
        return Err(PlotError::Metric {
            run: has.map(|run| run.name.clone()).unwrap_or_default(),
            metric: first.unwrap_or(Metric::Anon),
            has: has.map(Run::metrics).unwrap_or_default(),
        });
    };
    Ok(metric)
}

/// The axis that is drawn: the one asked for, else the one that the runs have in common.
pub(super) fn axis_of(runs: &[Run], wish: &Wish) -> Result<Axis, PlotError> {
    let Some(first) = runs.first() else {
        return Ok(Axis::Iterations);
    };
    if wish.along == Some(Along::Time) {
        return Ok(Axis::Seconds);
    }
    for run in runs {
        if wish.along == Some(Along::Iterations) && run.axis() == Axis::Seconds {
            return Err(PlotError::NoIterations(run.name.clone()));
        }
        if run.axis() != first.axis() {
            let lines = [first.axis(), run.axis()].contains(&Axis::Lines);
            let remedy = if lines && !runs.iter().any(|run| run.axis() == Axis::Seconds) {
                "they have no axis in common but time: `--axis time`"
            } else {
                "`--axis time` draws both over time"
            };
            let (name, word) = (first.name.clone(), word(first.axis()));
            let (other, of_other) = (run.name.clone(), self::word(run.axis()));
            return Err(PlotError::Axes(name, word, other, of_other, remedy));
        }
    }
    Ok(first.axis())
}

/// What an axis counts.
pub(super) fn word(axis: Axis) -> &'static str {
    match axis {
        Axis::Iterations => "iterations",
        Axis::Seconds => "time",
        Axis::Lines => "lines",
    }
}
