//! Spikes on the peaks within iterations, and one-time steps of what is kept.

use crate::stats::{Excursions, excursions_after};
use crate::trace::{Metric, Series, Trace};

use super::series::Aligned;
use super::verdict::{Policy, Spikes};

/// Fewer iterations than this do not show what is usual.
const LEAST_ITERATIONS: usize = 20;
/// A step in the first share of the run is warm-up.
const IGNORED: f64 = 0.1;
/// The most turns that are ignored.
const MOST_IGNORED: usize = 96;

/// The spikes of all processes, read from the peaks where there are any, else from resident memory.
///
/// There are spikes if at least half of the processes have rare excursions above their local base and
/// are not sawteeth. Place and size are those of the highest.
pub(super) fn spikes(traces: &[&Trace], n: u64, policy: &Policy) -> Option<Spikes> {
    let anon = Aligned::new(traces, Metric::Anon, n, policy)?;
    let granularity = anon.scale().granularity;
    // A turn of several runs has one sample.
    let turn = anon.stride;
    let of = |metric: Metric| -> Vec<Excursions> {
        curves(traces, metric, n, turn)
            .iter()
            .filter(|y| y.len() >= LEAST_ITERATIONS)
            .filter_map(|y| excursions_after(y, warm_up(y.len()), granularity))
            .collect()
    };
    let (peaks, floors) = (of(Metric::Peak), of(Metric::Anon));
    // Ramps are told from what is held between iterations: peaks that iterations share climb
    // in strides, where the memory itself climbs little by little.
    let ramps = |all: &[Excursions]| 2 * all.iter().filter(|e| e.sawtooth).count() >= all.len();
    if ramps(&peaks) && !peaks.is_empty() || ramps(&floors) {
        return None;
    }
    let found = if peaks.is_empty() { floors } else { peaks };
    let spiky: Vec<&Excursions> = found
        .iter()
        .filter(|e| e.count >= 1 && e.duty <= 0.5)
        .collect();
    if spiky.is_empty() || 2 * spiky.len() < found.len() {
        return None;
    }
    let highest = spiky
        .iter()
        .copied()
        .reduce(|a, b| if b.highest > a.highest { b } else { a })?;
    let periods: Vec<f64> = spiky.iter().filter_map(|e| e.period).collect();
    let regular = 2 * periods.len() >= spiky.len();
    Some(Spikes {
        count: spiky.iter().map(|e| e.count).max().unwrap_or(0) as u64,
        above_base: highest.highest as u64,
        base: highest.base as u64,
        at: (highest.at as u64 + 1) * turn - 1,
        period: periods
            .first()
            .filter(|_| regular)
            .map(|period| period * turn as f64),
        duty: spiky.iter().map(|e| e.duty).fold(0.0, f64::max),
    })
}

/// A tenth of the run, and no more than a run to the second look ignores: a spike that a short run has
/// seen is not lost in a longer one.
fn warm_up(turns: usize) -> usize {
    ((IGNORED * turns as f64) as usize).min(MOST_IGNORED)
}

/// A metric as one value a turn, of each process; none if a process has no readings.
fn curves(traces: &[&Trace], metric: Metric, n: u64, turn: u64) -> Vec<Vec<f64>> {
    traces
        .iter()
        .map(|trace| trace.get(metric).map(|series| by_turn(series, n, turn)))
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// One value a turn. A reading that several turns share is taken at the end of the
/// longest of them (`measure` reads a peak as soon as an iteration was long enough), so it belongs to the
/// last; those before are put at the lesser of this reading and the one before.
fn by_turn(series: &Series, n: u64, turn: u64) -> Vec<f64> {
    let mut curve = Vec::with_capacity((n / turn) as usize);
    let mut before = None;
    for (&at, &value) in series.at.iter().zip(&series.values) {
        if at == 0 || at > n {
            continue;
        }
        let value = value as f64;
        let earlier = before.map_or(value, |before: f64| before.min(value));
        let end = at.div_ceil(turn) as usize;
        if curve.len() >= end {
            // A clock reads several times a cell: the highest counts.
            if let Some(last) = curve.last_mut() {
                *last = value.max(*last);
            }
        } else {
            curve.resize(end.saturating_sub(1), earlier);
            curve.push(value);
        }
        before = Some(value);
    }
    curve
}

/// A single rise that was kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// The iteration in which it happened, as the target counts: from 0.
    pub(super) at: u64,
    /// Its size, in the unit of the metric.
    pub(super) size: f64,
}

/// The one-time step that makes up at least 80 % of the growth after the first tenth of the run, in at
/// least half of the processes. Place and size are those of the largest.
pub(super) fn one_time_step(aligned: &Aligned) -> Option<Step> {
    let granularity = aligned.scale().granularity;
    let steps: Vec<Step> = aligned
        .samples
        .iter()
        .filter_map(|y| {
            let from = (IGNORED * y.len() as f64) as usize;
            let y = y.get(from..)?;
            let (place, size) = y
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .enumerate()
                .reduce(|a, b| if b.1 > a.1 { b } else { a })?;
            let least = |part: &[f64]| part.iter().copied().fold(f64::INFINITY, f64::min);
            let before = y[..=place]
                .iter()
                .copied()
                .fold(f64::NEG_INFINITY, f64::max);
            let kept = least(&y[place + 1..]) - before;
            let growth = y.last()? - y.first()?;
            let isolated = kept >= 0.8 * size && size >= 0.8 * growth;
            let large = size >= (64.0 * granularity).max(0.05 * y.first()?);
            (isolated && large).then_some(Step {
                at: aligned.iteration(from + place + 1) - 1,
                size,
            })
        })
        .collect();
    if 2 * steps.len() < aligned.samples.len() {
        return None;
    }
    steps
        .into_iter()
        .reduce(|a, b| if b.size > a.size { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Header;

    /// A flat base with peaks read at uneven iterations.
    fn trace(readings: &[(u64, u64)]) -> Trace {
        let mut trace = Trace::new(Header::default());
        for at in 0..=1000 {
            trace.push(Metric::Anon, at, 10 << 20);
        }
        for &(at, value) in readings {
            trace.push(Metric::Peak, at, value);
        }
        trace
    }

    #[test]
    fn a_peak_between_uneven_readings_keeps_its_iteration_and_its_size() {
        let base = 11 << 20;
        for gap in [1, 7, 35, 64] {
            let mut readings: Vec<(u64, u64)> = (1..=1000 / gap).map(|k| (k * gap, base)).collect();
            readings.retain(|&(at, _)| at != 318);
            readings.push((318, base + (200 << 20)));
            readings.sort_unstable();
            let trace = trace(&readings);
            let found = spikes(&[&trace; 3], 1000, &Policy::default());
            let found = found.unwrap_or_else(|| panic!("readings every {gap}"));
            assert_eq!((found.at, found.above_base), (317, 200 << 20), "{gap}");
            assert_eq!(found.count, 1, "{gap}");
        }
    }

    #[test]
    fn the_look_does_not_see_what_comes_after_it() {
        let readings: Vec<(u64, u64)> = (1..=1000)
            .map(|at| (at, if at == 900 { 300 << 20 } else { 11 << 20 }))
            .collect();
        let trace = trace(&readings);
        assert!(spikes(&[&trace; 3], 480, &Policy::default()).is_none());
        assert!(spikes(&[&trace; 3], 1000, &Policy::default()).is_some());
    }
}
