//! The sides of a case are measured at once, and each is a test of its own: who comes first measures for all.

use std::sync::{Mutex, PoisonError};

use super::plan::Planned;
use crate::outcome::Outcome;
use crate::report::CaseReport;

/// A case and what was measured of it.
#[derive(Debug)]
pub(super) struct Together {
    planned: Planned,
    measured: Mutex<Option<Vec<CaseReport>>>,
}

impl Together {
    pub(super) fn new(planned: Planned) -> Self {
        Self {
            planned,
            measured: Mutex::default(),
        }
    }

    /// The report of one of its sides. The first to ask waits until `measure` has ended, and the others with it.
    pub(super) fn report(
        &self,
        side: usize,
        measure: impl FnOnce(&Planned) -> Vec<CaseReport>,
    ) -> CaseReport {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = measured.get_or_insert_with(|| measure(&self.planned));
        let report = reports.get(side).cloned();
        report.unwrap_or_else(|| {
            CaseReport::new(&self.planned.case, Outcome::broken("nothing was measured"))
        })
    }
}
