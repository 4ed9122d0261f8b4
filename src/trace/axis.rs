//! How a workload advances, and what its samples are plotted against.

use serde::{Deserialize, Serialize};

use crate::units::Per;

/// What the samples are plotted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// The number of iterations completed.
    #[default]
    Iterations,
    /// Time since the start of the process, in whole milliseconds.
    Seconds,
    /// The number of lines in which the process told its progress.
    Lines,
}

impl Axis {
    /// What a slope along this axis is counted by.
    pub fn per(self) -> Per {
        match self {
            Self::Iterations => Per::Iteration,
            Self::Seconds => Per::Second,
            Self::Lines => Per::Line,
        }
    }

    /// How many places of the axis make one of what slopes are counted by.
    pub fn places(self) -> f64 {
        match self {
            Self::Iterations | Self::Lines => 1.0,
            Self::Seconds => 1000.0,
        }
    }
}

/// How the workload advances.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// Lock-step protocol: one sample at each quiescent point.
    #[default]
    Step,
    /// Fresh processes run to their end at several counts of iterations: one reading of each.
    Ramp,
    /// The program runs by itself and is read over time.
    Clock,
}

impl Driver {
    /// The word used in case files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Ramp => "ramp",
            Self::Clock => "clock",
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the form that serde asks for"
    )]
    pub(super) fn is_step(&self) -> bool {
        *self == Self::Step
    }
}

/// How the memory that a process holds at its end was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FinalReading {
    /// While it was held in its exit.
    Exit,
    /// Some time before: it could not be held.
    Before,
}
