//! The shapes by name, the counters they are read with, and one case of any of them.

use super::rng::Rng;
use super::{leaks, others};

pub(crate) const KIB: f64 = 1024.0;
pub(crate) const MIB: f64 = 1024.0 * KIB;
pub(crate) const PAGE: f64 = 4096.0;

/// What the simulated counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Resident memory, in pages.
    Resident,
    /// Bytes in use, in steps of eight.
    Heap,
}

impl Counter {
    /// Heaps are smaller than what is resident.
    pub(super) fn shrink(self) -> f64 {
        match self {
            Self::Resident => 1.0,
            Self::Heap => 0.25,
        }
    }

    /// The usual small change.
    pub(super) fn unit(self) -> f64 {
        match self {
            Self::Resident => PAGE,
            Self::Heap => 16.0,
        }
    }

    pub(super) fn quantum(self) -> f64 {
        match self {
            Self::Resident => PAGE,
            Self::Heap => 8.0,
        }
    }

    /// The default tolerance.
    pub(crate) fn tolerance(self) -> f64 {
        match self {
            Self::Resident => 32.0,
            Self::Heap => 4.0,
        }
    }

    /// The default granularity.
    pub(crate) fn granularity(self) -> f64 {
        match self {
            Self::Resident => PAGE,
            Self::Heap => 16.0,
        }
    }
}

/// The size of a simulated case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) processes: usize,
    pub(crate) iterations: usize,
    pub(crate) counter: Counter,
    /// Warm-ups and fills last up to this share of the iterations.
    pub(crate) warm: f64,
}

/// Shapes that are no leaks.
pub(crate) const OTHERS: [&str; 24] = [
    "flat",
    "jitter",
    "ar1",
    "ar1_999",
    "ar1_heavy",
    "rw_reflect",
    "exp_warm",
    "log_growth",
    "fill",
    "step",
    "steps",
    "hash_double",
    "saw",
    "saw_long",
    "saw_warm",
    "spikes",
    "spikes_warm",
    "highwater",
    "arena_warm",
    "sine",
    "shrink",
    "half_tol",
    "one_proc_step",
    "rw_pages",
];

/// Shapes that are leaks.
pub(crate) const LEAKS: [&str; 19] = [
    "lin",
    "lin_jitter",
    "lin_warm",
    "lin_spikes",
    "lin_saw",
    "lin_ar",
    "inter5",
    "inter20",
    "inter100",
    "poisson",
    "arena",
    "some2",
    "some1",
    "accel",
    "vec_double",
    "rand_slope",
    "late",
    "lin_step",
    "lin_shrinknoise",
];

/// One case of a shape; leaks have the mean slope `rate`.
pub(crate) fn generate(shape: &str, size: Size, rate: f64, rng: &mut Rng) -> Vec<Vec<f64>> {
    let base = rng.log_uniform(4.0 * MIB, 200.0 * MIB);
    let mut traces: Vec<Vec<f64>> = (0..size.processes)
        .map(|_| vec![base * (1.0 + 0.01 * rng.normal()); size.iterations])
        .collect();
    if OTHERS.contains(&shape) {
        others::add(shape, size, &mut traces, rng);
    } else {
        leaks::add(shape, size, rate, &mut traces, rng);
    }
    let quantum = size.counter.quantum();
    for trace in &mut traces {
        let offset = rng.uniform(0.0, PAGE);
        for y in trace {
            *y = ((*y + offset).max(0.0) / quantum).floor() * quantum;
        }
    }
    traces
}
