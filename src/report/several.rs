//! Several reports of one run.

use std::io::ErrorKind;
use std::sync::Arc;

use super::Reporter;
use super::event::Event;

/// Tells all of them what happens. The first is the one whose end ends the run: a report in a
/// file that can no longer be written is told of when the run is over.
pub struct Several {
    first: Arc<dyn Reporter>,
    others: Vec<Arc<dyn Reporter>>,
}

impl Several {
    /// The report that is read as the run goes, and the others.
    pub fn new(first: Arc<dyn Reporter>, others: Vec<Arc<dyn Reporter>>) -> Self {
        Self { first, others }
    }
}

impl Reporter for Several {
    fn event(&self, event: &Event) {
        self.first.event(event);
        for other in &self.others {
            other.event(event);
        }
    }

    fn libtest(&self, bytes: &[u8]) {
        self.first.libtest(bytes);
    }

    fn closed(&self) -> Option<ErrorKind> {
        self.first.closed()
    }
}
