//! What happens in a run, as data: the form that programs read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::curve::thin;
use super::ramp;
use super::side::Side;
use crate::analysis::{Finding, Garbage, Interval, LeakKind, Spikes, Verdict, VerdictKind};
use crate::baseline::Fit;
use crate::baseline::store::Settled;
use crate::case::{Case, Claim, Language};
use crate::config::Inconclusive;
use crate::explain::Explanation;
use crate::outcome::{Outcome, OutcomeKind};
use crate::trace::{Axis, Metric, Trace, Unit};

use super::family::{self, Relative};
use super::limits::{self, Passed, Reaches};

/// Version of the events' format; it rises when a field changes its meaning or goes away.
pub const EVENT_VERSION: u32 = 1;

/// First and last readings that are kept for display.
const ENDS: usize = 3;

/// Something that happened in a run. Each is one line of `--format json`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// The first event.
    RunStarted {
        /// The version of memcase.
        memcase: Cow<'static, str>,
        /// Ids of the selected cases, in order.
        cases: Vec<String>,
        /// Cases that the filters left out.
        filtered_out: usize,
        /// The part of this machine, where several share the cases: `slice:1/4`.
        partition: Option<String>,
        /// Cases that say `ignore` and are not run, with their reasons.
        ignored: BTreeMap<String, String>,
        /// The profile of the configuration.
        profile: String,
        /// Which of several runs this is, and how many there are; both 1 without `--stress-count`.
        stress: (u32, u32),
        /// What follows from a case that is not decided.
        inconclusive: Inconclusive,
        /// Whether a leak is only confirmed at the horizon.
        strict: bool,
        /// Where traces and results are kept.
        artifacts: PathBuf,
    },
    /// A case is about to be made ready.
    CaseStarted {
        /// The case.
        id: String,
    },
    /// A try of a case has ended, and the case is tried again.
    CaseTried {
        /// The case.
        id: String,
        /// Which try it was, from 1.
        attempt: u32,
        /// How many there may be.
        of: u32,
        /// How it ended.
        result: Attempt,
    },
    /// What a case requires is being built or fetched.
    EnvBuilding {
        /// The case.
        id: String,
        /// What is being done.
        message: String,
    },
    /// How far a case is.
    CaseProgress {
        /// The case.
        id: String,
        /// What the samples are plotted against: milliseconds, or lines, in place of iterations.
        axis: Axis,
        /// Iterations completed by the process that is furthest; for a ramp, processes.
        iteration: u64,
        /// Iterations of the next look; 0 where it is not known. For a ramp, all processes.
        of: u64,
        /// Anonymous resident bytes of that process now.
        memory: u64,
        /// Mean slope at the last look, if there was one, in bytes an iteration.
        slope: Option<f64>,
        /// Seconds left of the budget.
        seconds_left: f64,
        /// Whether this is a look, rather than a sign of life.
        look: bool,
    },
    /// A case has ended.
    Case(Box<CaseReport>),
    /// The last event.
    RunFinished(Summary),
}

/// How many cases ended how.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// As claimed.
    pub passed: usize,
    /// Of these, those that failed or broke before and passed when they were tried again.
    pub flaky: usize,
    /// Not as claimed.
    pub failed: usize,
    /// Not decided.
    pub inconclusive: usize,
    /// Not measured.
    pub broken: usize,
    /// Not run.
    pub skipped: usize,
    /// Left out by the filters.
    pub filtered_out: usize,
    /// Not run because they say `ignore`.
    pub ignored: usize,
    /// Wall time of the run.
    pub seconds: f64,
    /// Whether a person or a signal stopped it.
    pub interrupted: bool,
    /// The exit code of the program.
    pub exit_code: u8,
}

impl Summary {
    /// Counts one more.
    pub fn count(&mut self, report: &CaseReport) {
        self.flaky += usize::from(report.flaky);
        *match report.outcome {
            OutcomeKind::Passed => &mut self.passed,
            OutcomeKind::Failed => &mut self.failed,
            OutcomeKind::Inconclusive => &mut self.inconclusive,
            OutcomeKind::Broken => &mut self.broken,
            OutcomeKind::Skipped => &mut self.skipped,
        } += 1;
    }
}

