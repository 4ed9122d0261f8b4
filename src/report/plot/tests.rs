//! Scenes in their numbers.

use super::{Along, Form, PlotError, Quantity, Run, Scene, Screen, Wish, scene, whole};
use crate::analysis::judge;
use crate::report::VerdictReport;
use crate::trace::{CaseLimits, Driver, Ending, Header, Heap, Metric, StopReason, Trace};

fn trace(process: u32, samples: impl IntoIterator<Item = (u64, u64)>) -> Trace {
    let mut trace = Trace::new(Header {
        case: "a/case".to_owned(),
        process,
        heap: Heap::default(),
        live_complete: true,
        collected: true,
        anon_granularity: 4096,
        ..Header::default()
    });
    for (at, value) in samples {
        trace.push(Metric::Live, at, value);
    }
    trace
}

/// Level at 1 MB up to iteration 200, then 1,000 bytes an iteration.
fn late(process: u32) -> Trace {
    trace(
        process,
        (0..=1_000).map(|i: u64| (i, 1_000_000 + 1_000 * i.saturating_sub(200))),
    )
}

fn run<'a>(name: &str, traces: &[&'a Trace]) -> Run<'a> {
    Run {
        name: name.to_owned(),
        traces: traces.to_vec(),
        verdict: VerdictReport::new(&judge(traces), traces),
    }
}

fn of(traces: &[&Trace]) -> Scene {
    scene(&[run("a/case", traces)], &Wish::default()).unwrap()
}

#[test]
fn a_leak_that_began_late_is_told_in_its_numbers() {
    let (one, two) = (late(1), late(2));
    let scene = of(&[&one, &two]);
    assert_eq!(scene.curves.len(), 2);
    assert_eq!(scene.curves[1].points[300], (300.0, 1_100_000.0));
    let fit = &scene.fits[0];
    assert!((fit.slope - 1_000.0).abs() < 1e-6, "{fit:?}");
    let began = scene.moments[0].at;
    assert!((began - 200.0).abs() <= 16.0, "{began}");
    assert_eq!(
        fit.reach,
        (began.max(scene.cut.as_ref().unwrap().at), 1_000.0)
    );
    let end = fit.at(1_000.0, fit.slope);
    assert!((end - 1_800_000.0).abs() < 2_000.0, "{end}");
    let (low, high) = fit.interval.unwrap();
    assert!(low <= fit.slope && fit.slope <= high);
    assert!(scene.y.low < 1_000_000.0 && scene.y.high > 1_800_000.0);
}

#[test]
fn a_scene_is_told_in_sentences_with_all_its_numbers() {
    let (one, two) = (late(1), late(2));
    let expected = "\
leak: +1000 B/iter (95% CI 1000 to 1000)
2 processes · 1,000 iterations
process 1: 1,001 readings of live heap, 977 KiB at iteration 0, 1.72 MiB at iteration 1,000, the most 1.72 MiB at iteration 1,000.
process 2: 1,001 readings of live heap, 977 KiB at iteration 0, 1.72 MiB at iteration 1,000, the most 1.72 MiB at iteration 1,000.
fit +1000 B/iter (95% CI 1000 to 1000), from iteration 199 to iteration 1,000.
judged from iteration 100.
growth began: iteration 199.
";
    assert_eq!(of(&[&one, &two]).told(), expected);
}

#[test]
fn growth_below_the_tolerance_looks_like_none() {
    let still = trace(1, (0..=300).map(|i| (i, 1_000_000 + (i % 3) * 16)));
    let scene = of(&[&still]);
    let range = scene.y.high - scene.y.low;
    assert!(range > 300.0 * 4.0, "{range}");
    assert_eq!(scene.moments, []);
}

#[test]
fn limits_in_reach_are_drawn_and_those_out_of_reach_are_not() {
    let mut one = late(1);
    one.ending = Some(Ending {
        reason: StopReason::Died,
        exit: "signal 9".to_owned(),
        iterations: 1_000,
        limits: CaseLimits {
            memory: Some(2_000_000),
            peak: Some(1 << 40),
        },
        ..Ending::default()
    });
    let scene = of(&[&one]);
    let limits: Vec<f64> = scene.limits.iter().map(|limit| limit.at).collect();
    assert_eq!(limits, [2_000_000.0]);
    assert!(scene.y.high > 2_000_000.0);
    assert_eq!(scene.notes[0].at, (1_000.0, 1_800_000.0));
    assert_eq!(scene.notes[0].text, "process 1 died: signal 9");
}

#[test]
fn the_processes_of_a_ramp_are_points_of_one_curve() {
    let mut all: Vec<Trace> = Vec::new();
    for count in [30, 10, 20] {
        let mut one = trace(count as u32, []);
        one.header.driver = Driver::Ramp;
        one.push(Metric::Anon, count, 4096 * count);
        all.push(one);
    }
    let scene = of(&all.iter().collect::<Vec<_>>());
    assert_eq!(scene.curves[0].form, Form::Points);
    let x: Vec<f64> = scene.curves[0].points.iter().map(|point| point.0).collect();
    assert_eq!(x, [10.0, 20.0, 30.0]);
}

#[test]
fn iterations_are_drawn_over_time_by_their_mean() {
    let mut one = late(1);
    let wish = Wish {
        along: Some(Along::Time),
        ..Wish::default()
    };
    let refused = scene(&[run("a", &[&one])], &wish);
    assert_eq!(refused, Err(PlotError::NoTime("a".to_owned())));
    one.ending = Some(Ending {
        micros: 2_000_000,
        iterations: 1_000,
        ..Ending::default()
    });
    let scene = scene(&[run("a", &[&one])], &wish).unwrap();
    assert_eq!(scene.x.quantity, Quantity::Milliseconds);
    assert_eq!(scene.curves[0].points.last(), Some(&(2_000.0, 1_800_000.0)));
    assert!((scene.fits[0].slope - 500.0).abs() < 1e-6);
}

#[test]
fn several_runs_share_the_axes_and_a_metric_that_all_have() {
    let (one, mut two) = (late(1), trace(1, [(0, 5_000_000)]));
    two.push(Metric::Anon, 0, 7);
    let scene = scene(&[run("a", &[&one]), run("b", &[&two])], &Wish::default()).unwrap();
    let names: Vec<_> = scene
        .curves
        .iter()
        .map(|curve| curve.name.as_deref())
        .collect();
    assert_eq!(names, [Some("a"), Some("b")]);
    assert_eq!(scene.title, "live heap of 2 runs");
    assert!(scene.y.high > 5_000_000.0 && scene.y.low < 1_000_000.0);
    let wish = Wish {
        metric: Some(Metric::Anon),
        ..Wish::default()
    };
    let refused = super::scene(&[run("a", &[&one]), run("b", &[&two])], &wish);
    let expected = "`a` has no readings of `anon`; it has: live";
    assert_eq!(refused.unwrap_err().to_string(), expected);
}

#[test]
fn no_line_is_wider_than_a_narrow_terminal() {
    let one = late(1);
    let scene = of(&[&one]);
    for (width, unicode) in [(19, true), (19, false), (30, true), (79, false)] {
        let screen = Screen {
            width,
            height: 8,
            unicode,
            colour: false,
        };
        for line in whole(&scene, screen).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}
