//! One try of a case that was tried several times.

use serde::Serialize;

use super::event::CaseReport;
use crate::outcome::OutcomeKind;

/// How one try of a case ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
