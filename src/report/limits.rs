//! Limits: when growth would reach each, in iterations and in time, and which one ended a process.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::analysis::{Finding, Reach, Status, Verdict, VerdictKind, iterations_to};
use crate::trace::{Axis, Driver, MemoryStop, Metric, Trace};
use crate::units::Bytes;

use super::text;

/// Samples that tell the level at the end.
const SAMPLES: usize = 5;

/// What ends a program, or fails its case, that goes on growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// `limits.memory`.
    Memory,
    /// `limits.peak`.
    Peak,
    /// What the container that memcase ran in allows.
    Container,
    /// The machine's memory.
    Machine,
    /// The open files that the target may have (`RLIMIT_NOFILE`).
    Descriptors,
}

/// Both ends of an interval about an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// By the upper end of the slope's interval.
    #[serde(deserialize_with = "crate::analysis::unknown::number")]
    pub soonest: f64,
    /// By the estimate.
    #[serde(deserialize_with = "crate::analysis::unknown::number")]
    pub expected: f64,
    /// By the lower end; `null` where growth is not certain.
    #[serde(deserialize_with = "crate::analysis::unknown::number")]
    pub latest: f64,
}

/// When growth reaches a limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reaches {
    /// Which limit.
    pub limit: LimitKind,
    /// It, in bytes or descriptors.
    pub value: u64,
    /// Iterations from the start, on the axis `lines` lines; `null` on the axis `seconds`.
    pub iterations: Option<Span>,
    /// Seconds from the start; where there are iterations, at the measured time of one, memcase's own
    /// left out. `null` where it is unknown: the time of a ramp is in good part the starts of its processes.
    pub seconds: Option<Span>,
}

impl Reaches {
    fn new(limit: LimitKind, value: u64, reach: Reach, pace: Pace) -> Self {
        let span = |unit: f64| Span {
            soonest: reach.soonest * unit,
            expected: reach.expected * unit,
            latest: reach.latest * unit,
        };
        Self {
            limit,
            value,
            iterations: (pace != Pace::Clock).then(|| span(1.0)),
            seconds: match pace {
                Pace::Clock => Some(span(1.0)),
                Pace::Iteration(seconds) => Some(span(seconds)),
                Pace::Unknown => None,
            },
        }
    }

    fn expected(&self) -> f64 {
        let span = self.iterations.or(self.seconds);
        span.map_or(f64::INFINITY, |span| span.expected)
    }

    /// `OOM at 512 MiB after 47,300 iterations (46,900 to 47,700), about 3 h 10 min`; short, it goes
    /// without the interval.
    pub(super) fn words(&self, short: bool, axis: Axis) -> String {
        let bytes = Bytes(self.value);
        let mut words = match self.limit {
            LimitKind::Memory => format!("OOM at {bytes}"),
            LimitKind::Container => format!("OOM at {bytes}, this container's limit,"),
            LimitKind::Machine => format!("OOM at {bytes}, all of this machine,"),
            LimitKind::Peak => format!("`limits.peak` of {bytes}"),
            LimitKind::Descriptors => {
                format!("out of descriptors at {}", text::iterations(self.value))
            }
        };
        let bounds = |span: Span, shown: fn(f64) -> String| {
            let known = !short && span.latest.is_finite();
            known.then(|| format!(" ({} to {})", shown(span.soonest), shown(span.latest)))
        };
        match (self.iterations, self.seconds) {
            (Some(count), seconds) => {
                let expected = text::about_length(count.expected, axis);
                let bounds = bounds(count, text::about).unwrap_or_default();
                let _ = write!(words, " after {expected}{bounds}");
                if let Some(seconds) = seconds {
                    let _ = write!(words, ", {}", about_time(seconds.expected));
                }
            }
            (None, Some(seconds)) => {
                let expected = about_time(seconds.expected);
                let bounds = bounds(seconds, time).unwrap_or_default();
                let _ = write!(words, " after {expected}{bounds}");
            }
            (None, None) => {}
        }
        words
    }
}

fn time(seconds: f64) -> String {
    text::duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn about_time(seconds: f64) -> String {
    let time = time(seconds);
    if time.starts_with("more") {
        time
    } else {
        format!("about {time}")
    }
}

/// What is known of the time that growth takes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    /// Growth is counted by the second.
    Clock,
    /// Seconds that an iteration takes, or the program from line to line.
    Iteration(f64),
    Unknown,
}

impl Pace {
    fn of(axis: Axis, traces: &[&Trace]) -> Self {
        let ramp = traces.iter().any(|t| t.header.driver == Driver::Ramp);
        match axis {
            Axis::Seconds => Self::Clock,
            Axis::Iterations | Axis::Lines if ramp => Self::Unknown,
            Axis::Iterations | Axis::Lines => {
                seconds_an_iteration(traces).map_or(Self::Unknown, Self::Iteration)
            }
        }
    }
}

