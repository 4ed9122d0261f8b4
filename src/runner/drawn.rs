//! The plot below the text of a case that is not as claimed, from the traces that were kept of it.

use std::fmt::Write as _;

use libtest_mimic::Failed;

use super::artifacts::read_trace;
use crate::report::CaseReport;
use crate::report::plot::{Run, Screen, Wish, plot, scene};
use crate::trace::Trace;

/// What libtest is told, with the plot where one is asked for.
pub(super) fn drawn_below(failed: Failed, report: &CaseReport, screen: Option<Screen>) -> Failed {
    let (Some(text), Some(screen)) = (failed.message(), screen) else {
        return failed;
    };
    let Some(folder) = &report.folder else {
        return failed;
    };
    if report.traces.is_empty() {
        return failed;
    }
    // Indented as all that explains, so that no line can be taken for one of libtest's.
    let screen = Screen {
        width: screen.width.saturating_sub(2),
        ..screen
    };
    let read = report
        .traces
        .iter()
        .map(|name| read_trace(&folder.join(name)));
    let drawn = match read.collect::<Result<Vec<Trace>, _>>() {
        Ok(traces) => drawn(report, &traces, screen),
        Err(error) => format!("it can not be drawn: {error}"),
    };
    let mut out = format!("{text}\n");
    for line in drawn.lines() {
        let _ = write!(out, "\n  {line}");
    }
    out.into()
}

fn drawn(report: &CaseReport, traces: &[Trace], screen: Screen) -> String {
    let run = Run {
        name: report.id.clone(),
        traces: traces.iter().collect(),
        verdict: report.verdict.clone(),
    };
    match scene(&[run], &Wish::default()) {
        Ok(scene) => plot(&scene, screen),
        Err(error) => error.to_string(),
    }
}
