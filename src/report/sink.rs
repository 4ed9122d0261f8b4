//! Where a report is written to, and why no more can be, if so.

use std::io::{self, ErrorKind, Write};

/// An output that remembers its first error and writes nothing after it.
pub(super) struct Sink {
    out: Box<dyn Write + Send>,
    closed: Option<ErrorKind>,
}

impl Sink {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, closed: None }
    }

    /// Writes what `write` has to say, and sees that it arrives.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.closed.is_some() {
            return;
        }
        let written = write(&mut self.out).and_then(|()| self.out.flush());
        if let Err(error) = written {
            self.closed = Some(error.kind());
        }
    }

    pub(super) fn closed(&self) -> Option<ErrorKind> {
        self.closed
    }
}
