//! Error rates of the comparison with a baseline on simulated runs, at fixed seeds, with exact binomial bounds.
//!
//! A rate is refuted when the count that was seen has a probability below one in a million under it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod sim;

use std::collections::BTreeMap;

use memcase::analysis::{Decision, Policy, look, tail_slopes};
use memcase::baseline::{
    ComparisonKind, FORMAT, Fit, Level, Observed, Reference, Slope, Surroundings, compare,
    compare_with,
};
use memcase::stats::Mean;
use memcase::trace::{Axis, Driver, Header, Heap, Metric, Trace};
use sim::{Counter, LEAKS, OTHERS, Rng, Size, generate};

/// Pairs of runs of each simulated shape.
const PAIRS: u32 = 12;
/// What is stated: the chance that a case which has not changed is called regressed.
const STATED: f64 = 0.025;
/// A count as improbable as this under a stated rate refutes the statement.
const REFUTED: f64 = 1e-6;

/// The probability of `seen` or more of `all`, each with probability `rate`.
fn at_least(seen: u32, all: u32, rate: f64) -> f64 {
    let mut term = (1.0 - rate).powi(all as i32);
    let mut below = 0.0;
    for k in 0..seen {
        below += term;
        term *= f64::from(all - k) / f64::from(k + 1) * rate / (1.0 - rate);
    }
    1.0 - below
}

fn surroundings() -> Surroundings {
    Surroundings {
        platform: "linux-x86_64".to_owned(),
        runtime: "simulated".to_owned(),
        heap: Heap::Cpython,
        complete: true,
        allocator: "malloc".to_owned(),
        page: 4096,
        driver: Driver::Step,
        batch: 1,
        collected: true,
        trimmed: true,
        target: String::new(),
    }
}

/// A run of `k` processes whose slopes and levels scatter by `sd` shares of their scales.
fn fit(rng: &mut Rng, k: usize, (slope, sd): (f64, f64), tolerance: f64) -> Fit {
    let mut mean = |center: f64, sd: f64| {
        let values: Vec<f64> = (0..k).map(|_| center + sd * rng.normal()).collect();
        Mean::of(&values, 0.0).unwrap()
    };
    let mut slopes = BTreeMap::new();
    for metric in [Metric::Live, Metric::Anon] {
        let of = mean(slope, sd);
        let (estimate, error, df) = (of.value, of.se, of.df);
        let samples = 960;
        let one = Slope {
            estimate,
            error,
            df,
            tolerance,
            samples,
        };
        slopes.insert(metric, one);
    }
    let mut level = |bytes: f64| {
        let of = mean(bytes, bytes);
        let (bytes, error, df) = (of.value, of.se, of.df);
        Some(Level { bytes, error, df })
    };
    Fit {
        format: FORMAT,
        verdict: memcase::analysis::VerdictKind::Stable,
        axis: Axis::Iterations,
        iterations: 960,
        processes: k as u32,
        slopes,
        base: level(4e6),
        peak: level(9e6),
        curve: String::new(),
        surroundings: surroundings(),
    }
}

/// How often each was said.
fn count(all: u32, mut pair: impl FnMut() -> (Fit, Fit)) -> BTreeMap<&'static str, u32> {
    let mut counts = BTreeMap::new();
    for _ in 0..all {
        let (before, now) = pair();
        *counts
            .entry(compare(&before, &now).kind.name())
            .or_default() += 1;
    }
    counts
}

fn of(counts: &BTreeMap<&'static str, u32>, kind: ComparisonKind) -> u32 {
    counts.get(kind.name()).copied().unwrap_or(0)
}

#[test]
fn a_case_that_has_not_changed_is_called_regressed_no_more_often_than_stated() {
    let all = 8_000;
    for k in [2, 3, 5, 12] {
        let mut rng = Rng::new(k as u64);
        // No tolerance, so that nothing but the interval stands before a false regression.
        let counts = count(all, || {
            let mut run = || fit(&mut rng, k, (100.0, 40.0), 0.0);
            (run(), run())
        });
        println!("{} degrees of freedom a side: {counts:?}", k - 1);
        for kind in [ComparisonKind::Regressed, ComparisonKind::Improved] {
            let seen = of(&counts, kind);
            assert!(
                at_least(seen, all, STATED) > REFUTED,
                "{k} processes: {counts:?}"
            );
        }
        // The test is not so careful that it says nothing.
        assert!(
            of(&counts, ComparisonKind::Regressed) > 0,
            "{k} processes: {counts:?}"
        );
    }
}

