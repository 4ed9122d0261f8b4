//! Shapes that are no leaks.

use super::cases::{Counter, KIB, MIB, Size};
use super::parts::{
    add_function, autoregressive, jitter, own, reflected_walk, sawtooth, spikes, warm_up,
};
use super::rng::Rng;

/// Adds a shape of [`super::cases::OTHERS`].
pub(crate) fn add(shape: &str, size: Size, traces: &mut [Vec<f64>], rng: &mut Rng) {
    match shape {
        "flat" => {}
        "jitter" => jitter(traces, size.counter, rng),
        "ar1" | "ar1_999" | "ar1_heavy" => noise(shape, size, traces, rng),
        "rw_reflect" | "rw_pages" => walk(shape, size, traces, rng),
        "exp_warm" | "log_growth" | "fill" | "hash_double" | "arena_warm" | "highwater" => {
            filling(shape, size, traces, rng);
        }
        "step" | "steps" | "one_proc_step" => steps(shape, size, traces, rng),
        "saw" | "saw_long" | "saw_warm" | "sine" => periodic(shape, size, traces, rng),
        "spikes" => {
            spikes(traces, rng);
            jitter(traces, size.counter, rng);
        }
        "spikes_warm" => {
            spikes(traces, rng);
            warm_up(traces, size, rng);
        }
        "shrink" | "half_tol" => {
            let slope = if shape == "shrink" {
                -0.5 * rng.log_uniform(32.0, 2048.0)
            } else {
                0.5 * size.counter.tolerance()
            };
            for trace in traces.iter_mut() {
                add_function(trace, |t| slope * t);
            }
            jitter(traces, size.counter, rng);
        }
        other => panic!("no such shape: {other}"),
    }
}

fn noise(shape: &str, size: Size, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let phi = if shape == "ar1_999" {
        rng.choose(&[0.995, 0.998, 0.999])
    } else {
        rng.choose(&[0.3, 0.7, 0.9, 0.97, 0.99])
    };
    let unit = size.counter.unit();
    let sd = rng.log_uniform(2.0 * unit, 256.0 * unit);
    autoregressive(traces, phi, sd, rng);
    if shape == "ar1_heavy" {
        for trace in traces {
            add_function(trace, |_| sd * rng.student(2.1));
        }
    }
}

fn walk(shape: &str, size: Size, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let unit = size.counter.unit();
    if shape == "rw_pages" {
        let width = rng.log_uniform(8.0, 64.0);
        for trace in traces {
            reflected_walk(trace, width, unit, rng, |rng| match rng.below(10) {
                0 => -1.0,
                9 => 1.0,
                _ => 0.0,
            });
        }
    } else {
        let step = rng.log_uniform(0.5 * unit, 8.0 * unit);
        let width = rng.log_uniform(32.0 * unit, 512.0 * unit);
        for trace in traces {
            reflected_walk(trace, width, 1.0, rng, |rng| step * rng.normal());
        }
    }
}

