//! What a scene says beside the curves: where it was judged, where growth began, limits, peaks, ends.

use super::build::Placed;
use super::scene::{Mark, Note, Scene};
use crate::report::text;
use crate::trace::{Ending, Metric, StopReason, Trace, Unit};
use crate::units::Bytes;

/// A limit further above the highest reading than this many times the range is out of reach.
const REACH: f64 = 1.0;

/// Where the judged part starts.
pub(super) fn cut(placed: &Placed) -> Option<Mark> {
    let start = placed.finding()?.tail_start;
    let place = text::place(start, placed.run.verdict.axis);
    (start > 0).then(|| Mark {
        at: placed.x(start),
        text: format!("judged from {place}"),
    })
}

/// Where growth began.
pub(super) fn began(placed: &Placed) -> Option<Mark> {
    let began = placed.run.verdict.began.filter(|began| *began > 0)?;
    let place = text::place(began, placed.run.verdict.axis);
    Some(Mark {
        at: placed.x(began),
        text: match placed.colour {
            None => format!("growth began: {place}"),
            Some(_) => format!("{}: growth began, {place}", placed.run.name),
        },
    })
}

/// The highest peak, and the processes that ended against their will.
pub(super) fn notes(placed: &Placed) -> Vec<Note> {
    let mut notes = Vec::new();
    if let (Some(spikes), Metric::Peak) = (&placed.run.verdict.spikes, placed.metric) {
        let of = |trace: &&Trace| {
            let series = trace.get(Metric::Peak)?;
            let k = (0..series.len()).max_by_key(|&k| series.values[k])?;
            Some((placed.x(series.at[k]), series.values[k] as f64))
        };
        let highest = placed
            .run
            .judged()
            .iter()
            .filter_map(of)
            .max_by(|a, b| a.1.total_cmp(&b.1));
        notes.extend(highest.map(|at| Note {
            at,
            text: format!(
                "{} above its base at {}",
                Bytes(spikes.above_base),
                text::place(spikes.at, placed.run.verdict.axis)
            ),
            end: false,
        }));
    }
    let ends = placed.run.judged().into_iter().filter_map(|trace| {
        let ending = trace.ending.as_ref()?;
        let series = trace.get(placed.metric)?;
        let at = (placed.x(*series.at.last()?), *series.values.last()? as f64);
        let text = format!("process {} {}", trace.header.process, fate(ending)?);
        Some(Note {
            at,
            text: text::printable(&text),
            end: true,
        })
    });
    notes.extend(ends);
    notes
}

/// What became of a process against its will.
fn fate(ending: &Ending) -> Option<String> {
    match (&ending.memory, ending.reason) {
        (Some(stop), _) => Some(format!("killed at {}", Bytes(stop.limit))),
        (None, StopReason::Died) => Some(format!("died: {}", ending.exit)),
        (None, StopReason::Growth) => Some("ended: it grew too large".to_owned()),
        (None, StopReason::Interrupted) => Some("interrupted".to_owned()),
        _ => None,
    }
}

/// Limits that are in reach, and room for them.
pub(super) fn limits(placed: &[Placed], scene: &mut Scene) {
    let Some(metric) = placed.first().map(|one| one.metric) else {
        return;
    };
    let mut known: Vec<(u64, &str)> = Vec::new();
    for trace in placed.iter().flat_map(|one| &one.run.traces) {
        let environment = &trace.header.environment;
        if metric == Metric::Fds {
            known.extend(
                trace
                    .header
                    .descriptors
                    .map(|most| (most, "open files allowed")),
            );
        }
        if metric.unit() != Unit::Bytes || metric == Metric::Mapped {
            continue;
        }
        if let Some(ending) = &trace.ending {
            let killed = ending.memory.as_ref().map(|stop| stop.limit);
            known.extend(
                killed
                    .or(ending.limits.memory)
                    .map(|most| (most, "limits.memory")),
            );
            known.extend(ending.limits.peak.map(|most| (most, "limits.peak")));
        }
        known.extend(
            environment
                .memory_limit
                .map(|most| (most, "the container's memory")),
        );
        known.extend(Some((environment.memory, "the machine's memory")).filter(|m| m.0 > 0));
    }
    known.sort_unstable();
    known.dedup();
    let range = scene.y.high - scene.y.low;
    let most = scene.y.high + REACH * range;
    for (value, name) in known {
        let at = value as f64;
        if at > most || at < scene.y.low {
            continue;
        }
        scene.y.high = scene.y.high.max(at + 0.06 * (at - scene.y.low));
        let text = format!("{name}: {}", scene.y.told(at));
        scene.limits.push(Mark { at, text });
    }
}
