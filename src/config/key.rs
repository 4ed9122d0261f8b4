//! What may be set: the names of all settings, of a run and of a case.

use std::fmt;

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// How long a leak is confirmed.
    Mode,
    /// Cases in flight.
    TestThreads,
    /// After how many failures the run ends.
    MaxFail,
    /// What follows where no case is selected.
    NoTests,
    /// What follows from a case that is not decided.
    Inconclusive,
    /// Whether cases that say `ignore` are run.
    RunIgnored,
    /// Further tries of a case that fails or breaks.
    Retries,
    /// The group of cases that it runs in.
    Group,
    /// `measure.processes`.
    Processes,
    /// `measure.iterations`.
    Iterations,
    /// `measure.time`.
    Time,
    /// `limits.slope`.
    Slope,
    /// `limits.peak`.
    Peak,
    /// `limits.spike`.
    Spike,
    /// `limits.memory`.
    Memory,
    /// `limits.garbage`.
    Garbage,
    /// `limits.fds`.
    Fds,
    /// `limits.threads`.
    Threads,
    /// `limits.children`.
    Children,
    /// `limits.timeout`.
    Timeout,
}

impl Key {
    /// The settings of a run.
    pub const OF_RUN: [Self; 6] = [
        Self::Mode,
        Self::TestThreads,
        Self::MaxFail,
        Self::NoTests,
        Self::Inconclusive,
        Self::RunIgnored,
    ];

    /// The settings of a case.
    pub const OF_CASE: [Self; 14] = [
        Self::Retries,
        Self::Group,
        Self::Processes,
        Self::Iterations,
        Self::Time,
        Self::Slope,
        Self::Peak,
        Self::Spike,
        Self::Memory,
        Self::Garbage,
        Self::Fds,
        Self::Threads,
        Self::Children,
        Self::Timeout,
    ];

    /// Its path below a profile.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::TestThreads => "test-threads",
            Self::MaxFail => "max-fail",
            Self::NoTests => "no-tests",
            Self::Inconclusive => "inconclusive",
            Self::RunIgnored => "run-ignored",
            Self::Retries => "retries",
            Self::Group => "group",
            Self::Processes => "measure.processes",
            Self::Iterations => "measure.iterations",
            Self::Time => "measure.time",
            Self::Slope => "limits.slope",
            Self::Peak => "limits.peak",
            Self::Spike => "limits.spike",
            Self::Memory => "limits.memory",
            Self::Garbage => "limits.garbage",
            Self::Fds => "limits.fds",
            Self::Threads => "limits.threads",
            Self::Children => "limits.children",
            Self::Timeout => "limits.timeout",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
