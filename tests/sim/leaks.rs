//! Shapes that are leaks, with the mean slope `rate`.

use super::cases::{Counter, KIB, MIB, Size};
use super::parts::{add_function, autoregressive, jitter, own, sawtooth, spikes, warm_up};
use super::rng::Rng;

/// Adds a shape of [`super::cases::LEAKS`].
pub(crate) fn add(shape: &str, size: Size, rate: f64, traces: &mut [Vec<f64>], rng: &mut Rng) {
    match shape {
        "inter5" => every(5, size, rate, traces, rng),
        "inter20" => every(20, size, rate, traces, rng),
        "inter100" => every(100, size, rate, traces, rng),
        "some1" => some(1, size, rate, traces, rng),
        "some2" => some(2, size, rate, traces, rng),
        "poisson" | "arena" | "accel" | "vec_double" | "rand_slope" | "late" => {
            uneven(shape, size, rate, traces, rng);
        }
        _ => {
            for trace in traces.iter_mut() {
                add_function(trace, |t| rate * t);
            }
            beside(shape, size, traces, rng);
        }
    }
}

/// What goes on beside a straight leak.
fn beside(shape: &str, size: Size, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let n = size.iterations as f64;
    let (unit, shrink) = (size.counter.unit(), size.counter.shrink());
    match shape {
        "lin" => {}
        "lin_jitter" => jitter(traces, size.counter, rng),
        "lin_warm" => {
            warm_up(traces, size, rng);
            jitter(traces, size.counter, rng);
        }
        "lin_spikes" => spikes(traces, rng),
        "lin_saw" => {
            let period = rng.log_uniform(5.0, (0.02 * n).clamp(8.0, 100.0));
            let amplitude = rng.log_uniform(16.0 * KIB, 8.0 * MIB) * shrink;
            let trough = rng.uniform(0.0, 4.0 * unit) / amplitude;
            sawtooth(traces, period, amplitude, trough, rng);
        }
        "lin_ar" => {
            let phi = rng.choose(&[0.3, 0.7, 0.9]);
            let sd = rng.log_uniform(unit, 16.0 * unit);
            autoregressive(traces, phi, sd, rng);
        }
        "lin_step" => {
            let step = rng.log_uniform(64.0 * KIB, 8.0 * MIB) * shrink;
            let at = n * rng.unit();
            for trace in traces {
                add_function(trace, |t| if t >= at { step } else { 0.0 });
            }
        }
        "lin_shrinknoise" => {
            let dip = rng.log_uniform(4.0 * unit, 64.0 * unit);
            for trace in traces.iter_mut() {
                add_function(trace, |_| if rng.chance(0.002) { -dip } else { 0.0 });
            }
            jitter(traces, size.counter, rng);
        }
        other => panic!("no such shape: {other}"),
    }
}

/// A leak in each `k`-th iteration only.
fn every(k: usize, size: Size, rate: f64, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let aligned = rng.chance(0.5);
    let k_f = k as f64;
    for trace in traces.iter_mut() {
        let phase = if aligned { 0.0 } else { rng.below(k) as f64 };
        add_function(trace, |t| rate * k_f * ((t + phase) / k_f).floor());
    }
    jitter(traces, size.counter, rng);
}

/// A leak in some processes only.
fn some(count: usize, size: Size, rate: f64, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let first = rng.below(traces.len());
    for offset in 0..count {
        let process = (first + offset) % traces.len();
        add_function(&mut traces[process], |t| rate * t);
    }
    jitter(traces, size.counter, rng);
}

/// Leaks that do not grow in a straight line.
fn uneven(shape: &str, size: Size, rate: f64, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let n = size.iterations as f64;
    match shape {
        "poisson" => {
            let probability = rng.log_uniform(0.02, 0.5);
            for trace in traces {
                let mut events = 0.0;
                add_function(trace, |_| {
                    events += f64::from(u8::from(rng.chance(probability)));
                    rate / probability * events
                });
            }
        }
        "arena" => {
            // at the plain rate the first arena would outlast the run
            let (arena, rate) = match size.counter {
                Counter::Resident => (rng.choose(&[256.0 * KIB, MIB]), 64.0 * rate),
                Counter::Heap => (4.0 * KIB, rate),
            };
            for trace in traces {
                let used = arena * rng.unit();
                add_function(trace, |t| arena * ((rate * t + used) / arena).ceil());
            }
        }
        "accel" => {
            for trace in traces {
                add_function(trace, |t| rate * t * t / n);
            }
        }
        "vec_double" => {
            for trace in traces {
                add_function(trace, |t| rate * 2f64.powf(t.max(4.0).log2().ceil()));
            }
        }
        _ => {
            let delay = rng.uniform(0.0, 0.3) * n;
            for trace in traces.iter_mut() {
                if shape == "late" {
                    add_function(trace, |t| rate * (t - delay).max(0.0));
                } else {
                    let slope = rate * own(rng, 0.5);
                    add_function(trace, |t| slope * t);
                }
            }
            jitter(traces, size.counter, rng);
        }
    }
}
