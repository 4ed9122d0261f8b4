//! When a run passes: retries, limits of failures, groups, ignored cases, and what is not decided.

use serde_json::Value;

use crate::support::{CRASH, Ended, LEAK, Project, STABLE, TOO_SHORT};

/// Breaks in the first process that ever runs, and never again.
const FLAKY: &str = "
target:
  language: shell
  setup: |
    [ -e seen ] || { touch seen; exit 3; }
  run: 'true'
measure: {iterations: 240, processes: 1}
limits: {slope: 1 KiB}
";

fn cases(ended: &Ended) -> Vec<Value> {
    let events = ended.json();
    let cases = events.into_iter().filter(|event| event["type"] == "case");
    cases.collect()
}

fn summary(ended: &Ended) -> Value {
    ended.json().pop().unwrap()
}

#[test]
fn a_case_that_fails_and_then_passes_is_flaky_and_counted_apart() {
    let project = Project::new(&[("a", FLAKY)]);
    let ended = project.memcase(&["run", "--retries", "2"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.out.contains("try 1 of 3 a ... BROKEN: "),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("try 2 of 3"), "{}", ended.out);
    assert!(
        ended.line("a").contains("... ok      flaky, try 2  stable"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("\nflaky: 1 (failed, and passed"),
        "{}",
        ended.out
    );

    std::fs::remove_file(project.path().join("cases/seen")).unwrap();
    let ended = project.memcase(&["run", "--retries", "2", "--format", "json"]);
    let case = &cases(&ended)[0];
    assert_eq!(
        (&case["outcome"], &case["flaky"]),
        (&"passed".into(), &true.into())
    );
    let attempts = case["attempts"].as_array().unwrap();
    let outcomes: Vec<&Value> = attempts.iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["broken", "passed"]);
    assert_eq!(
        (&summary(&ended)["passed"], &summary(&ended)["flaky"]),
        (&1.into(), &1.into())
    );
    let tried = ended.json();
    let tried = tried
        .iter()
        .find(|event| event["type"] == "case-tried")
        .unwrap();
    assert_eq!((&tried["attempt"], &tried["of"]), (&1.into(), &3.into()));
}

#[test]
fn a_case_that_never_passes_is_told_once_with_its_last_traces() {
    let project = Project::new(&[("a", LEAK)]);
    let ended = project.memcase(&["run", "--retries", "1", "--format", "json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let case = &cases(&ended)[0];
    assert_eq!(
        (&case["outcome"], &case["flaky"]),
        (&"failed".into(), &false.into())
    );
    assert_eq!(case["attempts"].as_array().unwrap().len(), 2);
    let kept: Value = serde_json::from_str(&project.read(".memcase/a/result.json")).unwrap();
    assert_eq!(kept["slope"], case["slope"]);
    let judged = project.memcase(&["judge", ".memcase/a", "--format", "json"]);
    assert_eq!(judged.json()[0]["slope"], case["slope"]);
}

#[test]
fn a_case_that_is_not_decided_is_not_tried_again() {
    let project = Project::new(&[("a", TOO_SHORT)]);
    let ended = project.memcase(&["run", "--retries", "3", "--format", "json"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(cases(&ended)[0]["attempts"], Value::Array(Vec::new()));
}

#[test]
fn what_is_not_decided_is_exit_3_or_passes_or_fails_and_is_always_counted() {
    let project = Project::new(&[("a", TOO_SHORT)]);
    for (arguments, code, below) in [
        (&["run"][..], 3, "all counted as failed below"),
        (
            &["run", "--inconclusive", "exit-3"],
            3,
            "all counted as failed below",
        ),
        (
            &["run", "--inconclusive", "fail"],
            1,
            "all counted as failed below",
        ),
        (
            &["run", "--inconclusive", "pass"],
            0,
            "the inconclusive counted as passed below",
        ),
    ] {
        let ended = project.memcase(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        let counts = format!("not as claimed: 0; inconclusive: 1; broken: 0 ({below}");
        assert!(ended.out.contains(&counts), "{arguments:?} {}", ended.out);
        assert!(
            ended.line("a").contains("... inconclusive"),
            "{}",
            ended.out
        );
    }
    project.write("memcase.toml", "[profile.ci]\ninconclusive = \"fail\"\n");
    assert_eq!(project.memcase(&["run", "-P", "ci"]).code, Some(1));
}

#[test]
fn a_run_ends_after_as_many_failures_as_it_may_have() {
    let project = Project::new(&[("a", CRASH), ("b", CRASH), ("c", STABLE), ("d", STABLE)]);
    let run = |arguments: &[&str]| {
        let mut all = vec!["run", "--format", "json", "-j", "1"];
        all.extend(arguments);
        let ended = project.memcase(&all);
        let outcomes = cases(&ended)
            .into_iter()
            .map(|case| case["outcome"].clone());
        let outcomes: Vec<String> = outcomes
            .map(|one| one.as_str().unwrap().to_owned())
            .collect();
        (ended.code, outcomes.join(" "))
    };
    let all = (Some(5), "broken broken passed passed".to_owned());
    let first = (Some(5), "broken skipped skipped skipped".to_owned());
    let second = (Some(5), "broken broken skipped skipped".to_owned());
    assert_eq!(run(&[]), all);
    assert_eq!(run(&["--fail-fast"]), first);
    assert_eq!(run(&["--max-fail", "1"]), first);
    assert_eq!(run(&["--max-fail", "2"]), second);
    assert_eq!(run(&["--max-fail", "2:immediate"]), second);
    assert_eq!(run(&["--fail-fast", "--no-fail-fast"]), all);
    assert_eq!(run(&["--fail-fast", "--max-fail", "2"]), second);
    project.write("memcase.toml", "[profile.default]\nfail-fast = true\n");
    assert_eq!(run(&[]), first);
    assert_eq!(run(&["--no-fail-fast"]), all);
}

#[test]
fn an_immediate_end_does_not_wait_for_what_is_being_measured() {
    // The second case has measured once when the first breaks, and would go on for minutes.
    let waits = "
target:
  language: shell
  setup: |
    until [ -e going ]; do sleep 0.01; done
    exit 3
  run: 'true'
measure: {iterations: 240, processes: 1}
";
    let goes = "
target: {command: [sh, -c, 'touch going; exec sleep 600']}
measure: {driver: clock, processes: 1, time: 10 min}
limits: {timeout: 10 min}
";
    let project = Project::new(&[("goes", goes), ("waits", waits)]);
    let ended = project.memcase(&[
        "run",
        "--format",
        "json",
        "-j",
        "2",
        "--max-fail",
        "1:immediate",
    ]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let goes = cases(&ended)
        .into_iter()
        .find(|case| case["id"] == "goes")
        .unwrap();
    assert_eq!(goes["outcome"], "skipped", "{goes}");
    assert_eq!(summary(&ended)["interrupted"], false);
}

#[test]
fn cases_of_a_group_do_not_run_at_the_same_time() {
    // A second one at the same time finds the folder there, and breaks.
    let alone = "
tags: [db]
target:
  language: shell
  setup: mkdir alone
  run: 'true'
  teardown: rmdir alone
measure: {iterations: 240, processes: 1}
limits: {slope: 1 KiB}
";
    let project = Project::new(&[("a", alone), ("b", alone), ("c", alone), ("d", STABLE)]);
    project.write(
        "memcase.toml",
        "[groups.db]\nmax-threads = 1\n\
         [[profile.default.overrides]]\nfilter = \"tag(db)\"\ngroup = \"db\"\n",
    );
    let ended = project.memcase(&["run", "-j", "4"]);
    assert_eq!(ended.code, Some(0), "{}", ended.out);
}

#[test]
fn a_run_of_nothing_fails_warns_or_passes() {
    let project = Project::new(&[("a", STABLE)]);
    for (arguments, code, said) in [
        (&["run", "nothing"][..], 4, "error: no case is selected"),
        (
            &["run", "nothing", "--no-tests", "fail"],
            4,
            "error: no case is selected",
        ),
        (
            &["run", "nothing", "--no-tests=warn"],
            0,
            "warning: no case is selected",
        ),
        (&["run", "nothing", "--no-tests=pass"], 0, ""),
    ] {
        let ended = project.memcase(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        assert!(ended.err.starts_with(said), "{arguments:?} {ended:?}");
        assert_eq!(
            ended.err.is_empty(),
            said.is_empty(),
            "{arguments:?} {ended:?}"
        );
    }
}

#[test]
fn a_case_that_says_ignore_is_run_only_where_that_is_asked_for() {
    let ignored = format!("ignore: needs a database\n{STABLE}");
    let project = Project::new(&[("a", STABLE), ("b", &ignored)]);
    let ended = project.memcase(&["run"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.line("b"), "test b ... ignored, needs a database");
    assert!(
        ended.out.contains("1 passed; 0 failed; 1 ignored"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("test result: ok"), "{}", ended.out);
    let ended = project.memcase(&["run", "--format", "json", "--run-ignored", "ignored-only"]);
    let ids: Vec<Value> = cases(&ended)
        .iter()
        .map(|case| case["id"].clone())
        .collect();
    assert_eq!(ids, ["b"]);
    let ended = project.memcase(&["run", "--format", "json"]);
    assert_eq!(ended.json()[0]["ignored"]["b"], "needs a database");
    assert_eq!(summary(&ended)["ignored"], 1);
    let ended = project.memcase(&["run", "--list", "--run-ignored", "all"]);
    assert_eq!(ended.out, "a: test\nb: test\n");
    let ended = project.memcase(&["run", "b"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.err.contains("`--run-ignored all`"), "{ended:?}");
    let listed = project.memcase(&["list"]);
    assert!(
        listed.out.contains("(ignored: needs a database)"),
        "{listed:?}"
    );
}

#[test]
fn a_stress_run_repeats_all_and_tells_how_often_each_was_as_claimed() {
    let project = Project::new(&[("flaky", FLAKY), ("stable", STABLE)]);
    let ended = project.memcase(&["run", "--stress-count", "2"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.out.contains("\nrun 1 of 2\n") && ended.out.contains("\nrun 2 of 2\n"));
    let told = "\n2 runs\n    flaky was as claimed 1 of 2 times\n";
    assert!(ended.out.ends_with(told), "{}", ended.out);
    let ended = project.memcase(&["run", "--stress-count", "2", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let started: Vec<Value> = ended.json();
    let started = started
        .iter()
        .filter(|event| event["type"] == "run-started");
    let stress: Vec<Value> = started.map(|event| event["stress"].clone()).collect();
    assert_eq!(
        stress,
        [serde_json::json!([1, 2]), serde_json::json!([2, 2])]
    );
}

#[test]
fn only_what_was_not_as_claimed_is_run_again() {
    let project = Project::new(&[("crash", CRASH), ("short", TOO_SHORT), ("stable", STABLE)]);
    let again = &["run", "--rerun-failed"][..];
    let ended = project.memcase(again);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        ended.err.contains("results are kept in `.memcase`"),
        "{ended:?}"
    );
    project.memcase(&["run"]);
    let listed = project.memcase(&["list", "--rerun-failed", "--format", "terse"]);
    assert_eq!(listed.out, "crash: test\nshort: test\n");
    project.write("cases/crash.yaml", STABLE);
    let ended = project.memcase(again);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.out.contains("1 filtered out"), "{}", ended.out);
    let listed = project.memcase(&["list", "--rerun-failed", "--format", "terse"]);
    assert_eq!(listed.out, "short: test\n");
}
