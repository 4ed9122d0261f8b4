//! How the metrics of a case become one verdict: synthetic traces with known answers.

mod synthetic;

use memcase::analysis::{Decision, Policy, Status, VerdictKind, iterations_to, judge, look};
use memcase::trace::{Axis, Heap, Metric, Trace};
use synthetic::{MIB, at_the_end, pages, run, traces};

#[test]
fn a_flat_program_is_stable_at_the_first_look() {
    let flat = traces(Heap::Cpython, 2000, |_, _| {
        vec![(Metric::Live, 9 * MIB), (Metric::Anon, 20 * MIB)]
    });
    let (verdict, n) = run(&flat, 2000);
    assert_eq!((verdict.kind, n), (VerdictKind::Stable, 240));
    assert_eq!(
        (verdict.metric, verdict.shape.0.as_str()),
        (Metric::Live, "flat")
    );
    assert!(verdict.detection_limit > 4.0 && verdict.detection_limit < 16.0);
    assert!(verdict.findings[0].excluded_above < Some(4.0));
    assert!(
        verdict.notes.is_empty() && verdict.remedy.is_none(),
        "{verdict:?}"
    );
}

#[test]
fn without_a_complete_heap_counter_resident_memory_must_be_stable_itself() {
    let flat = traces(Heap::None, 2000, |_, _| vec![(Metric::Anon, 20 * MIB)]);
    let (verdict, n) = run(&flat, 2000);
    assert_eq!(
        (verdict.kind, verdict.metric, n),
        (VerdictKind::Stable, Metric::Anon, 960)
    );
}

#[test]
fn a_leak_has_the_slope_of_the_exact_counter_and_is_said_at_the_horizon() {
    let leak = traces(Heap::Cpython, 1000, |_, at| {
        let bytes = 9 * MIB + 1344 * at;
        vec![
            (Metric::Live, bytes),
            (Metric::Anon, pages(bytes + 5 * MIB)),
        ]
    });
    let (verdict, n) = run(&leak, 1000);
    assert_eq!(
        (verdict.kind, verdict.metric, n),
        (VerdictKind::Leak, Metric::Live, 1000)
    );
    assert!((verdict.slope.estimate - 1344.0).abs() < 1e-6);
    assert!(verdict.slope.low < 1344.0 && verdict.slope.high > 1344.0);
    assert_eq!(verdict.shape.0, "linear");
    assert!(verdict.began.unwrap() < 20, "{:?}", verdict.began);
    let beside = &verdict.findings[1];
    assert_eq!((beside.metric, beside.status), (Metric::Anon, Status::Leak));
    let level = beside.level;
    let reach = verdict.iterations_to((512 * MIB) as f64, level).unwrap();
    assert!((reach.expected - ((512 - 14) * MIB) as f64 / 1344.0).abs() < 100.0);
    assert!(reach.soonest < reach.expected && reach.expected < reach.latest);
    let own = iterations_to((10 * MIB) as f64, &verdict.findings[0], Axis::Iterations).unwrap();
    assert!(own.expected >= 1000.0);
}

#[test]
fn a_leak_that_starts_late_tells_where() {
    let leak = traces(Heap::Malloc, 3000, |_, at| {
        vec![(Metric::Live, 9 * MIB + 512 * at.saturating_sub(200))]
    });
    let (verdict, _) = run(&leak, 3000);
    assert_eq!(verdict.kind, VerdictKind::Leak);
    let began = verdict.began.unwrap();
    assert!((180..=220).contains(&began), "{began}");
}

#[test]
fn growth_of_resident_memory_beside_a_stable_heap_is_outside_malloc() {
    let leak = traces(Heap::Malloc, 1500, |_, at| {
        vec![(Metric::Live, MIB), (Metric::Anon, 5 * MIB + 8192 * at)]
    });
    let (verdict, n) = run(&leak, 1500);
    assert_eq!(
        (verdict.kind, verdict.metric, n),
        (VerdictKind::Leak, Metric::Anon, 1500)
    );
    assert!(
        verdict.notes[0].contains("outside malloc"),
        "{:?}",
        verdict.notes
    );
}

#[test]
fn nothing_passes_beside_resident_memory_that_certainly_grows() {
    // Too slow a growth of too few samples for a leak, and far above the tolerance.
    let open = traces(Heap::Malloc, 60, |_, at| {
        vec![
            (Metric::Live, MIB),
            (Metric::Anon, 5 * MIB + 4096 * (at / 2)),
        ]
    });
    let verdict = at_the_end(&open);
    assert_ne!(verdict.kind, VerdictKind::Stable, "{verdict:?}");
    assert_eq!(verdict.metric, Metric::Anon);
}

#[test]
fn a_run_of_a_few_samples_speaks_of_memory_and_not_of_counts() {
    let few = traces(Heap::Cpython, 15, |_, at| {
        vec![(Metric::Anon, 30 * MIB * at), (Metric::Fds, 5)]
    });
    let verdict = at_the_end(&few);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert_eq!(verdict.metric, Metric::Anon);
}

