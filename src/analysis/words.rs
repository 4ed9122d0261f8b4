//! Sentences beside a verdict: what else was seen, and what would settle an open question.

use crate::trace::{Axis, Header, Heap, Metric, Unit};
use crate::units::{Bytes, Rate};

use super::finding::Judged;
use super::look::is_count;
use super::spikes::Step;
use super::verdict::{Spikes, Status, VerdictKind};

/// What stands in the way of *stable*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Obstacle {
    /// The metric, where there is one to name.
    pub(super) metric: Option<Metric>,
    /// Whether it has too few samples to be judged.
    missing: bool,
}

impl Obstacle {
    /// A metric that is not settled.
    pub(super) fn of(judged: &Judged) -> Self {
        Self {
            metric: Some(judged.finding.metric),
            missing: false,
        }
    }

    /// A metric that could not be judged.
    pub(super) fn missing(metric: Metric) -> Self {
        Self {
            metric: Some(metric),
            missing: true,
        }
    }
}

/// An amount of a metric with its unit.
fn amount(metric: Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Bytes => Bytes(value.max(0.0) as u64).to_string(),
        Unit::Count => format!("{value:.0}"),
    }
}

/// A slope of a metric with its unit.
pub(super) fn rate(metric: Metric, value: f64, axis: Axis) -> String {
    let per = axis.per();
    match metric.unit() {
        Unit::Bytes => Rate { bytes: value, per }
            .to_string()
            .trim_start_matches('+')
            .to_owned(),
        Unit::Count => format!("{value:.3}/{}", per.symbol()),
    }
}

/// A place on the axis, in words: `iteration 317`, `12.3 s`, `line 40`.
fn place(at: u64, axis: Axis) -> String {
    match axis {
        Axis::Iterations => format!("iteration {at}"),
        Axis::Seconds => format!("{:.1} s", at as f64 / axis.places()),
        Axis::Lines => format!("line {at}"),
    }
}

/// A length of the axis, in words: `317 iterations`, `12.3 s`, `40 lines`.
pub(super) fn length(n: u64, axis: Axis) -> String {
    match axis {
        Axis::Iterations => format!("{n} iterations"),
        Axis::Seconds => format!("{:.1} s", n as f64 / axis.places()),
        Axis::Lines => format!("{n} lines"),
    }
}

/// The form of spikes, in words.
pub(super) fn spike_shape(spikes: &Spikes) -> &'static str {
    match (spikes.count, spikes.period) {
        (1, _) => "one spike",
        (_, Some(_)) => "periodic spikes",
        (_, None) => "irregular spikes",
    }
}

/// Why `live` does not settle the case.
pub(super) fn private_allocator(library: &str) -> String {
    format!(
        "`{library}` has an allocator of its own, which live does not see: resident memory decides"
    )
}

/// What it means that malloc was not counted from inside the process, where something hangs on it: some
/// heaps are told alone, and others are complete without.
pub(super) fn counting(header: &Header) -> Option<String> {
    if header.lost > 0 {
        return Some(format!(
            "{} child processes were not counted, since too many ran at once: resident memory decides",
            header.lost
        ));
    }
    let why = header.uncounted.as_ref()?;
    let meaning = match header.heap {
        Heap::V8 | Heap::Jvm | Heap::Ruby => return None,
        Heap::Malloc if header.live_complete => "mallinfo2 is read in its place",
        Heap::Cpython | Heap::Php | Heap::Lua if header.live_complete => return None,
        Heap::None | Heap::Malloc | Heap::Cpython | Heap::Php | Heap::Lua => {
            "resident memory decides"
        }
    };
    Some(format!(
        "malloc is not counted inside the target ({why}): {meaning}"
    ))
}

/// A sentence on a one-time step.
pub(super) fn step(metric: Metric, step: Step, axis: Axis) -> String {
    format!(
        "one-time step: {metric} rose by {size} at {at} and kept it",
        metric = metric.name(),
        size = amount(metric, step.size),
        at = place(step.at, axis),
    )
}

/// A sentence on spikes that are not the verdict.
pub(super) fn spikes(spikes: &Spikes, axis: Axis) -> String {
    format!(
        "{shape} beside: {size} above the base at {at}, given back",
        shape = spike_shape(spikes),
        size = Bytes(spikes.above_base),
        at = place(spikes.at, axis),
    )
}