#[test]
fn unequal_numbers_of_processes_keep_the_stated_rate() {
    let all = 8_000;
    let mut rng = Rng::new(77);
    let counts = count(all, || {
        let before = fit(&mut rng, 10, (100.0, 40.0), 0.0);
        (before, fit(&mut rng, 3, (100.0, 40.0), 0.0))
    });
    println!("10 and 3 processes: {counts:?}");
    let seen = of(&counts, ComparisonKind::Regressed);
    assert!(at_least(seen, all, STATED) > REFUTED, "{counts:?}");
}

#[test]
fn a_side_that_scatters_much_more_than_the_other_keeps_twice_the_stated_rate() {
    let all = 8_000;
    for (k, more) in [(3, 3), (10, 3), (5, 5)] {
        let mut rng = Rng::new(78);
        let counts = count(all, || {
            let before = fit(&mut rng, k, (100.0, 10.0), 0.0);
            (before, fit(&mut rng, more, (100.0, 60.0), 0.0))
        });
        println!("{k} and {more} processes, the second scatter six times as much: {counts:?}");
        let seen = of(&counts, ComparisonKind::Regressed);
        assert!(at_least(seen, all, 2.0 * STATED) > REFUTED, "{counts:?}");
    }
}

#[test]
fn a_rise_of_known_size_is_found_with_the_documented_power() {
    // The spread between processes is 8, the tolerance 32.
    for (k, rise, least) in [
        (3, 32.0, 0.55),
        (3, 64.0, 0.90),
        (5, 32.0, 0.95),
        (5, 64.0, 0.99),
    ] {
        let mut rng = Rng::new(1000 + k as u64);
        let all = 2_000;
        let more = count(all, || {
            let before = fit(&mut rng, k, (10.0, 8.0), 32.0);
            (before, fit(&mut rng, k, (10.0 + rise, 8.0), 32.0))
        });
        let found = f64::from(of(&more, ComparisonKind::Regressed)) / f64::from(all);
        let less = count(all, || {
            let before = fit(&mut rng, k, (10.0 + rise, 8.0), 32.0);
            (before, fit(&mut rng, k, (10.0, 8.0), 32.0))
        });
        let back = f64::from(of(&less, ComparisonKind::Improved)) / f64::from(all);
        println!("K={k}, +{rise}: {found:.3} regressed; -{rise}: {back:.3} improved");
        assert!(
            found >= least && back >= least,
            "K={k} +{rise}: {found} {back}"
        );
        let wrong = of(&more, ComparisonKind::Improved);
        assert!(at_least(wrong, all, STATED) > REFUTED, "{more:?}");
    }
}

/// The metric that a simulated counter stands for.
fn metric(counter: Counter) -> Metric {
    match counter {
        Counter::Resident => Metric::Anon,
        Counter::Heap => Metric::Live,
    }
}

/// A run as it is recorded, from simulated samples.
fn observed(samples: &[Vec<f64>], counter: Counter) -> Fit {
    let all = samples.iter().enumerate();
    let traces = all.map(|(k, samples)| {
        let mut trace = Trace::new(Header {
            process: k as u32 + 1,
            anon_granularity: counter.granularity() as u64,
            ..Header::default()
        });
        for (at, &value) in samples.iter().enumerate() {
            trace.push(metric(counter), at as u64 + 1, value as u64);
        }
        trace
    });
    let traces: Vec<Trace> = traces.collect();
    let traces: Vec<&Trace> = traces.iter().collect();
    let n = samples[0].len() as u64;
    let policy = Policy {
        tolerances: [(metric(counter), counter.tolerance())].into(),
        ..Policy::default()
    };
    let (Decision::Decided(verdict) | Decision::Continue(verdict)) =
        look(&traces, n, true, &policy);
    let slopes = tail_slopes(&traces, n, &verdict.findings, &policy);
    Fit::of(&Observed {
        verdict: &verdict,
        slopes: &slopes,
        iterations: n,
        traces: &traces,
        runtime: "simulated",
        platform: "linux-x86_64",
        target: "",
        curve: String::new(),
    })
    .unwrap()
}

/// Six processes of one simulated program, three on each side; `rise` is added to those of the second.
fn sides(shape: &str, counter: Counter, rise: f64, rng: &mut Rng) -> (Fit, Fit) {
    let size = Size {
        processes: 6,
        iterations: 480,
        counter,
        warm: 0.3,
    };
    let quantum = counter.granularity();
    let mut samples = generate(shape, size, 8.0 * counter.tolerance(), rng);
    for later in &mut samples[3..] {
        for (at, value) in later.iter_mut().enumerate() {
            *value = ((*value + rise * at as f64) / quantum).floor() * quantum;
        }
    }
    (
        observed(&samples[..3], counter),
        observed(&samples[3..], counter),
    )
}