#[test]
fn a_filling_cache_is_awaited_and_then_stable() {
    let cache = traces(Heap::Cpython, 3000, |_, at| {
        let bytes = 9 * MIB + 700 * at.min(700);
        vec![(Metric::Live, bytes), (Metric::Anon, pages(bytes))]
    });
    let (verdict, n) = run(&cache, 3000);
    assert_eq!((verdict.kind, n), (VerdictKind::Stable, 1700));
    assert_eq!(verdict.shape.0, "warm-up then plateau");
}

/// 200 MiB in the iteration that the target counts as 317; the sample behind it is the 318th.
fn at_317(kept: bool) -> Vec<Trace> {
    traces(Heap::Cpython, 1000, |_, at| {
        let now = if kept && at >= 318 { 200 * MIB } else { 0 };
        let peak = if at >= 318 && (kept || at == 318) {
            200 * MIB
        } else {
            0
        };
        vec![
            (Metric::Live, 9 * MIB + now),
            (Metric::Anon, 20 * MIB + now),
            (Metric::Peak, 28 * MIB + peak),
        ]
    })
}

#[test]
fn a_peak_that_is_given_back_is_a_spike_with_its_iteration_and_size() {
    let verdict = at_the_end(&at_317(false));
    assert_eq!(
        (verdict.kind, verdict.metric),
        (VerdictKind::Spike, Metric::Peak)
    );
    assert_eq!(verdict.shape.0, "one spike");
    let spikes = verdict.spikes.unwrap();
    assert_eq!(
        (spikes.count, spikes.at, spikes.above_base),
        (1, 317, 200 * MIB)
    );
    assert_eq!(verdict.peak, 228 * MIB);
}

#[test]
fn the_same_memory_kept_is_a_one_time_step_with_its_iteration_and_size() {
    let verdict = at_the_end(&at_317(true));
    assert_eq!((verdict.kind, verdict.spikes), (VerdictKind::Stable, None));
    assert_eq!(verdict.shape.0, "one-time step");
    assert_eq!(
        verdict.notes,
        ["one-time step: live rose by 200 MiB at iteration 317 and kept it"]
    );
}

#[test]
fn a_spike_does_not_hide_a_leak() {
    let both = traces(Heap::Cpython, 1000, |_, at| {
        let bytes = 9 * MIB + 1000 * at;
        let peak = if at == 601 { 100 * MIB } else { 0 };
        vec![
            (Metric::Live, bytes),
            (Metric::Anon, pages(bytes)),
            (Metric::Peak, bytes + peak),
        ]
    });
    let verdict = at_the_end(&both);
    assert_eq!(verdict.kind, VerdictKind::Leak);
    assert_eq!(verdict.spikes.unwrap().at, 600);
    assert!(
        verdict
            .notes
            .iter()
            .any(|note| note.contains("one spike beside"))
    );
}

#[test]
fn descriptors_that_are_never_closed_are_a_leak_of_descriptors() {
    let fds = traces(Heap::Cpython, 500, |_, at| {
        vec![
            (Metric::Live, MIB),
            (Metric::Anon, 4 * MIB),
            (Metric::Fds, 4 + at),
        ]
    });
    let (verdict, n) = run(&fds, 500);
    assert_eq!(
        (verdict.kind, verdict.metric, n),
        (VerdictKind::Leak, Metric::Fds, 500)
    );
    assert!((verdict.slope.estimate - 1.0).abs() < 1e-12);
    assert_eq!(verdict.iterations_to(1e9, 0.0), None);
}

#[test]
fn resident_memory_of_v8_is_a_leak_only_above_64_mib_and_no_pass_below() {
    let v8 = |step: u64| {
        traces(Heap::V8, 1000, move |_, at| {
            let mut values = vec![(Metric::Anon, 50 * MIB + step * at)];
            if at.is_multiple_of(10) {
                values.push((Metric::Live, 4 * MIB));
                values.push((Metric::External, MIB));
            }
            values
        })
    };
    let verdict = at_the_end(&v8(4096));
    assert_eq!(
        (verdict.kind, verdict.metric),
        (VerdictKind::Inconclusive, Metric::Anon)
    );
    let remedy = verdict.remedy.unwrap();
    assert!(remedy.contains("memory of native code"), "{remedy}");
    let verdict = at_the_end(&v8(100 << 12));
    assert_eq!(
        (verdict.kind, verdict.metric),
        (VerdictKind::Leak, Metric::Anon)
    );
}

