//! Traces by a formula, and the ways to a verdict.

use memcase::analysis::{Decision, Policy, Verdict, judge, look, looks};
use memcase::trace::{Header, Heap, Metric, Trace};

pub(crate) const MIB: u64 = 1 << 20;

/// Three processes alike, `n` iterations; `fill` gives the readings after iteration `at`.
pub(crate) fn traces(
    heap: Heap,
    n: u64,
    fill: impl Fn(u64, u64) -> Vec<(Metric, u64)>,
) -> Vec<Trace> {
    (0..3)
        .map(|process| {
            let mut trace = Trace::new(Header {
                heap,
                live_complete: matches!(heap, Heap::Malloc | Heap::Cpython),
                collected: true,
                anon_granularity: 4096,
                ..Header::default()
            });
            for at in 0..=n {
                for (metric, value) in fill(process, at) {
                    trace.push(metric, at, value);
                }
            }
            trace
        })
        .collect()
}

/// Looks as a strict run would, until one decides.
pub(crate) fn run(traces: &[Trace], horizon: u64) -> (Verdict, u64) {
    let refs: Vec<&Trace> = traces.iter().collect();
    let policy = Policy {
        leak_from: horizon,
        ..Policy::default()
    };
    for n in looks(horizon) {
        if let Decision::Decided(verdict) = look(&refs, n, n == horizon, &policy) {
            return (*verdict, n);
        }
    }
    unreachable!("the last look decides")
}

pub(crate) fn pages(bytes: u64) -> u64 {
    bytes / 4096 * 4096
}

/// The verdict of one look at the end.
pub(crate) fn at_the_end(traces: &[Trace]) -> Verdict {
    let refs: Vec<&Trace> = traces.iter().collect();
    judge(&refs)
}
