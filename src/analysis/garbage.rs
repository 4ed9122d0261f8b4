//! Reference cycles: what a process without forced collections grows by until its own collector runs.
//!
//! The processes that decide are collected at every quiescent point, so garbage does not show in them. One
//! more process runs as the program would by itself; what it alone grows by, and gives back to a
//! collection, is cyclic garbage (`docs/statistics.md`).

use serde::{Deserialize, Serialize};

use crate::stats::theil_sen;
use crate::trace::{Collector, Metric, Trace};

use super::verdict::{Verdict, VerdictKind};

/// Fewer readings than this tell nothing.
const LEAST: usize = 20;
/// A fall by this share of the whole range is a collection.
const FALL: f64 = 0.5;
/// Points by which the slope of a rise is estimated.
const POINTS: usize = 64;
/// Growth below this is what any interpreter moves by.
const SMALL: f64 = 4096.0;
/// The rate below which there is no garbage to speak of, in bytes an iteration: the tolerance of live bytes.
const TOLERANCE: f64 = 4.0;

/// What waits for the collector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Garbage {
    /// Growth between two collections, in bytes an iteration.
    #[serde(deserialize_with = "super::unknown::number")]
    pub rate: f64,
    /// The most that was held at once, above the level of the start.
    pub held: u64,
    /// Whether the target's collector is on: if not, it grows for ever.
    pub collector: bool,
    /// Iterations that the process ran.
    pub iterations: u64,
}

/// The garbage of a case that does not leak, from the trace of its process without forced collections;
/// none where it does not grow, or does not give it back to the collections at the end.
pub fn garbage(verdict: &Verdict, trace: &Trace) -> Option<Garbage> {
    if verdict.kind == VerdictKind::Leak {
        return None;
    }
    let series = trace.get(Metric::Live)?;
    let from = series.at.partition_point(|&at| at == 0) + series.len() / 10;
    let levels: Vec<f64> = series.values[from.min(series.len())..]
        .iter()
        .map(|&value| value as f64)
        .collect();
    let (first, n) = (*levels.first()?, levels.len());
    let settled = trace.ending.as_ref()?.settled_live? as f64;
    let highest = levels.iter().copied().fold(first, f64::max);
    let held = highest - first.min(settled);
    if n < LEAST || held < SMALL || settled - first > FALL * (highest - first) {
        return None;
    }
    let rise = longest_rise(&levels, FALL * held);
    let step = (rise.len() / POINTS).max(1);
    let points: Vec<f64> = rise.iter().step_by(step).copied().collect();
    let stride = (trace.iterations() as f64 / series.len().max(1) as f64).max(1.0);
    let rate = theil_sen(&points) / (step as f64 * stride);
    (points.len() >= 2 && rate > TOLERANCE).then(|| Garbage {
        rate,
        held: held as u64,
        collector: trace.header.collector == Collector::On,
        iterations: trace.iterations(),
    })
}

/// The longest stretch without a fall of at least `fall`.
fn longest_rise(levels: &[f64], fall: f64) -> &[f64] {
    let mut best = 0..0;
    let mut start = 0;
    let mut top = f64::NEG_INFINITY;
    for (k, &level) in levels.iter().enumerate() {
        if top - level >= fall {
            start = k;
            top = level;
        }
        top = top.max(level);
        if k + 1 - start > best.len() {
            best = start..k + 1;
        }
    }
    &levels[best]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Ending, Header};

    fn trace(settled: u64, level: impl Fn(u64) -> u64) -> Trace {
        let mut trace = Trace::new(Header::default());
        for at in 0..=1000 {
            trace.push(Metric::Live, at, level(at));
        }
        trace.ending = Some(Ending {
            settled_live: Some(settled),
            ..Ending::default()
        });
        trace
    }

    fn found(trace: &Trace) -> Option<Garbage> {
        let verdict = crate::analysis::judge(&[trace]);
        garbage(&verdict, trace)
    }

    #[test]
    fn cycles_show_with_their_rate_between_two_collections() {
        let got = found(&trace(1 << 20, |at| (1 << 20) + 1160 * (at % 240))).unwrap();
        assert!((got.rate - 1160.0).abs() < 1e-6, "{got:?}");
        assert_eq!((got.held, got.collector), (1160 * 239, true));
    }

    #[test]
    fn what_is_never_collected_by_itself_is_garbage_when_the_end_gives_it_back() {
        let mut never = trace(1 << 20, |at| (1 << 20) + 1160 * at);
        never.header.collector = Collector::Off;
        let mut verdict = crate::analysis::judge(&[&trace(1 << 20, |_| 1 << 20)]);
        let got = garbage(&verdict, &never).unwrap();
        assert!((got.rate - 1160.0).abs() < 1e-6, "{got:?}");
        assert!(!got.collector);
        verdict.kind = VerdictKind::Leak;
        assert_eq!(garbage(&verdict, &never), None);
    }

    #[test]
    fn growth_that_stays_after_the_collection_is_no_garbage() {
        let stable = crate::analysis::judge(&[&trace(1 << 20, |_| 1 << 20)]);
        let kept = trace((1 << 20) + 1_160_000, |at| (1 << 20) + 1160 * at);
        assert_eq!(garbage(&stable, &kept), None);
        assert_eq!(garbage(&stable, &trace(1 << 20, |_| 1 << 20)), None);
    }
}
