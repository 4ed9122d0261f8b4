//! Sentences beside the verdict of a ramp.

use crate::trace::{Axis, FinalReading, Metric, Trace};

use super::verdict::{Finding, Status, VerdictKind};
use super::words::rate;

/// What is said of memory that child processes hold.
const CHILDREN: &str = "it had child processes, whose memory a ramp does not count";

/// What a reader should know beside the verdict.
pub(super) fn notes(
    traces: &[&Trace],
    kind: VerdictKind,
    findings: &[Finding],
    children: u64,
) -> Vec<String> {
    let mut notes = Vec::new();
    let status = |metric| {
        findings
            .iter()
            .find(|f| f.metric == metric)
            .map(|f| f.status)
    };
    if status(Metric::Peak) == Some(Status::Leak) && status(Metric::Anon) == Some(Status::Stable) {
        notes.push(
            "the peak grows with the count, and the program gives the memory back before it ends"
                .to_owned(),
        );
    }
    let before = Some(FinalReading::Before);
    let sampled = traces
        .iter()
        .filter(|trace| trace.header.final_reading == before)
        .count();
    if sampled > 0 {
        notes.push(format!(
            "{sampled} of {} processes could not be held at their exit (ptrace is refused here): their final memory is the last reading before it, and may be short of the true one",
            traces.len()
        ));
    }
    if children > 0 && kind == VerdictKind::Leak {
        notes.push(CHILDREN.to_owned());
    }
    notes
}

/// What would settle an inconclusive one.
pub(super) fn remedy(
    lead: Option<&Finding>,
    grows: bool,
    children: u64,
    (largest, processes): (u64, usize),
) -> String {
    let Some(finding) = lead else {
        return format!(
            "{processes} processes with up to {largest} iterations are too few for a verdict: raise measure.time, measure.processes or measure.iterations"
        );
    };
    if finding.status == Status::Stable && children > 0 {
        return format!(
            "{CHILDREN}: start the program itself (`exec` in a shell), or measure it by `driver: clock`"
        );
    }
    let name = finding.metric.name();
    let shape = &finding.shape.0;
    let more = (2 * largest).max(1000);
    if grows {
        let slope = rate(finding.metric, finding.slope.estimate, Axis::Iterations);
        return format!(
            "{name} grows by {slope}, but it is not proven that it goes on ({shape}); `measure.iterations: {more}`, and the time for it, would tell a leak from a fill"
        );
    }
    let limit = rate(finding.metric, finding.detection_limit, Axis::Iterations);
    format!(
        "{name} is undecided ({shape}): a leak of up to {limit} could hide in it; `measure.iterations: {more}` or `measure.processes: 6` (and the time for it), or a `limits.slope` that allows it, would settle it"
    )
}
