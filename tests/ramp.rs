//! Error rates of the rule for ramps on simulated processes, at fixed seeds.
//!
//! Each process is one independent observation of a curve at its count, with the noise that final
//! and highest memory of real processes show. A rate is refuted when the count that was seen has a
//! probability below one in a million under it.

#![expect(
    clippy::print_stdout,
    reason = "the counts are the result; shown by --nocapture"
)]

#[expect(
    dead_code,
    reason = "the generator has more distributions than these curves need"
)]
#[path = "sim/rng.rs"]
mod rng;

use memcase::analysis::{self, Verdict, VerdictKind};
use memcase::trace::{Driver, Header, Metric, Trace};
use rng::Rng;

const PAGE: f64 = 4096.0;
/// A count as improbable as this under a claimed rate refutes the claim.
const REFUTED: f64 = 1e-6;
/// The default tolerance of final memory.
const TOLERANCE: f64 = 32.0;

/// The bytes that are held after a count of iterations.
type Curve = dyn Fn(f64) -> f64;
/// Makes a curve for a largest count.
type Draw = dyn Fn(f64, &mut Rng) -> Box<Curve>;

/// How a process differs from another with the same count.
#[derive(Debug, Clone, Copy)]
enum Noise {
    /// By a page or two.
    Pages,
    /// Normally, by 10 KiB.
    Normal,
    /// With heavy tails.
    Heavy,
    /// By pages; one process in ten by hundreds of KiB.
    Odd,
}

const NOISES: [Noise; 4] = [Noise::Pages, Noise::Normal, Noise::Heavy, Noise::Odd];

fn noise(kind: Noise, rng: &mut Rng) -> f64 {
    match kind {
        Noise::Pages => PAGE * (rng.below(4) as f64),
        Noise::Normal => 10_240.0 * rng.normal(),
        Noise::Heavy => 6_000.0 * rng.student(3.0),
        Noise::Odd if rng.chance(0.1) => rng.uniform(1e5, 5e5),
        Noise::Odd => PAGE * (rng.below(3) as f64),
    }
}

/// The processes of one ramp: a curve of the count, noise, and rounding to pages.
fn ramp(largest: u64, kind: Noise, rng: &mut Rng, curve: &Curve) -> Vec<Trace> {
    let counts = analysis::ramp_counts(largest, 3, &mut || rng.unit());
    let read = |x: f64, rng: &mut Rng| {
        let bytes = 8e6 + curve(x) + noise(kind, rng);
        ((bytes / PAGE).round() * PAGE).max(0.0) as u64
    };
    (1..)
        .zip(counts)
        .map(|(process, count)| {
            let mut trace = Trace::new(Header {
                process,
                driver: Driver::Ramp,
                anon_granularity: PAGE as u64,
                ..Header::default()
            });
            trace.push(Metric::Anon, count, read(count as f64, rng));
            trace.push(Metric::Peak, count, read(count as f64, rng));
            trace
        })
        .collect()
}

fn judge(traces: &[Trace]) -> Verdict {
    analysis::judge(&traces.iter().collect::<Vec<_>>())
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    cases: u32,
    leak: u32,
    stable: u32,
}

/// Judges `cases` ramps to `largest` whose curve `draw` makes anew for each.
fn tally(name: &str, (largest, cases): (u64, u32), kinds: &[Noise], draw: &Draw) -> Tally {
    let mut rng = Rng::new(
        name.bytes()
            .fold(11, |h: u64, b| h.wrapping_mul(131) ^ u64::from(b)),
    );
    let mut tally = Tally {
        cases,
        ..Tally::default()
    };
    for k in 0..cases {
        let curve = draw(largest as f64, &mut rng);
        let kind = kinds[k as usize % kinds.len()];
        match judge(&ramp(largest, kind, &mut rng, &*curve)).kind {
            VerdictKind::Leak => tally.leak += 1,
            VerdictKind::Stable => tally.stable += 1,
            VerdictKind::Spike | VerdictKind::Inconclusive => {}
        }
    }
    println!(
        "{name:<26} {largest:>5}: {:5.2} % leak, {:5.1} % stable",
        100.0 * f64::from(tally.leak) / f64::from(cases),
        100.0 * f64::from(tally.stable) / f64::from(cases),
    );
    tally
}

/// The probability of at least `hits` in `cases` independent trials of `rate`.
fn upper_tail(hits: u32, cases: u32, rate: f64) -> f64 {
    let (n, ln_p, ln_q) = (f64::from(cases), rate.ln(), (1.0 - rate).ln());
    let mut log = n * ln_q;
    let mut tail = if hits == 0 { log.exp() } else { 0.0 };
    for k in 1..=cases {
        let k_real = f64::from(k);
        log += ((n - k_real + 1.0) / k_real).ln() + ln_p - ln_q;
        if k >= hits {
            tail += log.exp();
        }
    }
    tail
}

fn no_more_than(hits: u32, cases: u32, rate: f64, name: &str) {
    assert!(
        upper_tail(hits, cases, rate) > REFUTED,
        "{name}: {hits} of {cases} are more than {rate}"
    );
}

