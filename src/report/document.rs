//! Reports that are one document: the run is collected and written when it has ended.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Reporter;
use super::event::{CaseReport, Event, Summary};
use super::sink::Sink;
use crate::config::Inconclusive;

/// A run that has ended.
#[derive(Debug, Default)]
pub(super) struct WholeRun {
    /// The selected cases, in order.
    pub(super) selected: Vec<String>,
    /// What became of them, in the same order.
    pub(super) cases: Vec<CaseReport>,
    /// Cases that say `ignore`, with their reasons.
    pub(super) ignored: BTreeMap<String, String>,
    /// What follows from a case that is not decided.
    pub(super) inconclusive: Inconclusive,
    /// How many ended how.
    pub(super) summary: Summary,
}

/// Writes a whole run.
pub(super) type Render = Box<dyn Fn(&WholeRun, &mut dyn Write) -> io::Result<()> + Send + Sync>;

/// Collects a run and writes it as one document when it has ended. Before that it writes
/// nothing, so a document that is there is whole.
pub struct Document {
    render: Render,
    state: Mutex<State>,
}

struct State {
    run: WholeRun,
    sink: Sink,
}

impl Document {
    pub(super) fn new(out: Box<dyn Write + Send>, render: Render) -> Self {
        Self {
            render,
            state: Mutex::new(State {
                run: WholeRun::default(),
                sink: Sink::new(out),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for Document {
    fn event(&self, event: &Event) {
        let mut state = self.lock();
        match event {
            Event::RunStarted {
                cases,
                ignored,
                inconclusive,
                ..
            } => {
                state.run.selected.clone_from(cases);
                state.run.ignored.clone_from(ignored);
                state.run.inconclusive = *inconclusive;
            }
            Event::Case(report) => state.run.cases.push((**report).clone()),
            Event::RunFinished(summary) => {
                let State { run, sink } = &mut *state;
                run.summary = *summary;
                let place = |id: &String| run.selected.iter().position(|selected| selected == id);
                run.cases.sort_by_key(|case| place(&case.id));
                sink.write(|out| (self.render)(run, out));
            }
            Event::CaseStarted { .. }
            | Event::CaseTried { .. }
            | Event::EnvBuilding { .. }
            | Event::CaseProgress { .. } => {}
        }
    }

    fn closed(&self) -> Option<io::ErrorKind> {
        self.lock().sink.closed()
    }
}
