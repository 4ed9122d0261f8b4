//! One try of a case that was tried several times.

use serde::{Deserialize, Serialize};

use super::event::CaseReport;
use crate::outcome::OutcomeKind;

/// How one try of a case ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What became of it.
    pub outcome: OutcomeKind,
    /// Why, in a sentence.
    pub reason: String,
    /// Its wall time.
    pub seconds: f64,
}

impl Attempt {
    /// The try that a report tells of.
    pub fn of(report: &CaseReport) -> Self {
        Self {
            outcome: report.outcome,
            reason: report.reason.clone(),
            seconds: report.seconds,
        }
    }
}
