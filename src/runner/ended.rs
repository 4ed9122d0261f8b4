//! Why a process that is not measured was not brought to where it should go.

use crate::measure::Stopped;

/// Why the process was not brought to its last iteration.
pub(super) enum Ended {
    /// The process stopped.
    Stopped(Stopped),
    /// What was to be done with it on the way could not be done: why.
    Undone(String),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}
