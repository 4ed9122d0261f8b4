//! `--format json`: one event a line.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Reporter;
use super::event::Event;
use super::line::Line;
use super::sink::Sink;

/// Writes every event as a line of JSON. Numbers that are not finite become `null`.
pub struct Json {
    results_only: bool,
    sink: Mutex<Sink>,
}

impl Json {
    /// Writes to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self {
            results_only: false,
            sink: Mutex::new(Sink::new(out)),
        }
    }

    /// Writes only what is left of a run: how it began, its cases, how it ended.
    pub fn of_results(out: Box<dyn Write + Send>) -> Self {
        Self {
            results_only: true,
            ..Self::new(out)
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for Json {
    fn event(&self, event: &Event) {
        let told = match event {
            Event::RunStarted { .. } | Event::Case(_) | Event::RunFinished(_) => true,
            // Signs of life are for eyes: programs get what a look has found.
            Event::CaseProgress { look: false, .. } => false,
            _ => !self.results_only,
        };
        if !told {
            return;
        }
        let Ok(mut line) = serde_json::to_vec(&Line::new(event)) else {
            return;
        };
        line.push(b'\n');
        self.lock().write(|out| out.write_all(&line));
    }

    fn closed(&self) -> Option<std::io::ErrorKind> {
        self.lock().closed()
    }
}
