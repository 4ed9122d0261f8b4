//! All that a page tells of a case when it is opened.

use std::time::Duration;

use serde::Serialize;

use super::super::attempt::Attempt;
use super::super::event::CaseReport;
use super::super::explain::facts;
use super::super::next::{reproduce, what_next};
use super::super::{baseline, text, why};
use super::escape::shown;
use super::plot::Plots;
use crate::trace::Trace;
use crate::units::Bytes;

/// A name and what is to be said of it; further lines of it have no name.
type Row = (String, String);

/// A case, opened. Its texts are those of the report for people, so that no number is worded twice.
#[derive(Debug, Serialize)]
pub(super) struct Details {
    reason: String,
    /// Where the growth comes from and who keeps it, where a tracer looked.
    explanation: Vec<Row>,
    facts: Vec<Row>,
    baseline: Vec<Row>,
    attempts: Vec<Row>,
    output: Option<String>,
    about: Vec<Row>,
    environment: Vec<Row>,
    /// The command that measures the case again.
    reproduce: String,
    next: Vec<String>,
    plots: Plots,
    /// Why there are no plots.
    no_plots: Option<String>,
}

impl Details {
    pub(super) fn new(case: &CaseReport, traces: &Result<Vec<Trace>, String>) -> Self {
        let (traces, no_plots) = match traces {
            Ok(traces) => (&traces[..], None),
            Err(reason) => (&[][..], Some(shown(reason))),
        };
        Self {
            reason: shown(&case.reason),
            explanation: rows(|mut row| why::rows(case, &mut row)),
            facts: told_facts(case),
            // A page is the same whoever writes it.
            baseline: rows(|mut row| baseline::lasting_rows(case, &mut row)),
            attempts: case.attempts.iter().enumerate().map(attempt).collect(),
            output: case.output.as_deref().map(shown),
            about: about(case),
            environment: environment(traces),
            reproduce: shown(&reproduce(case)),
            next: what_next(case).iter().map(|next| shown(next)).collect(),
            plots: Plots::new(&case.verdict, traces),
            no_plots,
        }
    }
}

/// Collects what is told row by row.
fn rows(tell: impl FnOnce(&mut dyn FnMut(&str, &str))) -> Vec<Row> {
    let mut all = Vec::new();
    tell(&mut |name: &str, value: &str| all.push((shown(name), shown(value.trim_end()))));
    all
}

fn told_facts(case: &CaseReport) -> Vec<Row> {
    let mut told = rows(|mut row| facts(&case.verdict, Some(case), &mut row));
    // The curve itself is drawn beside them.
    told.retain(|(name, _)| !matches!(name.as_str(), "curve" | "peaks"));
    let settles = case.verdict.remedy.as_deref();
    if let Some(remedy) = settles.filter(|remedy| !case.reason.contains(remedy)) {
        told.push(("settles".to_owned(), shown(remedy)));
    }
    told
}

fn attempt((index, attempt): (usize, &Attempt)) -> Row {
    let time = text::duration(Duration::try_from_secs_f64(attempt.seconds).unwrap_or_default());
    (
        format!("try {}", index + 1),
        shown(&format!(
            "{}, {time}: {}",
            attempt.outcome.name(),
            attempt.reason
        )),
    )
}

fn about(case: &CaseReport) -> Vec<Row> {
    let mut all = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            all.push((name.to_owned(), shown(&value)));
        }
    };
    row("case", format!("{}:{}", case.file.display(), case.line));
    row("claim", case.expected.name().to_owned());
    row("tags", case.tags.join(", "));
    let folder = case.folder.as_deref();
    row(
        "traces",
        folder.map_or_else(String::new, |f| f.display().to_string()),
    );
    row("run by", case.runtime.clone().unwrap_or_default());
    all
}

/// What the first of the traces was taken under.
fn environment(traces: &[Trace]) -> Vec<Row> {
    let Some(header) = traces.first().map(|trace| &trace.header) else {
        return Vec::new();
    };
    let facts = &header.environment;
    let mut all = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            all.push((name.to_owned(), shown(&value)));
        }
    };
    row("runtime", facts.runtime.clone());
    row(
        "kernel",
        format!("{} {}", facts.kernel, facts.arch).trim().to_owned(),
    );
    row("machine", machine(facts.cpus, facts.memory));
    let limit = facts.memory_limit.map(|limit| Bytes(limit).to_string());
    row(
        "container",
        limit.map_or_else(String::new, |limit| format!("{limit} allowed")),
    );
    row("driver", header.driver.name().to_owned());
    if header.batch > 1 {
        row(
            "batch",
            format!("{} runs a turn", text::iterations(header.batch.into())),
        );
    }
    row("set", facts.reducers.join("\n"));
    all
}

fn machine(cpus: u32, memory: u64) -> String {
    let plural = if cpus == 1 { "" } else { "s" };
    match (cpus, memory) {
        (_, 0) => String::new(),
        (0, memory) => Bytes(memory).to_string(),
        (cpus, memory) => format!("{cpus} processor{plural}, {}", Bytes(memory)),
    }
}
