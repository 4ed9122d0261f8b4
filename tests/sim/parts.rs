//! What traces are made of: noise, warm-ups, sawteeth, peaks.

use super::cases::{Counter, KIB, MIB, Size};
use super::rng::Rng;

/// Adds `f(iteration from 1)` to each sample.
pub(crate) fn add_function(trace: &mut [f64], mut f: impl FnMut(f64) -> f64) {
    for (i, y) in trace.iter_mut().enumerate() {
        *y += f((i + 1) as f64);
    }
}

/// A factor near one that a process has for its own.
pub(crate) fn own(rng: &mut Rng, cv: f64) -> f64 {
    (cv * rng.normal()).exp()
}

/// One-sided small jitter: now and then a few pages or small blocks more.
pub(crate) fn jitter(traces: &mut [Vec<f64>], counter: Counter, rng: &mut Rng) {
    let probability = rng.uniform(0.0, 0.3);
    for trace in traces {
        add_function(trace, |_| {
            if rng.chance(probability) {
                counter.unit() * rng.geometric()
            } else {
                0.0
            }
        });
    }
}

/// First-order autoregressive noise from a stationary start.
pub(crate) fn autoregressive(traces: &mut [Vec<f64>], phi: f64, sd: f64, rng: &mut Rng) {
    for trace in traces {
        let mut x = rng.normal();
        add_function(trace, |_| {
            x = phi * x + (1.0 - phi * phi).sqrt() * rng.normal();
            sd * x
        });
    }
}

/// Peaks of one to three iterations with a heavy tail.
pub(crate) fn spikes(traces: &mut [Vec<f64>], rng: &mut Rng) {
    let probability = rng.log_uniform(0.003, 0.2);
    let scale = rng.log_uniform(64.0 * KIB, 8.0 * MIB);
    let alpha = rng.uniform(1.1, 3.0);
    let duration = 1 + rng.below(3);
    for trace in traces {
        let peaks: Vec<f64> = (0..trace.len())
            .map(|_| {
                let size = scale * (1.0 - rng.unit()).powf(-1.0 / alpha);
                let on = rng.chance(probability);
                if on { size.min(4096.0 * MIB) } else { 0.0 }
            })
            .collect();
        for (i, y) in trace.iter_mut().enumerate() {
            let from = (i + 1).saturating_sub(duration);
            *y += peaks[from..=i].iter().copied().fold(0.0, f64::max);
        }
    }
}

/// Ramps of height `amplitude` over random periods; `trough` is what stays of a ramp at its foot.
pub(crate) fn sawtooth(
    traces: &mut [Vec<f64>],
    period: f64,
    amplitude: f64,
    trough: f64,
    rng: &mut Rng,
) {
    let cv = rng.uniform(0.0, 0.3);
    for trace in traces {
        let length = |rng: &mut Rng| (period * (1.0 + cv * rng.normal())).max(2.0);
        let first = length(rng);
        let mut end = first * (1.0 - rng.unit());
        let mut start = end - first;
        let mut rest = rng.normal().abs() * trough * amplitude;
        for (t, y) in trace.iter_mut().enumerate() {
            while t as f64 >= end {
                start = end;
                end += length(rng);
                rest = rng.normal().abs() * trough * amplitude;
            }
            *y += amplitude * (t as f64 - start) / period + rest;
        }
    }
}

/// Growth that levels off exponentially.
pub(crate) fn warm_up(traces: &mut [Vec<f64>], size: Size, rng: &mut Rng) {
    let n = size.iterations as f64;
    let time = rng.log_uniform((0.001 * n).max(1.0), size.warm * n / 5.0);
    let amount = rng.log_uniform(64.0 * KIB, 32.0 * MIB) * size.counter.shrink();
    for trace in traces {
        let (amount, time) = (amount * own(rng, 0.1), time * own(rng, 0.1));
        add_function(trace, |t| amount * (1.0 - (-t / time).exp()));
    }
}

/// A random walk folded into `0..width`, by steps that `step` draws.
pub(crate) fn reflected_walk(
    trace: &mut [f64],
    width: f64,
    unit: f64,
    rng: &mut Rng,
    mut step: impl FnMut(&mut Rng) -> f64,
) {
    let mut x = width * rng.unit();
    for y in trace {
        x += step(rng);
        let folded = x.rem_euclid(2.0 * width);
        *y += unit * folded.min(2.0 * width - folded);
    }
}
