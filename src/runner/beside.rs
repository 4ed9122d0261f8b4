//! One more process, without forced collections: what waits for the collector of the language.

use super::looks::Looked;
use super::processes::advance;
use super::schedule::CaseRun;
use crate::analysis::{VerdictKind, garbage};
use crate::measure::Session;
use crate::runtime::Launch;
use crate::trace::{Heap, Role, StopReason, Trace};

/// A collector that has not run by then is late enough to be told of.
const ENOUGH: u64 = 1_700;

impl CaseRun<'_> {
    /// Runs it as far as the others were judged. None where a leak or a fault says more, where collections
    /// are not forced anyway, or where the language frees no cycles (or nothing but by its collector).
    pub(super) fn beside(&self, launch: &Launch, looked: &mut Looked) -> Option<Trace> {
        let verdict = looked.verdict.as_mut()?;
        let forced = self.case.measure.collect.unwrap_or(true);
        let told = looked.fault.is_some() || verdict.kind == VerdictKind::Leak;
        // A run that was cut short said why; one more would say it again.
        let cut = matches!(looked.reason, StopReason::Memory | StopReason::Growth);
        if told || cut || !forced || launch.heap != Heap::Cpython {
            return None;
        }
        let mut options = self.options(self.horizon.processes + 1);
        options.collect = false;
        let permits = &self.shared.permits;
        let started = {
            let _permit = permits.acquire();
            Session::start(launch, options)
        };
        let mut session = started.ok()?;
        let to = verdict
            .iterations
            .min(ENOUGH * u64::from(self.horizon.batch));
        let budget = self.horizon.budget.min(self.horizon.timeout);
        // What it reached in the time there is tells enough.
        let _ = advance(&mut session, to, budget, permits, &mut |_, _, _| {});
        let settled = session.settle().is_ok();
        let finished = session.finish();
        let mut trace = finished.trace;
        trace.header.role = Role::Beside;
        if !settled || finished.broken.is_some() {
            return None;
        }
        verdict.garbage = garbage(verdict, &trace);
        Some(trace)
    }
}
