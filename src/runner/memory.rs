//! `limits.memory` of a case: the cap that its processes get, and what is told where one passed it.

use crate::case::Case;
use crate::measure::MeasureError;
use crate::measure::process::MemoryCap;
use crate::outcome::Outcome;
use crate::report::{CaseReport, Passed};
use crate::trace::{Axis, CaseLimits, Driver, Ending, Enforcer, Header, Metric, Trace};
use crate::units::Bytes;

/// Last samples that are told.
const LAST: usize = 3;

/// When a process passed its limit that never came to its second iteration.
const AT_START: &str = "before its first iteration ended";

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
        let outcome = Outcome::over_memory(&stop, process, &when(&trace.header, ending));
        let last = trace.get(Metric::Anon).map_or(&[][..], |s| &s.values);
        let last = last[last.len().saturating_sub(LAST)..].to_vec();
        Some((
            outcome,
            Passed::memory(process, ending.iterations, stop, last),
        ))
    })
}

/// How far a process had come, in words.
fn when(header: &Header, ending: &Ending) -> String {
    let n = ending.iterations;
    match (header.driver, header.axis) {
        (Driver::Ramp, _) => format!("in a run of {n} iterations"),
        (_, Axis::Seconds) => format!("after {:.1} s", ending.micros as f64 / 1e6),
        (_, Axis::Lines) => format!("after {n} lines of progress"),
        (_, Axis::Iterations) if n == 0 => AT_START.to_owned(),
        (_, Axis::Iterations) => format!("after {n} iterations"),
    }
}

/// Tells of a process that passed its limit before its first iteration.
pub(super) fn at_start(error: &MeasureError, report: &mut CaseReport) {
    if let MeasureError::Memory { process, stop, .. } = error {
        let passed = Passed::memory(*process, 0, stop.clone(), Vec::new());
        report.fail(Outcome::over_memory(stop, *process, AT_START), passed);
    }
}

/// What is to be known of the limit, and of growth that ended the run at the cap given.
pub(super) fn notes(case: &Case, machine: u64, cap: Option<u64>) -> Vec<String> {
    note(case, machine)
        .into_iter()
        .chain(cap.map(|cap| grew(case.measure.driver, cap)))
        .collect()
}

/// Why growth ended a run, where each process may grow by `cap`.
fn grew(driver: Driver, cap: u64) -> String {
    let cap = Bytes(cap);
    let cap = match driver {
        Driver::Step => format!("512 MiB, or {cap} in its first 40 turns"),
        Driver::Ramp | Driver::Clock => cap.to_string(),
    };
    format!(
        "a process grew by more than a run may take of this machine's memory ({cap}); that ended the run"
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
