//! The verdict from recorded traces: the looks of the run, taken again.

use std::collections::BTreeMap;

use crate::trace::{Driver, Role, StopReason, Trace};

use crate::units::Bytes;

use super::garbage::garbage;
use super::look::look;
use super::ramp;
use super::verdict::{Decision, Policy, Verdict};
use super::words::length;

/// Decides from the traces of all processes of a case, as the run did that wrote them.
///
/// Looks, the iteration from which *leak* may be said and tolerances are those the traces record;
/// where they record none, there is one look at the end of the shortest trace.
///
/// A process that ran beside the others is asked for what waits for the collector, and for nothing else.
pub fn judge(traces: &[&Trace]) -> Verdict {
    let (beside, judged): (Vec<&Trace>, Vec<&Trace>) = traces
        .iter()
        .partition(|trace| trace.header.role == Role::Beside);
    let mut verdict = judge_alike(if judged.is_empty() { traces } else { &judged });
    verdict.garbage = beside.iter().find_map(|trace| garbage(&verdict, trace));
    verdict
}

fn judge_alike(traces: &[&Trace]) -> Verdict {
    let endings = || traces.iter().filter_map(|trace| trace.ending.as_ref());
    let end = traces
        .iter()
        .map(|trace| trace.iterations())
        .min()
        .unwrap_or(0);
    let recorded = endings().find(|ending| !ending.looks.is_empty());
    let mut looks: Vec<u64> = recorded
        .map(|ending| ending.looks.clone())
        .unwrap_or_default();
    looks.retain(|&n| n <= end);
    if looks.last() != Some(&end) && (looks.is_empty() || recorded.is_none()) {
        looks.push(end);
    }
    let policy = Policy {
        leak_from: recorded.map_or(end, |ending| ending.leak_from),
        tolerances: recorded.map_or_else(BTreeMap::new, |ending| {
            let tolerances = ending.tolerances.iter();
            tolerances.map(|(&m, &t)| (m, t as f64)).collect()
        }),
        only: recorded.and_then(|ending| ending.only),
    };
    let ramp = traces.iter().any(|t| t.header.driver == Driver::Ramp);
    let mut verdict = if ramp {
        Box::new(ramp::judge(traces, &policy))
    } else {
        repeat(traces, looks, end, (&policy, recorded.is_some()))
    };
    for trace in traces {
        if let Some(ending) = &trace.ending
            && let Some(stop) = &ending.memory
        {
            verdict.notes.push(format!(
                "process {} passed `limits.memory` of {} {} and was ended; this is judged from what it left",
                trace.header.process,
                Bytes(stop.limit),
                reached(trace, ending.iterations)
            ));
        }
        if let Some(ending) = &trace.ending
            && ending.reason == StopReason::Died
        {
            verdict.notes.push(format!(
                "the run was broken: process {} died {} ({}); this is judged from what it left",
                trace.header.process,
                reached(trace, ending.iterations),
                ending.exit
            ));
        }
    }
    *verdict
}

/// Takes the looks of a run again.
fn repeat(
    traces: &[&Trace],
    mut looks: Vec<u64>,
    end: u64,
    (policy, recorded): (&Policy, bool),
) -> Box<Verdict> {
    let endings = || traces.iter().filter_map(|trace| trace.ending.as_ref());
    let early = recorded && endings().all(|ending| ending.reason == StopReason::Decided);
    let last = looks.pop().unwrap_or(end);
    let before = looks.into_iter().map(|n| (n, false));
    let closing = early.then_some((last, false));
    before
        .chain(closing)
        .find_map(|(n, last)| match look(traces, n, last, policy) {
            Decision::Decided(verdict) => Some(verdict),
            Decision::Continue(_) => None,
        })
        .unwrap_or_else(|| match look(traces, last, true, policy) {
            Decision::Decided(verdict) | Decision::Continue(verdict) => verdict,
        })
}

fn reached(trace: &Trace, n: u64) -> String {
    let length = length(n, trace.header.axis);
    match trace.header.driver {
        Driver::Ramp => format!("in a run of {length}"),
        Driver::Step | Driver::Clock => format!("after {length}"),
    }
}