/// What a reader should know of the metrics that did not decide.
pub(super) fn notes(
    kind: VerdictKind,
    lead: Option<&Judged>,
    judged: &[Judged],
    heap: Heap,
    complete: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    let lead = lead.map(|j| j.finding.metric);
    let live = judged.iter().find(|j| j.finding.metric == Metric::Live);
    let live_stable = live.is_some_and(|j| j.finding.status == Status::Stable);
    if kind == VerdictKind::Leak && lead == Some(Metric::Anon) && live_stable && complete {
        notes.push(
            "the growth is outside malloc: own mappings, a private allocator or fragmentation"
                .to_owned(),
        );
    }
    for other in judged.iter().filter(|j| Some(j.finding.metric) != lead) {
        let finding = &other.finding;
        let name = finding.metric.name();
        let slope = rate(finding.metric, finding.slope.estimate, other.aligned.axis);
        if other.collectable {
            notes.push(format!(
                "{name} grew by {slope}, but a collection gives the growth back"
            ));
        } else if kind == VerdictKind::Leak || finding.status == Status::Stable {
            // settled, or a leak is proven and the finding tells the rest
        } else if finding.status == Status::Leak {
            let engine = heap.engine().unwrap_or("this engine");
            notes.push(format!(
                "{name} grows by {slope}: with {engine} this decides only beside a growing heap or above 64 MiB, since the engine's own memory creeps"
            ));
        } else if is_count(finding.metric) {
            notes.push(format!("{name}: {} ({slope})", finding.shape.0));
        } else if lead == Some(Metric::Live) && live_stable {
            let engine = heap.engine();
            let who = engine.map_or("the heap".to_owned(), |engine| format!("{engine}'s heap"));
            notes.push(format!(
                "{name} is not settled ({}, {slope}); {who} is stable",
                finding.shape.0
            ));
        }
    }
    notes
}

/// What would settle an inconclusive case.
pub(super) fn remedy(
    obstacle: Obstacle,
    judged: Option<&Judged>,
    (n, axis): (u64, Axis),
    collected: bool,
) -> String {
    let name = obstacle.metric.map_or("memory", Metric::name);
    let Some(judged) = judged.filter(|_| !obstacle.missing) else {
        return format!(
            "{name} has too few samples for a verdict after {}: {}",
            length(n, axis),
            match axis {
                Axis::Iterations => "raise measure.iterations or measure.time",
                Axis::Seconds | Axis::Lines =>
                    "the program must run longer, or measure.time be raised",
            }
        );
    };
    let finding = &judged.finding;
    if judged.collectable {
        let first = format!("{name} grew, but a collection gives the growth back");
        return if collected {
            format!("{first}: the samples before it were not taken after a full collection")
        } else {
            format!("{first} or was not tried: set `measure.collect: true`")
        };
    }
    if finding.status == Status::Leak {
        return format!(
            "{name} grows by {} and does not level off, and the language's heap does not: memory of native code or of the engine itself; the same case on a fixed version as a control would tell, or a `limits.slope` that allows it",
            rate(finding.metric, finding.slope.estimate, axis)
        );
    }
    let limit = rate(finding.metric, finding.detection_limit, axis);
    let open = format!(
        "{name} is undecided ({}): a leak of up to {limit} could hide in it",
        finding.shape.0
    );
    if axis != Axis::Iterations {
        return format!(
            "{open}; a longer run (`measure.time`, and a program that lives that long), a `limits.slope` that allows it, or the same case on a fixed version as a control, would settle it"
        );
    }
    let more = (2 * n).max(1000);
    if collected {
        format!(
            "{open}; `measure.iterations: {more}` (and the time for it), or the same case on a fixed version as a control, would settle it"
        )
    } else {
        format!(
            "{open}; `measure.collect: true`, then `measure.iterations: {more}`, would settle it"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(heap: Heap, live_complete: bool) -> Option<String> {
        counting(&Header {
            heap,
            live_complete,
            uncounted: Some("it is linked statically".to_owned()),
            ..Header::default()
        })
    }

    #[test]
    fn an_allocator_that_is_not_counted_is_told_where_something_hangs_on_it() {
        let note = said(Heap::None, false).unwrap();
        assert!(note.contains("(it is linked statically): resident memory decides"));
        assert!(said(Heap::Malloc, true).unwrap().contains("mallinfo2"));
        assert!(said(Heap::Cpython, false).unwrap().contains("resident"));
        assert_eq!(said(Heap::Cpython, true), None);
        assert_eq!(said(Heap::V8, false), None);
        assert_eq!(counting(&Header::default()), None);
    }

    #[test]
    fn children_that_found_no_room_are_told_first() {
        let note = counting(&Header {
            lost: 45,
            ..Header::default()
        });
        assert!(
            note.unwrap()
                .starts_with("45 child processes were not counted")
        );
    }
}
