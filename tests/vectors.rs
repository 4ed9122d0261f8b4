//! The decision procedure against recorded cases with known answers, to 1e-9.
//!
//! `fixtures/vectors.json` was made by an independent implementation (Python, NumPy).

#![expect(clippy::unwrap_used, reason = "a malformed fixture fails the test")]

use std::path::Path;

use memcase::analysis::describe::{describe, detection_limit};
use memcase::analysis::rule::{Call, Panel, Route, Scale};
use memcase::stats::{Change, student_upper, welch};
use serde_json::Value;

fn vectors() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq() || (a - b).abs() <= 1e-9 * 1f64.max(a.abs()).max(b.abs())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// Each trace is its first value and runs of equal differences, in units.
fn samples(case: &Value) -> Vec<Vec<f64>> {
    let unit = number(&case["unit"]);
    let traces: Vec<Vec<f64>> = case["first_and_delta_rle"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| {
            let mut value = number(&trace[0]);
            let mut series = vec![value * unit];
            for run in trace[1].as_array().unwrap() {
                for _ in 0..run[1].as_u64().unwrap() {
                    value += number(&run[0]);
                    series.push(value * unit);
                }
            }
            series
        })
        .collect();
    assert_eq!(traces.len() as u64, case["K"].as_u64().unwrap());
    for trace in &traces {
        assert_eq!(trace.len() as u64, case["N"].as_u64().unwrap());
    }
    traces
}

/// The looks in order, until one decides.
fn decide<'a>(
    traces: &'a [Vec<f64>],
    looks: &[usize],
    leak_from: usize,
    scale: Scale,
) -> (Call, usize, Panel<'a>) {
    let horizon = traces[0].len();
    let looks = looks.iter().copied().filter(|&look| look < horizon);
    for n in looks.chain([horizon]) {
        let cut: Vec<&[f64]> = traces.iter().map(|y| &y[..n]).collect();
        let panel = Panel::new(&cut, scale).unwrap();
        let call = panel.call(n >= leak_from || n == horizon);
        if call != Call::Undecided || n == horizon {
            return (call, n, panel);
        }
    }
    unreachable!("the last look is the horizon")
}

fn code(call: &Call) -> u64 {
    match call {
        Call::Undecided => 0,
        Call::Leak { route, .. } => match route {
            Route::Majority => 1,
            Route::Alone => 2,
            Route::Doubling => 3,
        },
        Call::Stable { stepped: true, .. } => 8,
        Call::Stable { stepped: false, .. } => 9,
    }
}

fn check(case: &Value) -> Vec<String> {
    let traces = samples(case);
    let scale = match case["metric"].as_str().unwrap() {
        "heap" => Scale {
            tolerance: 4.0,
            granularity: 16.0,
        },
        _ => Scale {
            tolerance: 32.0,
            granularity: 4096.0,
        },
    };
    let looks: Vec<usize> = floats(&case["looks"]).iter().map(|&x| x as usize).collect();
    let leak_from = case["n_leak"].as_u64().unwrap() as usize;
    let (call, n, panel) = decide(&traces, &looks, leak_from, scale);
    let got = describe(&panel, &call);
    let verdict = match call {
        Call::Leak { .. } => "LEAK",
        Call::Stable { .. } if got.spiky => "SPIKE",
        Call::Stable { .. } => "STABLE",
        Call::Undecided => "INCONCLUSIVE",
    };
    let leaking = match &call {
        Call::Leak { processes, .. } => processes.clone(),
        _ => Vec::new(),
    };
    let mut wrong = Vec::new();
    for (key, expected) in case["expect"].as_object().unwrap() {
        let same = |x: f64| close(x, number(expected));
        let all = |x: &[f64]| {
            let expected = floats(expected);
            x.len() == expected.len() && x.iter().zip(&expected).all(|(a, b)| close(*a, *b))
        };
        let ok = match key.as_str() {
            "code" => expected.as_u64() == Some(code(&call)),
            "n" => same(n as f64),
            "K" => same(panel.processes() as f64),
            "tail_start" => same(got.tail_start as f64),
            "B" => same(got.blocks as f64),
            "L" => same(got.length as f64),
            "q" => same(got.quantile),
            "leaking" => all(&leaking.iter().map(|&k| k as f64).collect::<Vec<_>>()),
            "slope" => same(got.slope.estimate),
            "ci" => all(&[got.slope.low, got.slope.high]),
            "slopes" => all(&got.slopes),
            "r2" => same(got.r2),
            "se_within" => same(got.se_within),
            "peak_over_base" => same(got.peak_over_base),
            "spikes" => same(got.spikes as f64),
            "excluded_above" => got.excluded_above.is_some_and(same),
            "mds" => same(detection_limit(&panel)),
            "verdict" => expected.as_str() == Some(verdict),
            "shape" => expected.as_str() == Some(&got.shape),
            other => panic!("the vectors have a key that is not compared: {other}"),
        };
        if !ok {
            wrong.push(format!(
                "{} {key}: expected {expected}, got {got:?}",
                case["name"]
            ));
        }
    }
    wrong
}

#[test]
fn every_recorded_case_is_decided_and_described_as_by_the_reference() {
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 46);
    let wrong: Vec<String> = cases.iter().flat_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn students_quantiles_agree_with_the_reference() {
    let vectors = vectors();
    let quantiles = vectors["t_quantiles"].as_array().unwrap();
    assert_eq!(quantiles.len(), 70);
    for q in quantiles {
        let got = student_upper(number(&q["alpha"]), number(&q["df"]));
        assert!(close(got, number(&q["t"])), "{q}: {got}");
    }
}

#[test]
fn comparisons_of_two_runs_agree_with_the_reference() {
    let vectors = vectors();
    let comparisons = vectors["compare"].as_array().unwrap();
    assert_eq!(comparisons.len(), 5);
    for c in comparisons {
        let (b0, b1) = (floats(&c["b0"]), floats(&c["b1"]));
        let got = welch(&b0, number(&c["se0"]), &b1, number(&c["se1"])).unwrap();
        for (key, value) in [
            ("diff", got.difference),
            ("lo", got.low),
            ("hi", got.high),
            ("df", got.df),
        ] {
            assert!(close(value, number(&c[key])), "{key} of {c}: {got:?}");
        }
        let change = match got.change(number(&c["tau"])) {
            Change::Higher => "REGRESSION",
            Change::Lower => "IMPROVEMENT",
            Change::Equivalent => "UNCHANGED",
            Change::Unclear => "INCONCLUSIVE",
        };
        assert_eq!(c["verdict"].as_str(), Some(change), "{c}");
    }
}
