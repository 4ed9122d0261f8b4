//! `limits.memory` of a case: the cap that its processes get, and what is told where one passed it.

use crate::case::Case;
use crate::measure::MeasureError;
use crate::measure::process::MemoryCap;
use crate::outcome::Outcome;
use crate::report::{CaseReport, Passed};
use crate::trace::{CaseLimits, Enforcer, Metric, Trace};
use crate::units::Bytes;

/// Last samples that are told.
const LAST: usize = 3;

/// What holds up the limit, where it is not left to what this machine offers: `cgroup` or `watch`.
const SWITCH: &str = "MEMCASE_MEMORY_CAP";

/// The cap of each process of a case.
pub(super) fn cap(case: &Case) -> Option<MemoryCap> {
    let by = match std::env::var(SWITCH).as_deref() {
        Ok("cgroup") => Some(Enforcer::Cgroup),
        Ok("watch") => Some(Enforcer::Watch),
        _ => None,
    };
    case.limits
        .memory
        .map(|limit| MemoryCap { bytes: limit.0, by })
}

/// The limits that growth is compared with, for the trace.
pub(super) fn limits(case: &Case) -> CaseLimits {
    CaseLimits {
        memory: case.limits.memory.map(|limit| limit.0),
        peak: case.limits.peak.map(|limit| limit.0),
    }
}

/// The first process that passed its limit, and what became of the case by it.
pub(super) fn passed(traces: &[&Trace]) -> Option<(Outcome, Passed)> {
    traces.iter().find_map(|trace| {
        let ending = trace.ending.as_ref()?;
        let stop = ending.memory.clone()?;
        let process = trace.header.process;
        let outcome = Outcome::over_memory(&stop, process, ending.iterations);
        let last = trace.get(Metric::Anon).map_or(&[][..], |s| &s.values);
        let last = last[last.len().saturating_sub(LAST)..].to_vec();
        Some((
            outcome,
            Passed::memory(process, ending.iterations, stop, last),
        ))
    })
}

/// Tells of a process that passed its limit before its first iteration.
pub(super) fn at_start(error: &MeasureError, report: &mut CaseReport) {
    if let MeasureError::Memory { process, stop, .. } = error {
        let passed = Passed::memory(*process, 0, stop.clone(), Vec::new());
        report.fail(Outcome::over_memory(stop, *process, 0), passed);
    }
}

/// What is to be known of the limit, and of growth that ended the run at the cap given.
pub(super) fn notes(case: &Case, machine: u64, cap: Option<u64>) -> Vec<String> {
    note(case, machine)
        .into_iter()
        .chain(cap.map(grew))
        .collect()
}

/// Why growth ended a run, where each process may grow by `cap`.
fn grew(cap: u64) -> String {
    format!(
        "a process grew by more than a run may take of this machine's memory (512 MiB, or {} in its first 40 turns); that ended the run",
        Bytes(cap)
    )
}

/// What is to be known of the limit itself.
fn note(case: &Case, machine: u64) -> Option<String> {
    let limit = case
        .limits
        .memory
        .filter(|limit| limit.0 > machine && machine > 0)?;
    Some(format!(
        "`limits.memory` of {limit} is more than this machine has ({}): it can not be passed here",
        Bytes(machine)
    ))
}