/// When the growth of a leak reaches each limit that the traces record, the nearest first.
pub(super) fn reaches(verdict: &Verdict, traces: &[&Trace]) -> Vec<Reaches> {
    if verdict.kind != VerdictKind::Leak {
        return Vec::new();
    }
    let pace = Pace::of(verdict.axis, traces);
    let least = |of: &dyn Fn(&Trace) -> Option<u64>| traces.iter().filter_map(|t| of(t)).min();
    let case = |of: fn(&crate::trace::CaseLimits) -> Option<u64>| {
        least(&|trace| trace.ending.as_ref().and_then(|ending| of(&ending.limits)))
    };
    let machine = least(&|t| Some(t.header.environment.memory).filter(|&bytes| bytes > 0));
    let container = least(&|trace| trace.header.environment.memory_limit);
    let container = container.filter(|limit| machine.is_none_or(|all| *limit < all));
    let machine = machine.filter(|_| container.is_none());
    let level_of = |metric, samples| level(verdict, traces, metric, samples);
    let level = level_of(Metric::Anon, SAMPLES);
    let bytes = |limit: u64| verdict.iterations_to(limit as f64, level);
    let peak = |limit: u64| verdict.iterations_to(limit as f64, level.max(verdict.peak as f64));
    let passed = |trace: &&Trace| trace.ending.as_ref().is_some_and(|e| e.memory.is_some());
    let memory = case(|limits| limits.memory).filter(|_| !traces.iter().any(passed));
    let descriptors = |limit: u64| {
        let fds =
            |finding: &&Finding| finding.metric == Metric::Fds && finding.status == Status::Leak;
        let finding = Finding {
            level: level_of(Metric::Fds, 1),
            ..verdict.findings.iter().find(fds)?.clone()
        };
        iterations_to(limit as f64, &finding, verdict.axis)
    };
    let reach = |kind, limit: Option<u64>, after: &dyn Fn(u64) -> Option<Reach>| {
        let limit = limit?;
        Some(Reaches::new(kind, limit, after(limit)?, pace))
    };
    let open = least(&|trace| trace.header.descriptors);
    let mut all: Vec<Reaches> = [
        reach(LimitKind::Memory, memory, &bytes),
        reach(LimitKind::Peak, case(|limits| limits.peak), &peak),
        reach(LimitKind::Descriptors, open, &descriptors),
        reach(LimitKind::Container, container, &bytes),
        reach(LimitKind::Machine, machine, &bytes),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort_by(|a, b| a.expected().total_cmp(&b.expected()));
    all
}

/// What a process holds at the end of what was judged: the median of its last samples, mean of all. The
/// processes of a ramp end at different counts, and a clock reads in the middle of the work: there
/// it is the level that was judged.
fn level(verdict: &Verdict, traces: &[&Trace], metric: Metric, samples: usize) -> f64 {
    if traces.iter().any(|t| t.header.driver != Driver::Step) {
        let judged = verdict.findings.iter().find(|f| f.metric == metric);
        let judged = judged.or(verdict.findings.first());
        return judged.map_or(0.0, |finding| finding.level);
    }
    let levels: Vec<f64> = traces
        .iter()
        .filter_map(|trace| trace.get(metric))
        .map(|series| {
            let end = series.at.partition_point(|&at| at <= verdict.iterations);
            let mut last = series.values[end.saturating_sub(samples)..end].to_vec();
            last.sort_unstable();
            last.get(last.len() / 2).map_or(0.0, |&bytes| bytes as f64)
        })
        .collect();
    levels.iter().sum::<f64>() / levels.len().max(1) as f64
}

/// Mean time of an iteration, over all processes.
pub(super) fn seconds_an_iteration(traces: &[&Trace]) -> Option<f64> {
    let (micros, count) = traces
        .iter()
        .filter_map(|trace| trace.ending.as_ref())
        .fold((0, 0), |(micros, count), ending| {
            (micros + ending.micros, count + ending.iterations)
        });
    (micros > 0 && count > 0).then(|| micros as f64 / 1e6 / count as f64)
}

/// A limit that ended a process, with the proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passed {
    /// Always `memory`.
    pub kind: LimitKind,
    /// Which of the case's processes passed it, from 1.
    pub process: u32,
    /// Iterations it had completed.
    pub iterations: u64,
    /// The limit, and the proof.
    #[serde(flatten)]
    pub stop: MemoryStop,
    /// Its last samples of anonymous bytes.
    pub last: Vec<u64>,
}

impl Passed {
    /// `limits.memory` was passed.
    pub fn memory(process: u32, iterations: u64, stop: MemoryStop, last: Vec<u64>) -> Self {
        Self {
            kind: LimitKind::Memory,
            process,
            iterations,
            stop,
            last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_with_iterations_interval_and_time() {
        let reach = Reach {
            soonest: 46_900.0,
            expected: 47_300.0,
            latest: 47_700.0,
        };
        let memory = Reaches::new(LimitKind::Memory, 512 << 20, reach, Pace::Iteration(0.241));
        assert_eq!(
            memory.words(false, Axis::Iterations),
            "OOM at 512 MiB after 47,300 iterations (46,900 to 47,700), about 3 h 10 min"
        );
        let open = Reaches::new(LimitKind::Descriptors, 1024, reach, Pace::Unknown);
        assert_eq!(
            open.words(true, Axis::Iterations),
            "out of descriptors at 1,024 after 47,300 iterations"
        );
        let latest = f64::INFINITY;
        let never = Reaches::new(
            LimitKind::Peak,
            1 << 30,
            Reach { latest, ..reach },
            Pace::Iteration(1e300),
        );
        assert_eq!(
            never.words(false, Axis::Iterations),
            "`limits.peak` of 1.00 GiB after 47,300 iterations, more than 100 years"
        );
    }

    #[test]
    fn a_clock_tells_time_alone_or_lines() {
        let reach = Reach {
            soonest: 100.0,
            expected: 11_400.0,
            latest: 11_520.0,
        };
        let seconds = Reaches::new(LimitKind::Memory, 512 << 20, reach, Pace::Clock);
        assert_eq!(
            seconds.words(false, Axis::Seconds),
            "OOM at 512 MiB after about 3 h 10 min (100 s to 3 h 12 min)"
        );
        assert_eq!(seconds.iterations, None);
        let lines = Reaches::new(LimitKind::Memory, 512 << 20, reach, Pace::Iteration(1.0));
        assert_eq!(
            lines.words(true, Axis::Lines),
            "OOM at 512 MiB after 11,400 lines, about 3 h 10 min"
        );
    }
}