fn filling(shape: &str, size: Size, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let n = size.iterations as f64;
    let (horizon, shrink) = (size.warm * n, size.counter.shrink());
    match shape {
        "exp_warm" => warm_up(traces, size, rng),
        "log_growth" => {
            let start = rng.log_uniform(1.0, 50.0).min(n / 4.0);
            let total = rng.log_uniform(64.0 * KIB, 8.0 * MIB) * shrink;
            let factor = total / (1.0 + n / start).ln();
            for trace in traces.iter_mut() {
                let factor = factor * own(rng, 0.1);
                add_function(trace, |t| factor * (1.0 + t / start).ln());
            }
        }
        "fill" => {
            let end = rng.uniform(0.01, 1.0) * horizon;
            let slope = match size.counter {
                Counter::Resident => rng.log_uniform(64.0, 64.0 * KIB),
                Counter::Heap => rng.log_uniform(8.0, 16.0 * KIB),
            };
            for trace in traces.iter_mut() {
                let end = end * own(rng, 0.02).min(1.0);
                add_function(trace, |t| slope * t.min(end));
            }
        }
        "hash_double" => {
            let time = rng.log_uniform((0.002 * n).max(2.0), horizon / 5.0);
            let most = rng.log_uniform(100.0, 100_000.0);
            for trace in traces.iter_mut() {
                let time = time * own(rng, 0.02);
                add_function(trace, |t| {
                    let entries = most * (1.0 - (-t / time).exp());
                    let capacity = 2f64.powf((entries / 0.75).max(8.0).log2().ceil());
                    64.0 * entries + 32.0 * capacity
                });
            }
            return;
        }
        "highwater" => {
            let kind = rng.below(3);
            let scale = rng.log_uniform(64.0 * KIB, 4.0 * MIB) * shrink;
            for trace in traces.iter_mut() {
                let mut most = 0.0_f64;
                add_function(trace, |_| {
                    let u = 1.0 - rng.unit();
                    let need = match kind {
                        0 => 3.0 * u,
                        1 => -u.ln(),
                        _ => u.powf(-1.0 / 3.0),
                    };
                    most = most.max(scale * need);
                    most
                });
            }
            return;
        }
        _ => {
            let time = rng.log_uniform((0.002 * n).max(2.0), horizon / 5.0);
            let count = rng.log_uniform(3.0, 60.0);
            let arena = rng.choose(&[256.0 * KIB, MIB]) * shrink;
            for trace in traces.iter_mut() {
                let mut got = 0.0;
                add_function(trace, |t| {
                    if rng.chance(count / time * (-t / time).exp()) {
                        got += arena;
                    }
                    got
                });
            }
        }
    }
    jitter(traces, size.counter, rng);
}

fn steps(shape: &str, size: Size, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let n = size.iterations as f64;
    let shrink = size.counter.shrink();
    let (count, most) = if shape == "steps" {
        (2 + rng.below(4), 16.0)
    } else {
        (1, 64.0)
    };
    let scale = rng.log_uniform(64.0 * KIB, most * MIB) * shrink;
    let only = (shape == "one_proc_step").then(|| rng.below(traces.len()));
    for _ in 0..count {
        let step = if shape == "steps" {
            scale * (0.5 * rng.normal()).exp()
        } else {
            scale
        };
        let common = rng.chance(0.5).then(|| n * rng.unit());
        for (process, trace) in traces.iter_mut().enumerate() {
            let at = common.unwrap_or_else(|| n * rng.unit());
            if only.is_none_or(|only| only == process) {
                add_function(trace, |t| if t >= at { step } else { 0.0 });
            }
        }
    }
    jitter(traces, size.counter, rng);
}

fn periodic(shape: &str, size: Size, traces: &mut [Vec<f64>], rng: &mut Rng) {
    let n = size.iterations as f64;
    let shrink = size.counter.shrink();
    if shape == "sine" {
        let period = rng.log_uniform(10.0, 0.5 * n);
        let amplitude = rng.log_uniform(64.0 * KIB, 8.0 * MIB) * shrink;
        for trace in traces.iter_mut() {
            let phase = rng.unit();
            add_function(trace, |t| {
                amplitude * (1.0 + (std::f64::consts::TAU * (t / period + phase)).sin())
            });
        }
        jitter(traces, size.counter, rng);
        return;
    }
    let period = if shape == "saw_long" {
        rng.log_uniform(0.1 * n, 0.5 * n)
    } else {
        rng.log_uniform(5.0, (0.08 * n).clamp(8.0, 400.0))
    };
    let amplitude = rng.log_uniform(100.0 * KIB, 32.0 * MIB) * shrink;
    let trough = rng.uniform(0.0, 0.05);
    sawtooth(traces, period, amplitude, trough, rng);
    if shape == "saw_warm" {
        warm_up(traces, size, rng);
    }
}
