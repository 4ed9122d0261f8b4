//! The Test Anything Protocol, version 14: a line as each case ends, with a block of YAML below.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Reporter;
use super::event::{CaseReport, Event};
use super::explain::explain;
use super::sink::Sink;
use super::text;
use crate::analysis::VerdictKind;
use crate::config::Inconclusive;
use crate::outcome::OutcomeKind;

/// Writes a line as each case ends.
pub struct Tap {
    state: Mutex<State>,
}

struct State {
    sink: Sink,
    ended: usize,
    inconclusive: Inconclusive,
}

impl Tap {
    /// Writes to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self {
            state: Mutex::new(State {
                sink: Sink::new(out),
                ended: 0,
                inconclusive: Inconclusive::default(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines of a case.
fn point(number: usize, report: &CaseReport, inconclusive: Inconclusive) -> String {
    let ok = match report.outcome {
        OutcomeKind::Passed | OutcomeKind::Skipped => "ok",
        OutcomeKind::Inconclusive if inconclusive == Inconclusive::Pass => "ok",
        OutcomeKind::Failed | OutcomeKind::Inconclusive | OutcomeKind::Broken => "not ok",
    };
    let mut lines = format!("{ok} {number} - {}", escape(&report.id));
    if report.outcome == OutcomeKind::Skipped {
        let _ = writeln!(lines, " # SKIP {}", escape(&report.reason));
        return lines;
    }
    let _ = writeln!(lines, "\n  ---\n  outcome: {}", report.outcome.name());
    let verdict = report.verdict.verdict.map_or("null", VerdictKind::name);
    let _ = writeln!(lines, "  verdict: {verdict}");
    let _ = writeln!(lines, "  duration_ms: {:.3}", report.seconds * 1e3);
    if ok != "ok" {
        let reason = report.reason.lines().next().unwrap_or_default();
        // A string of JSON is one of YAML.
        let reason = serde_json::Value::from(text::printable(reason));
        let _ = writeln!(lines, "  message: {reason}");
        // The explanation begins with spaces of its own, so the block has to say how deep it is.
        let _ = writeln!(lines, "  explanation: |2");
        for line in explain(report).lines() {
            let _ = writeln!(lines, "    {line}");
        }
    }
    lines.push_str("  ...\n");
    lines
}

/// A description: no directive begins in it, and it is one line.
fn escape(text: &str) -> String {
    text::printable(text)
        .replace('\\', r"\\")
        .replace('#', r"\#")
        .replace('\n', " ")
}

impl Reporter for Tap {
    fn event(&self, event: &Event) {
        let mut state = self.lock();
        let lines = match event {
            Event::RunStarted {
                cases,
                ignored,
                inconclusive,
                ..
            } => {
                state.inconclusive = *inconclusive;
                let mut lines = format!("TAP version 14\n1..{}\n", cases.len() + ignored.len());
                for (id, reason) in ignored {
                    state.ended += 1;
                    let (id, reason) = (escape(id), escape(reason));
                    let _ = writeln!(lines, "ok {} - {id} # SKIP {reason}", state.ended);
                }
                lines
            }
            Event::Case(report) => {
                state.ended += 1;
                point(state.ended, report, state.inconclusive)
            }
            // Who was interrupted has no result, whatever the lines above say.
            Event::RunFinished(summary) if summary.interrupted => {
                "Bail out! interrupted\n".to_owned()
            }
            Event::RunFinished(_)
            | Event::CaseStarted { .. }
            | Event::CaseTried { .. }
            | Event::EnvBuilding { .. }
            | Event::CaseProgress { .. } => return,
        };
        state.sink.write(|out| out.write_all(lines.as_bytes()));
    }

    fn closed(&self) -> Option<ErrorKind> {
        self.lock().sink.closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_no_directive_and_no_end_of_line() {
        assert_eq!(escape("a # SKIP b\n\\"), r"a \# SKIP b \\");
    }
}
