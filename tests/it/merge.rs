//! `memcase merge`: runs on several machines are one run.

use std::fs;

use serde_json::Value;

use crate::support::{Ended, LEAK, NO_INTERPRETER, Project, STABLE, TOO_SHORT};

fn project() -> Project {
    Project::new(&[
        ("a/leak", &format!("{LEAK}expect: leak\n")),
        ("a/stable", STABLE),
        ("b/short", TOO_SHORT),
        ("c/broken", NO_INTERPRETER),
        ("d/failed", LEAK),
    ])
}

/// Runs one folder of cases as a machine of its own would, and returns its exit code.
fn run_part(project: &Project, part: &str) -> Option<i32> {
    let report = format!("json={part}.jsonl");
    let ended = project
        .command(&["run", &format!("cases/{part}"), "--report", &report])
        .env("MEMCASE_DIR", format!("kept-{part}"))
        .output()
        .unwrap();
    Ended::of(ended).code
}

fn cases(events: &[Value]) -> Vec<&Value> {
    events
        .iter()
        .filter(|event| event["type"] == "case")
        .collect()
}

/// Id and outcome of each case, in order.
fn outcomes(events: &[Value]) -> Vec<(String, String)> {
    let text = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    let mut outcomes: Vec<_> = cases(events)
        .into_iter()
        .map(|case| (text(case, "id"), text(case, "outcome")))
        .collect();
    outcomes.sort();
    outcomes
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn merge(project: &Project, parts: &[&str]) -> Ended {
    project.memcase(&[&["merge", "--format", "json"], parts].concat())
}

#[test]
fn parts_that_are_merged_equal_one_run_in_outcomes_and_exit_code() {
    let project = project();
    let single = project.memcase(&["run", "--format", "json"]);
    let codes = ["a", "b", "c", "d"].map(|part| run_part(&project, part));
    assert_eq!(codes, [Some(0), Some(3), Some(5), Some(1)]);
    let folders = ["kept-a", "kept-b", "kept-c", "kept-d"];
    let files = ["a.jsonl", "b.jsonl", "c.jsonl", "d.jsonl"];
    for parts in [folders, files] {
        let merged = merge(&project, &parts);
        assert_eq!(outcomes(&merged.json()), outcomes(&single.json()));
        assert_eq!(merged.code, single.code);
        assert_eq!(merged.err, "");
        for (some, code) in [(1, 0), (2, 3), (3, 5)] {
            assert_eq!(merge(&project, &parts[..some]).code, Some(code), "{some}");
        }
        let last = merged.json().pop().unwrap();
        let counts = ["passed", "failed", "inconclusive", "broken"].map(|key| last[key].as_u64());
        assert_eq!(counts, [Some(2), Some(1), Some(1), Some(1)]);
    }
    // Nothing of a case is lost or rounded on the way.
    let merged = merge(&project, &files).json();
    let measured: String = files.map(|file| project.read(file)).concat();
    let measured = lines(&measured);
    let mut measured = cases(&measured);
    measured.sort_by_key(|case| case["id"].to_string());
    assert_eq!(cases(&merged), measured);
}

#[test]
fn a_merged_run_is_shown_and_reported_as_one() {
    let project = project();
    run_part(&project, "a");
    run_part(&project, "d");
    let junit = ["--report", "junit=all.xml"];
    let merged = project.memcase(&[&["merge", "kept-a", "kept-d"], &junit[..]].concat());
    assert_eq!(merged.code, Some(1), "{merged:?}");
    assert!(
        merged.line("a/leak").contains("leak as claimed"),
        "{}",
        merged.out
    );
    assert!(merged.line("d/failed").contains("FAILED"), "{}", merged.out);
    // The traces are where the results were found.
    assert!(
        merged.out.contains("traces    kept-d/d/failed"),
        "{}",
        merged.out
    );
    assert!(
        merged
            .out
            .contains("test result: FAILED. 2 passed; 1 failed;")
    );
    assert!(
        project
            .read("all.xml")
            .contains("tests=\"3\" failures=\"1\" errors=\"0\"")
    );
    // A folder of which the run is not known has the results of its cases.
    fs::remove_file(project.path().join("kept-d/run.jsonl")).unwrap();
    let merged = merge(&project, &["kept-a", "kept-d"]);
    assert_eq!((merged.code, outcomes(&merged.json()).len()), (Some(1), 3));
}

#[test]
fn of_two_that_disagree_the_worse_counts_in_either_order() {
    let project = project();
    run_part(&project, "d");
    let failed = project.read("d.jsonl");
    let passed = failed
        .replace(r#""outcome":"failed""#, r#""outcome":"passed""#)
        .replace(r#""exit_code":1"#, r#""exit_code":0"#)
        .replace(r#""memcase":""#, r#""memcase":"0.0."#);
    project.write("other.jsonl", &passed);
    assert_eq!(merge(&project, &["other.jsonl"]).code, Some(0));
    for parts in [["d.jsonl", "other.jsonl"], ["other.jsonl", "d.jsonl"]] {
        let merged = merge(&project, &parts);
        assert_eq!(merged.code, Some(1), "{merged:?}");
        assert_eq!(
            outcomes(&merged.json()),
            [("d/failed".into(), "failed".into())]
        );
        assert!(merged.err.contains("it counts as failed"), "{}", merged.err);
        assert!(merged.err.contains("different versions"), "{}", merged.err);
    }
    let alike = merge(&project, &["d.jsonl", "d.jsonl"]);
    assert!(alike.err.contains("the latter counts"), "{}", alike.err);
}

#[test]
fn what_a_killed_run_did_not_measure_is_not_as_claimed() {
    let project = project();
    run_part(&project, "a");
    let whole = project.read("a.jsonl");
    let kept: Vec<&str> = whole
        .lines()
        .filter(|line| line.contains("run-started") || line.contains(r#""id":"a/stable""#))
        .filter(|line| line.contains("run-started") || line.contains(r#""type":"case""#))
        .collect();
    project.write(
        "killed.jsonl",
        &format!("{}\n{{\"type\":\"ca", kept.join("\n")),
    );
    let merged = merge(&project, &["killed.jsonl"]);
    assert_eq!(merged.code, Some(130), "{merged:?}");
    let expected = [("a/leak", "skipped"), ("a/stable", "passed")];
    let expected = expected.map(|(id, outcome)| (id.to_owned(), outcome.to_owned()));
    assert_eq!(outcomes(&merged.json()), expected);
    // Measured by another, it is whole.
    let merged = merge(&project, &["killed.jsonl", "kept-a"]);
    assert_eq!(merged.code, Some(0), "{merged:?}");
}

#[test]
fn results_of_an_earlier_run_in_a_folder_are_left_out_and_told_of() {
    let project = project();
    for part in ["cases/d", "cases/a"] {
        project.memcase(&["run", part]);
    }
    let merged = merge(&project, &[".memcase"]);
    assert_eq!((merged.code, outcomes(&merged.json()).len()), (Some(0), 2));
    assert!(
        merged.err.contains("earlier runs were left out: 1"),
        "{}",
        merged.err
    );
}

#[test]
fn what_holds_no_results_is_refused_by_name() {
    let project = Project::new(&[]);
    project.write("empty/file", "");
    project.write("nonsense.jsonl", "nonsense\n");
    project.write(
        "headless.jsonl",
        "{\"version\":1,\"type\":\"run-started\"}\n",
    );
    for (path, says) in [
        ("nowhere", "can not be read"),
        ("empty", "holds no results"),
        ("empty/file", "holds no results"),
        ("nonsense.jsonl", "line 1: it is not JSON"),
        (
            "headless.jsonl",
            "line 1: its event `run-started` is not complete",
        ),
    ] {
        let ended = project.memcase(&["merge", path]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(
            ended.err.contains(path) && ended.err.contains(says),
            "{}",
            ended.err
        );
    }
}

#[test]
fn a_part_of_a_partition_that_is_missing_is_told_and_is_not_as_claimed() {
    let project = Project::new(&[("a", STABLE), ("b", STABLE), ("c", STABLE)]);
    for part in ["1", "2"] {
        let partition = format!("slice:{part}/2");
        let report = format!("json={part}.jsonl");
        let ended = project.memcase(&["run", "--partition", &partition, "--report", &report]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let whole = merge(&project, &["1.jsonl", "2.jsonl"]);
    assert_eq!((whole.code, whole.err.as_str()), (Some(0), ""), "{whole:?}");
    let last = whole.json().pop().unwrap();
    assert_eq!(
        (&last["passed"], &last["filtered_out"]),
        (&3.into(), &0.into())
    );
    let half = merge(&project, &["1.jsonl"]);
    assert_eq!(half.code, Some(5), "{half:?}");
    assert!(half.err.contains("`slice:2/2` is missing"), "{}", half.err);
}