/// What the data show, with what is needed to draw it. All is none where nothing was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VerdictReport {
    /// What the data show.
    pub verdict: Option<VerdictKind>,
    /// What a leak is made of.
    pub kind: Option<LeakKind>,
    /// What that is and what to do about it.
    pub explanation: Vec<String>,
    /// What waits for the collector of the language.
    pub garbage: Option<Garbage>,
    /// The form of the curve.
    pub shape: Option<String>,
    /// The metric that speaks for the verdict.
    pub metric: Option<Metric>,
    /// Its slope, in `unit`.
    pub slope: Option<Interval>,
    /// What the slope counts: `B/iter` or `1/iter`; on other axes `B/s`, `B/line`.
    pub unit: Option<Cow<'static, str>>,
    /// What the samples were plotted against.
    pub axis: Axis,
    /// The smallest slope that would have been called a leak, in `unit`.
    pub detection_limit: Option<f64>,
    /// Iterations judged: the horizon of the claim. On the axis `seconds` milliseconds, on
    /// `lines` lines; so are all places.
    pub iterations: u64,
    /// Processes judged.
    pub processes: u32,
    /// The iteration where the growth began.
    pub began: Option<u64>,
    /// Highest resident bytes.
    pub peak: Option<u64>,
    /// For a leak: when it reaches each limit, the nearest first.
    pub reaches: Vec<Reaches>,
    /// Peaks far above the base.
    pub spikes: Option<Spikes>,
    /// What each metric shows, the deciding one first.
    pub findings: Vec<Finding>,
    /// The processes of the target's trees, where it had children at its samples.
    pub tree: Vec<Relative>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// What would settle an inconclusive one.
    pub remedy: Option<String>,
    /// The deciding metric of the first process, thinned out for display.
    pub curve: Vec<u64>,
    /// Its first readings.
    pub first: Vec<u64>,
    /// Its last readings.
    pub last: Vec<u64>,
}

impl VerdictReport {
    /// The report of a verdict on traces.
    pub fn new(verdict: &Verdict, traces: &[&Trace]) -> Self {
        // A spike shows in the peaks, whatever metric the slope speaks of.
        let drawn = match verdict.kind {
            VerdictKind::Spike => Metric::Peak,
            _ => verdict.metric,
        };
        let ends = ramp::as_series(traces, drawn);
        let series = ends
            .as_ref()
            .or_else(|| traces.iter().find_map(|trace| trace.get(drawn)))
            .or_else(|| traces.iter().find_map(|trace| trace.get(verdict.metric)));
        // With too few samples there is nothing to tell of.
        let judged = !verdict.findings.is_empty();
        let tree = family::relatives(traces);
        let values = series.map_or(&[][..], |series| {
            let end = series.at.partition_point(|&at| at <= verdict.iterations);
            &series.values[..end]
        });
        Self {
            verdict: Some(verdict.kind),
            kind: verdict.leak,
            explanation: verdict.explanation.clone(),
            garbage: verdict.garbage.clone(),
            shape: Some(verdict.shape.0.clone()),
            metric: Some(verdict.metric),
            slope: judged.then_some(verdict.slope),
            unit: Some(Cow::Borrowed(match (verdict.metric.unit(), verdict.axis) {
                (Unit::Bytes, Axis::Iterations) => "B/iter",
                (Unit::Bytes, Axis::Seconds) => "B/s",
                (Unit::Bytes, Axis::Lines) => "B/line",
                (Unit::Count, Axis::Iterations) => "1/iter",
                (Unit::Count, Axis::Seconds) => "1/s",
                (Unit::Count, Axis::Lines) => "1/line",
            })),
            axis: verdict.axis,
            detection_limit: judged.then_some(verdict.detection_limit),
            iterations: verdict.iterations,
            processes: verdict.processes,
            began: verdict.began,
            peak: Some(verdict.peak),
            reaches: limits::reaches(verdict, traces),
            spikes: verdict.spikes.clone(),
            findings: verdict.findings.clone(),
            notes: verdict
                .notes
                .iter()
                .cloned()
                .chain(family::orphans(&tree))
                .collect(),
            tree,
            remedy: verdict.remedy.clone(),
            curve: thin(values, verdict.kind == VerdictKind::Spike),
            first: values[..values.len().min(ENDS)].to_vec(),
            last: values[values.len().saturating_sub(ENDS)..].to_vec(),
        }
    }
}

