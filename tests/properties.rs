//! What the rule must not depend on: where memory starts, the unit it is counted in, the order of the processes.

mod sim;

use memcase::analysis::describe::describe;
use memcase::analysis::rule::{Call, LEAST_SAMPLES, Panel, Route, Scale};
use sim::{Counter, LEAKS, OTHERS, Rng, Size, generate};

const SCALE: Scale = Scale {
    tolerance: 32.0,
    granularity: 4096.0,
};

fn call(traces: &[Vec<f64>], scale: Scale) -> Call {
    let slices: Vec<&[f64]> = traces.iter().map(Vec::as_slice).collect();
    Panel::new(&slices, scale)
        .expect("there are enough samples")
        .call(true)
}

/// One case of every shape, for both counters.
fn cases() -> impl Iterator<Item = (&'static str, Scale, Vec<Vec<f64>>)> {
    let mut rng = Rng::new(7);
    let both = [Counter::Resident, Counter::Heap];
    let shapes = OTHERS.into_iter().chain(LEAKS);
    shapes
        .flat_map(move |shape| both.map(|counter| (shape, counter)))
        .map(move |(shape, counter)| {
            let size = Size {
                processes: 3,
                iterations: 700,
                counter,
                warm: 0.6,
            };
            let scale = Scale {
                tolerance: counter.tolerance(),
                granularity: counter.granularity(),
            };
            (shape, scale, generate(shape, size, 1500.0, &mut rng))
        })
}

#[test]
fn memory_that_was_there_before_changes_nothing() {
    for (shape, scale, traces) in cases() {
        let shifted: Vec<Vec<f64>> = traces
            .iter()
            .map(|y| y.iter().map(|v| v + 12_345.0 * 4096.0).collect())
            .collect();
        assert_eq!(call(&traces, scale), call(&shifted, scale), "{shape}");
    }
}

#[test]
fn counting_in_larger_units_changes_nothing() {
    for (shape, scale, traces) in cases() {
        let scaled = Scale {
            tolerance: scale.tolerance / 1024.0,
            granularity: scale.granularity / 1024.0,
        };
        let kib: Vec<Vec<f64>> = traces
            .iter()
            .map(|y| y.iter().map(|v| v / 1024.0).collect())
            .collect();
        assert_eq!(call(&traces, scale), call(&kib, scaled), "{shape}");
    }
}

#[test]
fn the_order_of_the_processes_changes_only_their_numbers() {
    for (shape, scale, traces) in cases() {
        let turned: Vec<Vec<f64>> = [2, 0, 1].map(|k: usize| traces[k].clone()).into();
        let back = |k: usize| [2, 0, 1][k];
        let expected = call(&traces, scale);
        let got = match call(&turned, scale) {
            Call::Leak {
                route,
                tail,
                processes,
            } => {
                let mut processes: Vec<usize> = processes.into_iter().map(back).collect();
                processes.sort_unstable();
                Call::Leak {
                    route,
                    tail,
                    processes,
                }
            }
            other => other,
        };
        assert_eq!(got, expected, "{shape}");
    }
}

#[test]
fn samples_beyond_the_shortest_process_are_not_looked_at() {
    for (shape, scale, mut traces) in cases() {
        let expected = call(&traces, scale);
        traces[1].extend([9e12; 50]);
        assert_eq!(call(&traces, scale), expected, "{shape}");
    }
}

fn line(n: u32, slope: f64) -> Vec<f64> {
    (1..=n)
        .map(|i| ((1e8 + slope * f64::from(i)) / 4096.0).floor() * 4096.0)
        .collect()
}

#[test]
fn a_straight_leak_in_most_processes_is_found_by_route_a_with_its_slope() {
    let traces = [line(1000, 1024.0), line(1000, 1024.0), line(1000, 1024.0)];
    let slices: Vec<&[f64]> = traces.iter().map(Vec::as_slice).collect();
    let panel = Panel::new(&slices, SCALE).expect("there are enough samples");
    let call = panel.call(true);
    assert!(
        matches!(&call, Call::Leak { route: Route::Majority, processes, .. } if processes == &[0, 1, 2])
    );
    let found = describe(&panel, &call);
    assert!((found.slope.estimate - 1024.0).abs() < 10.0, "{found:?}");
    assert!(found.slope.low < 1024.0 && 1024.0 < found.slope.high);
    assert_eq!(found.shape, "linear");
}

#[test]
fn a_leak_in_one_process_of_three_is_found_by_route_b() {
    let traces = [line(1000, 0.0), line(1000, 1024.0), line(1000, 0.0)];
    let expected = Call::Leak {
        route: Route::Alone,
        tail: 0,
        processes: vec![1],
    };
    assert_eq!(call(&traces, SCALE), expected);
}

#[test]
fn a_table_that_doubles_without_bound_is_found_by_route_c() {
    let vector = |n: u32| -> Vec<f64> {
        (1..=n)
            .map(|i| 1e8 + 1024.0 * f64::from(i.next_power_of_two()))
            .collect()
    };
    let traces = [vector(1400), vector(1400), vector(1400)];
    assert!(matches!(
        call(&traces, SCALE),
        Call::Leak {
            route: Route::Doubling,
            ..
        }
    ));
}

#[test]
fn a_fill_that_ends_before_sixty_percent_of_the_run_is_never_a_leak() {
    for end in (50..600).step_by(10) {
        let fill: Vec<f64> = (0..1000)
            .map(|i| 1e8 + 4096.0 * f64::from(i.min(end)))
            .collect();
        let got = call(&[fill.clone(), fill.clone(), fill], SCALE);
        assert!(!matches!(got, Call::Leak { .. }), "ends at {end}: {got:?}");
    }
}

#[test]
fn a_leak_of_twice_the_tolerance_is_never_stable() {
    for n in [240, 480, 960, 1700] {
        let traces = [line(n, 64.0), line(n, 64.0), line(n, 64.0)];
        let got = call(&traces, SCALE);
        assert!(!matches!(got, Call::Stable { .. }), "{n}: {got:?}");
    }
}

#[test]
fn too_few_samples_or_no_process_cannot_be_judged() {
    let short = vec![1.0; LEAST_SAMPLES - 1];
    assert!(Panel::new(&[&short], SCALE).is_none());
    assert!(Panel::new(&[], SCALE).is_none());
    let enough = vec![1.0; LEAST_SAMPLES];
    assert!(Panel::new(&[&enough], SCALE).is_some());
}
