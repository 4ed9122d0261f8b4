//! `--format json`: one event a line.

use std::io::Write;
use std::sync::Mutex;

use super::Reporter;
use super::event::{Event, Line};

/// Writes every event as a line of JSON. Numbers that are not finite become `null`.
pub struct Json {
    out: Mutex<Output>,
}

struct Output {
    out: Box<dyn Write + Send>,
    closed: Option<std::io::ErrorKind>,
}

impl Json {
    /// Writes to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self {
            out: Mutex::new(Output { out, closed: None }),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Output> {
        self.out
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Reporter for Json {
    fn event(&self, event: &Event) {
        // Signs of life are for eyes: programs get what a look has found.
        if matches!(event, Event::CaseProgress { look: false, .. }) {
            return;
        }
        let mut output = self.lock();
        if output.closed.is_some() {
            return;
        }
        let Ok(mut line) = serde_json::to_vec(&Line::new(event)) else {
            return;
        };
        line.push(b'\n');
        let written = output
            .out
            .write_all(&line)
            .and_then(|()| output.out.flush());
        if let Err(error) = written {
            output.closed = Some(error.kind());
        }
    }

    fn closed(&self) -> Option<std::io::ErrorKind> {
        self.lock().closed
    }
}