#[test]
fn runs_of_one_simulated_program_are_called_regressed_no_more_often_than_stated() {
    for counter in [Counter::Resident, Counter::Heap] {
        let (mut regressed, mut all) = (0, 0);
        for shape in OTHERS.into_iter().chain(LEAKS) {
            let mut rng = Rng::new(shape.bytes().map(u64::from).sum());
            let counts = count(PAIRS, || sides(shape, counter, 0.0, &mut rng));
            println!("{counter:?} {shape}: {counts:?}");
            let seen = of(&counts, ComparisonKind::Regressed);
            assert!(
                at_least(seen, PAIRS, STATED) > REFUTED,
                "{shape}: {counts:?}"
            );
            regressed += seen;
            all += PAIRS;
        }
        println!("{counter:?}: {regressed} of {all}");
        assert!(
            at_least(regressed, all, STATED) > REFUTED,
            "{regressed} of {all}"
        );
    }
}

#[test]
fn a_simulated_program_that_grows_more_is_called_regressed() {
    for shape in ["flat", "jitter", "spikes", "lin"] {
        let mut rng = Rng::new(9);
        let counts = count(20, || sides(shape, Counter::Resident, 1024.0, &mut rng));
        println!("{shape} and 1 KiB more: {counts:?}");
        assert!(
            of(&counts, ComparisonKind::Regressed) >= 19,
            "{shape}: {counts:?}"
        );
    }
}

#[test]
fn two_sides_are_compared_unless_more_differs_than_was_asked_for() {
    let before = fit(&mut Rng::new(3), 3, (1000.0, 1.0), 8.0);
    let revision = Reference::Revision {
        name: "main".to_owned(),
        commit: "0".repeat(40),
    };
    let interpreter = Reference::Interpreter {
        name: "python3.11".to_owned(),
    };
    let change = |change: &dyn Fn(&mut Surroundings)| {
        let mut now = before.clone();
        change(&mut now.surroundings);
        [&Reference::Baseline, &revision, &interpreter].map(|against| {
            let comparison = compare_with(against, &before, &now);
            assert_eq!(&comparison.against, against);
            let reason = comparison.reason;
            (comparison.kind == ComparisonKind::Incomparable).then_some(reason)
        })
    };
    let says = |found: &Option<String>, word: &str, thing: &str| {
        let reason = found.as_deref().unwrap();
        let whole = format!("this differs from {thing}: {word}");
        assert!(reason.starts_with(&whole), "{reason}");
    };
    let [baseline, code, runtime] = change(&|s| s.target = "other".to_owned());
    says(&baseline, "what the case runs", "the baseline");
    assert_eq!(code, None, "the code is what a revision changes");
    says(&runtime, "what the case runs", "`python3.11`");

    let [baseline, code, runtime] = change(&|s| s.runtime = "CPython 3.99".to_owned());
    says(
        &baseline,
        "the runtime is CPython 3.99, and was simulated",
        "the baseline",
    );
    says(
        &code,
        "the runtime is CPython 3.99, and was simulated",
        "`main`",
    );
    assert_eq!(runtime, None, "the runtime is what an interpreter changes");

    for (word, other) in [
        (
            "the allocator",
            &(|s: &mut Surroundings| s.allocator = "other".to_owned()) as &dyn Fn(&mut _),
        ),
        ("a page", &|s: &mut Surroundings| s.page = 65536),
        ("forced collection", &|s: &mut Surroundings| {
            s.collected = false;
        }),
        ("trimming", &|s: &mut Surroundings| s.trimmed = false),
        ("its driver", &|s: &mut Surroundings| {
            s.driver = Driver::Clock;
        }),
    ] {
        let things = ["the baseline", "`main`", "`python3.11`"];
        for (found, thing) in change(other).iter().zip(things) {
            says(found, word, thing);
        }
    }
}

#[test]
fn the_same_traces_give_the_same_text_and_the_text_gives_the_same_fit() {
    for shape in ["flat", "ar1", "lin"] {
        let [fit, again] =
            [(); 2].map(|()| sides(shape, Counter::Resident, 0.0, &mut Rng::new(4)).0);
        assert_eq!(fit.text(), again.text());
        let read = Fit::read(&fit.text()).unwrap();
        assert_eq!(read, fit);
        assert_eq!(read.text(), fit.text());
        let differences = compare(&fit, &read).differences;
        assert!(!differences.is_empty(), "{shape}");
        assert!(differences.iter().all(|d| d.difference.estimate == 0.0));
    }
}