/// All that is told of a case that has ended; also its `result.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The case.
    pub id: String,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// What was claimed.
    pub expected: Claim,
    /// Why the outcome is what it is, in a sentence.
    pub reason: String,
    /// Whether it passed only when it was tried again.
    pub flaky: bool,
    /// All tries in order, where there were several.
    pub attempts: Vec<Attempt>,
    /// Which side of its case it is, where several were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// How it compares with its baseline, and what was done with the result.
    pub baseline: Option<Settled>,
    /// What a comparison needs of it.
    pub fit: Option<Fit>,
    /// The limit that a process was ended for.
    pub limit: Option<Passed>,
    /// What the data show.
    #[serde(flatten)]
    pub verdict: VerdictReport,
    /// Why it grows, where a second run was asked to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Explanation>,
    /// Wall time of the case, with its preparation.
    pub seconds: f64,
    /// The case file.
    pub file: PathBuf,
    /// Its line.
    pub line: usize,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its language, unless it is a command.
    pub language: Option<Language>,
    /// What it was run by.
    pub runtime: Option<String>,
    /// For a broken case: the last lines of the target or the tool.
    pub output: Option<String>,
    /// Where its traces and logs are kept.
    pub folder: Option<PathBuf>,
    /// Its traces, relative to the folder.
    pub traces: Vec<String>,
}

impl CaseReport {
    /// The report of a case before anything of it was measured.
    pub fn new(case: &Case, outcome: Outcome) -> Self {
        Self {
            id: case.id.0.clone(),
            outcome: outcome.kind,
            expected: case.expect.claim,
            reason: outcome.reason,
            flaky: false,
            attempts: Vec::new(),
            side: None,
            baseline: None,
            fit: None,
            limit: None,
            verdict: VerdictReport::default(),
            why: None,
            seconds: 0.0,
            file: case.file.clone(),
            line: case.line,
            tags: case.tags.clone(),
            language: case.target.program.language(),
            runtime: None,
            output: None,
            folder: None,
            traces: Vec::new(),
        }
    }

    /// A limit was passed: that is what became of the case, whatever the data show.
    pub fn fail(&mut self, outcome: Outcome, passed: Passed) {
        self.outcome = outcome.kind;
        self.reason = outcome.reason;
        self.limit = Some(passed);
    }
}

/// A verdict on recorded traces.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Always `verdict`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Version of the format.
    pub version: u32,
    /// The case that the traces are of.
    pub id: String,
    /// What the data show.
    #[serde(flatten)]
    pub verdict: VerdictReport,
}

impl Judged {
    /// The report of a verdict on recorded traces of the case `id`.
    pub fn new(id: String, verdict: &Verdict, traces: &[&Trace]) -> Self {
        Self {
            kind: "verdict",
            version: EVENT_VERSION,
            id,
            verdict: VerdictReport::new(verdict, traces),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_finite_are_null_in_events() {
        let report = VerdictReport {
            detection_limit: Some(f64::INFINITY),
            slope: Some(Interval {
                estimate: 1.0,
                low: f64::NEG_INFINITY,
                high: f64::NAN,
            }),
            ..VerdictReport::default()
        };
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains(r#""detection_limit":null"#), "{text}");
        assert!(text.contains(r#""low":null,"high":null"#), "{text}");
    }
}