#[test]
fn resident_memory_of_the_jvm_has_the_rule_of_v8_and_its_heap_a_tolerance_of_its_own() {
    let jvm = |step: u64, heap: u64| {
        traces(Heap::Jvm, 1000, move |_, at| {
            let mut values = vec![(Metric::Anon, 50 * MIB + step * at)];
            if at.is_multiple_of(10) {
                values.push((Metric::Live, 4 * MIB + heap * at));
                values.push((Metric::External, MIB));
            }
            values
        })
    };
    let verdict = at_the_end(&jvm(4096, 0));
    assert_eq!(
        (verdict.kind, verdict.metric),
        (VerdictKind::Inconclusive, Metric::Anon)
    );
    let verdict = at_the_end(&jvm(100 << 12, 0));
    assert_eq!(
        (verdict.kind, verdict.metric),
        (VerdictKind::Leak, Metric::Anon)
    );
    let notes = at_the_end(&jvm(0, 24)).notes;
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(at_the_end(&jvm(0, 24)).kind, VerdictKind::Stable);
    assert_eq!(at_the_end(&jvm(0, 40)).kind, VerdictKind::Leak);
}

#[test]
fn class_metadata_of_the_jvm_leaks_beside_a_stable_heap() {
    let classes = traces(Heap::Jvm, 1000, |_, at| {
        let mut values = vec![(Metric::Anon, 50 * MIB)];
        if at.is_multiple_of(10) {
            values.push((Metric::Live, 4 * MIB));
            values.push((Metric::External, MIB + 1400 * at));
        }
        values
    });
    let verdict = at_the_end(&classes);
    assert_eq!(
        (verdict.kind, verdict.metric),
        (VerdictKind::Leak, Metric::External)
    );
}

#[test]
fn what_rubys_objects_do_not_own_is_judged_beside_its_heap() {
    let ruby = |native: u64| {
        let mut all = traces(Heap::Ruby, 1000, |_, at| {
            vec![
                (Metric::Live, MIB),
                (Metric::Native, MIB + native * at),
                (Metric::Anon, 4 * MIB),
            ]
        });
        for trace in &mut all {
            trace.header.live_complete = true;
        }
        all
    };
    assert_eq!(run(&ruby(0), 1000).0.kind, VerdictKind::Stable);
    let verdict = at_the_end(&ruby(16));
    assert_eq!(
        (verdict.kind, verdict.metric),
        (VerdictKind::Leak, Metric::Native)
    );
}

#[test]
fn the_heaps_of_ruby_php_and_lua_are_exact_and_unproven_without_collections() {
    for heap in [Heap::Ruby, Heap::Php, Heap::Lua] {
        let mut leak = traces(heap, 1000, |_, at| {
            vec![(Metric::Live, MIB + 8 * at), (Metric::Anon, 4 * MIB)]
        });
        assert_eq!(at_the_end(&leak).kind, VerdictKind::Leak, "{heap:?}");
        for trace in &mut leak {
            trace.header.collected = false;
        }
        let verdict = at_the_end(&leak);
        assert_eq!(verdict.kind, VerdictKind::Inconclusive, "{heap:?}");
    }
}

#[test]
fn a_strided_heap_has_slopes_by_iteration() {
    let v8 = traces(Heap::V8, 1000, |_, at| {
        if at.is_multiple_of(10) {
            vec![(Metric::Live, 4 * MIB + 500 * at)]
        } else {
            Vec::new()
        }
    });
    let verdict = at_the_end(&v8);
    assert_eq!(verdict.kind, VerdictKind::Leak);
    assert!((verdict.slope.estimate - 500.0).abs() < 1e-6);
    assert_eq!(verdict.iterations, 1000);
}

#[test]
fn one_named_metric_decides_alone() {
    let both = traces(Heap::Malloc, 1000, |_, at| {
        vec![(Metric::Live, MIB), (Metric::Anon, 5 * MIB + 8192 * at)]
    });
    let refs: Vec<&Trace> = both.iter().collect();
    let policy = Policy {
        only: Some(Metric::Live),
        ..Policy::default()
    };
    let Decision::Decided(verdict) = look(&refs, 1000, true, &policy) else {
        panic!("the last look decides")
    };
    assert_eq!(verdict.kind, VerdictKind::Stable);
    assert_eq!(verdict.findings.len(), 1);
}

#[test]
fn nothing_to_judge_is_inconclusive_and_says_what_is_missing() {
    let short = traces(Heap::None, 10, |_, _| vec![(Metric::Anon, MIB)]);
    for traces in [&short[..], &[]] {
        let verdict = at_the_end(traces);
        assert_eq!(verdict.kind, VerdictKind::Inconclusive);
        assert!(verdict.remedy.unwrap().contains("anon has too few samples"));
    }
}

#[test]
fn a_tolerance_of_the_case_replaces_the_default() {
    let slow = traces(Heap::Cpython, 1000, |_, at| {
        vec![(Metric::Live, MIB + 24 * at)]
    });
    let refs: Vec<&Trace> = slow.iter().collect();
    assert_eq!(judge(&refs).kind, VerdictKind::Leak);
    let policy = Policy {
        tolerances: [(Metric::Live, 64.0)].into(),
        ..Policy::default()
    };
    let Decision::Decided(verdict) = look(&refs, 1000, true, &policy) else {
        panic!("the last look decides")
    };
    assert_eq!(verdict.findings[0].status, Status::Stable);
    assert_eq!(verdict.kind, VerdictKind::Stable);
    assert_eq!(verdict.shape.0, "drift below the tolerance");
}
