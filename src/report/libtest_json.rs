//! libtest's lines of JSON, as `cargo test -- -Z unstable-options --format json` prints them.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::Reporter;
use super::event::{CaseReport, Event, Summary};
use super::explain::explain;
use super::sink::Sink;
use super::text;
use crate::config::Inconclusive;
use crate::outcome::OutcomeKind;

/// Writes a line as each case starts and ends.
pub struct LibtestJson {
    state: Mutex<State>,
}

struct State {
    sink: Sink,
    started: BTreeSet<String>,
    inconclusive: Inconclusive,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Suite(Suite),
    Test(Test<'a>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Suite {
    Started {
        event: &'static str,
        test_count: usize,
    },
    Ended {
        event: &'static str,
        passed: usize,
        failed: usize,
        ignored: usize,
        measured: usize,
        filtered_out: usize,
        exec_time: f64,
    },
}

#[derive(Serialize)]
struct Test<'a> {
    event: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exec_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl LibtestJson {
    /// Writes to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self {
            state: Mutex::new(State {
                sink: Sink::new(out),
                started: BTreeSet::new(),
                inconclusive: Inconclusive::default(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&mut self, line: &Line<'_>) {
        let Ok(mut line) = serde_json::to_vec(line) else {
            return;
        };
        line.push(b'\n');
        self.sink.write(|out| out.write_all(&line));
    }

    /// libtest tells of the start of every test, of one that is ignored too.
    fn started(&mut self, id: &str) {
        if self.started.insert(id.to_owned()) {
            self.line(&Line::Test(Test {
                event: "started",
                name: id,
                exec_time: None,
                stdout: None,
                message: None,
            }));
        }
    }

    /// A case that says of itself that it is not to be run.
    fn ignored(&mut self, id: &str, reason: &str) {
        self.started(id);
        self.line(&Line::Test(Test {
            event: "ignored",
            name: id,
            exec_time: None,
            stdout: None,
            message: Some(text::printable(reason)),
        }));
    }

    fn ended(&mut self, report: &CaseReport) {
        self.started(&report.id);
        let reason = text::printable(&report.reason);
        let (event, message) = match report.outcome {
            OutcomeKind::Passed => ("ok", None),
            OutcomeKind::Inconclusive if self.inconclusive == Inconclusive::Pass => ("ok", None),
            OutcomeKind::Skipped => ("ignored", Some(reason)),
            // libtest knows one word for the three; the message tells them apart.
            outcome => ("failed", Some(format!("{}: {reason}", outcome.name()))),
        };
        self.line(&Line::Test(Test {
            event,
            name: &report.id,
            exec_time: (event != "ignored").then_some(report.seconds),
            stdout: (event == "failed").then(|| explain(report)),
            message,
        }));
    }

    fn finished(&mut self, summary: &Summary) {
        let undecided = match self.inconclusive {
            Inconclusive::Pass => 0,
            Inconclusive::Exit3 | Inconclusive::Fail => summary.inconclusive,
        };
        let failed = summary.failed + undecided + summary.broken;
        self.line(&Line::Suite(Suite::Ended {
            // An interrupted run has not failed any case, and must not be taken for a good one.
            event: if failed == 0 && summary.exit_code == 0 {
                "ok"
            } else {
                "failed"
            },
            passed: summary.passed + summary.inconclusive - undecided,
            failed,
            ignored: summary.skipped + summary.ignored,
            measured: 0,
            filtered_out: summary.filtered_out,
            exec_time: summary.seconds,
        }));
    }
}

impl Reporter for LibtestJson {
    fn event(&self, event: &Event) {
        let mut state = self.lock();
        match event {
            Event::RunStarted {
                cases,
                ignored,
                inconclusive,
                ..
            } => {
                state.inconclusive = *inconclusive;
                state.line(&Line::Suite(Suite::Started {
                    event: "started",
                    test_count: cases.len() + ignored.len(),
                }));
                for (id, reason) in ignored {
                    state.ignored(id, reason);
                }
            }
            Event::CaseStarted { id } => state.started(id),
            Event::Case(report) => state.ended(report),
            Event::RunFinished(summary) => state.finished(summary),
            Event::CaseTried { .. } | Event::EnvBuilding { .. } | Event::CaseProgress { .. } => {}
        }
    }

    fn closed(&self) -> Option<ErrorKind> {
        self.lock().sink.closed()
    }
}