/// A name, and what draws its curve for a largest count.
type Shape = (&'static str, fn(f64, &mut Rng) -> Box<Curve>);

/// Curves that are no leaks and keep the promise: what fills has filled at 60 % of the largest count.
const OTHERS: &[Shape] = &[
    ("flat", |_, _| Box::new(|_| 0.0)),
    ("half of the tolerance", |_, _| {
        Box::new(|x| 0.5 * TOLERANCE * x)
    }),
    ("fill", |n, rng| {
        let (end, rate) = (n * rng.uniform(0.02, 0.6), rng.log_uniform(64.0, 8192.0));
        Box::new(move |x| rate * x.min(end))
    }),
    ("fill to 60 %", |n, rng| {
        let rate = rng.log_uniform(64.0, 8192.0);
        Box::new(move |x| rate * x.min(0.6 * n))
    }),
    ("exponential", |n, rng| {
        let (time, size) = (n * rng.uniform(0.01, 0.12), rng.log_uniform(1e5, 1e8));
        Box::new(move |x| size * (1.0 - (-x / time).exp()))
    }),
    ("logarithm", |n, rng| {
        let (time, size) = (n * rng.uniform(0.01, 0.25), rng.log_uniform(1e5, 1e8));
        Box::new(move |x| size * (1.0 + x / time).ln())
    }),
    ("one step", |n, rng| {
        let (at, size) = (n * rng.unit(), rng.log_uniform(65_536.0, 1e8));
        Box::new(move |x| if x > at { size } else { 0.0 })
    }),
    ("table that doubles", |_, rng| {
        let (entry, first) = (rng.log_uniform(16.0, 4096.0), rng.uniform(3.0, 6.0));
        Box::new(move |x| entry * first * (x / first).log2().ceil().exp2())
    }),
    ("short sawtooth", |n, rng| {
        let (period, rate) = (n * rng.uniform(0.001, 0.05), rng.log_uniform(64.0, 8192.0));
        Box::new(move |x| rate * (x % period))
    }),
    ("long sawtooth", |n, rng| {
        let (period, rate) = (n * rng.uniform(0.05, 0.5), rng.log_uniform(64.0, 8192.0));
        Box::new(move |x| rate * (x % period))
    }),
    ("shrinking", |n, rng| {
        let rate = rng.log_uniform(8.0, 1024.0);
        Box::new(move |x| rate * (n - x))
    }),
];

/// Curves that are leaks, `rate` bytes an iteration.
fn leaks(rate: f64) -> Vec<(&'static str, Box<Draw>)> {
    vec![
        (
            "straight",
            Box::new(move |_, _| Box::new(move |x| rate * x)),
        ),
        (
            "after a warm-up",
            Box::new(move |n, rng| {
                let (end, size) = (n * rng.uniform(0.0, 0.14), rng.log_uniform(1e5, 1e8));
                Box::new(move |x| size * (x / end).min(1.0) + rate * x)
            }),
        ),
        (
            "every 50th",
            Box::new(move |_, _| Box::new(move |x| 50.0 * rate * (x / 50.0).floor())),
        ),
        (
            "with a sawtooth",
            Box::new(move |n, rng| {
                let period = n * rng.uniform(0.001, 0.02);
                Box::new(move |x| rate * x + rate * (x % period))
            }),
        ),
    ]
}

/// False leaks over all shapes that are none, `cases` of each at each largest count.
fn false_leaks(cases: u32) {
    let mut all = Tally::default();
    for &(name, draw) in OTHERS {
        for largest in [100, 1000, 5000] {
            let found = tally(name, (largest, cases), &NOISES, &draw);
            all.cases += found.cases;
            all.leak += found.leak;
            no_more_than(found.leak, found.cases, 0.002, name);
        }
    }
    println!("{} of {}", all.leak, all.cases);
    no_more_than(all.leak, all.cases, 0.000_5, "all");
}

/// Leaks of four times the tolerance that are found, and those that are called stable.
fn found_leaks(cases: u32) {
    for (name, draw) in leaks(4.0 * TOLERANCE) {
        for (kinds, missable) in [(&NOISES[..3], 0.01), (&NOISES[3..], 0.4)] {
            let found = tally(name, (5000, cases), kinds, &*draw);
            let missed = found.cases - found.leak;
            no_more_than(missed, found.cases, missable, name);
            no_more_than(found.stable, found.cases, 0.000_1, name);
        }
    }
}

#[test]
fn what_is_no_leak_is_hardly_ever_called_one() {
    false_leaks(100);
}

#[test]
fn a_leak_of_four_times_the_tolerance_is_found() {
    found_leaks(200);
}

#[test]
#[ignore = "minutes; in release mode"]
fn the_same_in_large() {
    false_leaks(2_000);
    found_leaks(2_000);
}

#[test]
fn a_leak_at_the_detection_limit_is_found_in_most_ramps() {
    for kind in NOISES {
        let (mut cases, mut found) = (0, 0);
        let mut rng = Rng::new(5);
        for _ in 0..100 {
            let flat = judge(&ramp(5000, kind, &mut rng, &|_| 0.0));
            let limit = flat.detection_limit;
            let leak = judge(&ramp(5000, kind, &mut rng, &move |x| limit * x));
            cases += 1;
            found += u32::from(leak.kind == VerdictKind::Leak);
        }
        println!("{kind:?}: {found} of {cases} at the detection limit");
        // Odd processes in both of two ramps are more than the limit of the first can know of.
        let missable = if matches!(kind, Noise::Odd) { 0.4 } else { 0.1 };
        no_more_than(cases - found, cases, missable, "at the limit");
    }
}
