//! `--format json`, `result.json` and `judge`: three tellings of one verdict.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{CRASH, LEAK, Project, SPIKE, STABLE, TOO_SHORT};

const TOLD: [&str; 22] = [
    "type",
    "version",
    "id",
    "outcome",
    "verdict",
    "expected",
    "shape",
    "metric",
    "slope",
    "detection_limit",
    "iterations",
    "processes",
    "seconds",
    "reason",
    "file",
    "line",
    "tags",
    "findings",
    "notes",
    "traces",
    "baseline",
    "fit",
];

fn of_type<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["type"] == kind)
        .collect()
}

#[test]
fn events_results_and_judgements_agree() {
    let project = Project::new(&[
        ("leak", LEAK),
        ("fast", &LEAK.replace("measure: {iterations: 240}", "")),
        ("stable", STABLE),
        ("spike", SPIKE),
        ("short", TOO_SHORT),
    ]);
    let events = project.memcase(&["run", "--format", "json"]).json();
    assert_eq!(events[0]["type"], "run-started");
    assert_eq!(events[0]["version"], 1);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "run-finished");
    assert_eq!(last["exit_code"], 1);
    let cases = of_type(&events, "case");
    assert_eq!(cases.len(), 5);
    for case in cases {
        let id = case["id"].as_str().unwrap();
        for key in TOLD {
            assert!(case.get(key).is_some(), "{id} has no `{key}`");
        }
        let result: Value =
            serde_json::from_str(&project.read(&format!(".memcase/{id}/result.json"))).unwrap();
        assert_eq!(case, &result);
        let folder = format!(".memcase/{id}");
        let judged = project
            .memcase(&["judge", &folder, "--format", "json"])
            .json();
        for key in [
            "verdict",
            "shape",
            "metric",
            "slope",
            "detection_limit",
            "iterations",
        ] {
            assert_eq!(judged[0][key], case[key], "{id}: {key}");
        }
        assert_eq!(judged[0]["findings"], case["findings"]);
    }
    let verdict = |id: &str| {
        of_type(&events, "case")
            .into_iter()
            .find(|case| case["id"] == id)
            .map(|case| (case["verdict"].clone(), case["outcome"].clone()))
            .unwrap()
    };
    assert_eq!(verdict("leak"), ("leak".into(), "failed".into()));
    assert_eq!(verdict("fast"), ("leak".into(), "failed".into()));
    assert_eq!(verdict("spike"), ("spike".into(), "passed".into()));
    assert_eq!(verdict("stable"), ("stable".into(), "passed".into()));
    assert_eq!(
        verdict("short"),
        ("inconclusive".into(), "inconclusive".into())
    );
}

#[test]
fn a_broken_case_has_no_verdict_and_keeps_its_samples() {
    let project = Project::new(&[("crash", CRASH)]);
    let events = project.memcase(&["run", "--format", "json"]).json();
    let case = of_type(&events, "case")[0];
    assert_eq!(case["outcome"], "broken");
    assert_eq!(case["verdict"], Value::Null);
    assert_eq!(case["slope"], Value::Null);
    assert_eq!(case["iterations"], 10);
    assert!(
        case["output"]
            .as_str()
            .unwrap()
            .contains("ValueError: no more")
    );
    let trace = project.read(".memcase/crash/trace-1.jsonl");
    assert!(trace.contains("\"i\":10,"), "{trace}");
    assert!(trace.contains("\"reason\":\"died\""), "{trace}");
}

#[test]
fn an_interrupt_keeps_what_was_measured_and_has_its_exit_code() {
    let endless = "
target:
  language: python
  run: |
    pass
measure: {iterations: 100000000, time: 10 min}
";
    let project = Project::new(&[("a", endless), ("b", STABLE)]);
    let mut child = project
        .command(&["run", "-j1", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let looked = |line: &String| line.contains("case-progress");
    assert!(
        lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| looked(&line))
    );
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let rest: Vec<Value> = lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let cases = of_type(&rest, "case");
    let outcome = |k: usize| (cases[k]["id"].as_str(), cases[k]["outcome"].as_str());
    assert_eq!(outcome(0), (Some("a"), Some("skipped")));
    assert_eq!(outcome(1), (Some("b"), Some("skipped")));
    assert_eq!(cases[0]["reason"], "interrupted");
    assert_eq!(rest.last().unwrap()["interrupted"], true);
    let traces = cases[0]["traces"].as_array().unwrap();
    assert_eq!(traces.len(), 3);
    let judged = project.memcase(&["judge", ".memcase/a", "--format", "json"]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
}

#[test]
fn listed_cases_are_json_too() {
    let project = Project::new(&[("a", &format!("tags: [x, y]\n{LEAK}expect: leak\n"))]);
    let listed = project.memcase(&["list", "--format", "json"]).json();
    assert_eq!(listed[0]["id"], "a");
    assert_eq!(listed[0]["expected"], "leak");
    assert_eq!(listed[0]["tags"], serde_json::json!(["x", "y"]));
    assert_eq!(listed[0]["language"], "python");
}

#[test]
fn what_is_not_a_trace_is_refused_by_name() {
    let project = Project::new(&[]);
    project.write("x.jsonl", "nonsense\n");
    for path in ["x.jsonl", "gone.jsonl", "."] {
        let ended = project.memcase(&["judge", path]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(path), "{}", ended.err);
    }
}
