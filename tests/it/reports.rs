//! All reports of one run say the same of every case.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use quick_junit::{Report, TestCaseStatus};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::report_readers::{
    agree, assert_known_to_jenkins, of_annotations, of_events, of_human, of_junit, of_libtest,
    of_markdown, of_tap,
};
use crate::support::{Ended, LEAK, NO_INTERPRETER, Project, STABLE, TOO_SHORT};

const ENDLESS: &str = "
target: {language: python, run: pass}
measure: {iterations: 100000000, time: 10 min}
";

const OUTCOMES: [(&str, &str); 6] = [
    ("a/leak", "passed"),
    ("a/stable", "passed"),
    ("b_short", "inconclusive"),
    ("c+failed", "failed"),
    ("d-broken", "broken"),
    ("e-skipped", "skipped"),
];

#[test]
fn all_reports_of_a_run_agree_on_every_case() {
    let project = Project::new(&[
        ("a/leak", &format!("{LEAK}expect: leak\n")),
        ("a/stable", STABLE),
        ("b_short", TOO_SHORT),
        ("c+failed", LEAK),
        ("d-broken", NO_INTERPRETER),
        ("e-skipped", ENDLESS),
    ]);
    let mut child = project
        .command(&["run", "-j1", "--report", "json=-", "--report", "github"])
        .args([
            "--report",
            "junit=deep/er/junit.xml",
            "--report",
            "tap=run.tap",
        ])
        .args([
            "--report",
            "libtest-json=lines.jsonl",
            "--report",
            "markdown=run.md",
        ])
        .env("GITHUB_STEP_SUMMARY", project.path().join("summary.md"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["type"] == "case-progress" && event["id"] == "e-skipped" {
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            kill_process(pid, Signal::INT).unwrap();
        }
        events.push(event);
    }
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{err}");

    let (told, counts) = of_events(&events);
    let outcomes = OUTCOMES.map(|(id, outcome)| (id.to_owned(), outcome.to_owned()));
    let found: Vec<_> = told
        .iter()
        .map(|(id, told)| (id.clone(), told.0.clone()))
        .collect();
    assert_eq!(found, outcomes, "{err}");
    assert_eq!(counts, [2, 1, 1, 1, 1]);

    let xml = project.read("deep/er/junit.xml");
    agree("junit", &of_junit(&xml, counts), &told);
    agree(
        "libtest-json",
        &of_libtest(&project.read("lines.jsonl"), counts),
        &told,
    );
    agree("tap", &of_tap(&project.read("run.tap")), &told);
    agree(
        "markdown",
        &of_markdown(&project.read("run.md"), counts),
        &told,
    );
    agree("human", &of_human(&err), &told);
    let not_as_claimed = told
        .iter()
        .filter(|(_, told)| ["failed", "broken", "inconclusive"].contains(&told.0.as_str()));
    let not_as_claimed = not_as_claimed.map(|(id, told)| (id.clone(), told.clone()));
    agree("github", &of_annotations(&err), &not_as_claimed.collect());
    assert_eq!(project.read("summary.md"), project.read("run.md"));

    assert_known_to_jenkins(&xml);
    // What a person reads below a failure, without colours, stands in the report too.
    let shown = err.split("---- c+failed ----\n").nth(1).unwrap();
    let shown = shown.split("\n\n").next().unwrap();
    let report = Report::deserialize_from_str(&xml).unwrap();
    let failed = &report.test_suites[0].test_cases[3];
    let TestCaseStatus::NonSuccess { description, .. } = &failed.status else {
        panic!("{failed:?}");
    };
    assert_eq!(description.as_deref().unwrap().trim(), shown.trim());
}

#[test]
fn control_characters_of_a_target_do_not_break_a_report() {
    let shouting = "
target:
  language: python
  run: |
    import sys
    sys.stderr.write('\\x1b[31mred\\x00\\x08\\ufffe ]]> </error> & \\x85')
    sys.exit(3)
";
    let project = Project::new(&[("a", shouting)]);
    let ended = project.memcase(&["run", "--report", "junit=-", "--report", "tap=run.tap"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let report = Report::deserialize_from_str(&ended.out).unwrap();
    let case = &report.test_suites[0].test_cases[0];
    let TestCaseStatus::NonSuccess { description, .. } = &case.status else {
        panic!("{case:?}");
    };
    let text = description.as_deref().unwrap();
    assert!(
        text.contains("red") && text.contains("]]> </error> &"),
        "{text}"
    );
    assert!(!ended.out.contains(['\u{1b}', '\0', '\u{fffe}', '\u{85}']));
    assert!(!project.read("run.tap").contains(['\u{1b}', '\0']));
}

#[test]
fn a_report_that_can_not_be_written_is_told_of_before_anything_runs() {
    let project = Project::new(&[("a", STABLE)]);
    project.write("file", "");
    for (arguments, says) in [
        (
            &["--report", "junit=file/x.xml"][..],
            "`junit=file/x.xml` can not be written",
        ),
        (&["--report", "tap=cases"], "`tap=cases` can not be written"),
        (&["--report", "junit=x", "--report", "tap=x"], "two reports"),
        (
            &["--report", "junit=-", "--format", "json"],
            "standard output",
        ),
        (&["--report", "xml=x"], "`xml` is no format"),
        (&["--report", "junit"], "`junit=PATH`"),
    ] {
        let ended = project.memcase(&[&["run"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(says), "{}", ended.err);
        assert!(!ended.out.contains("test a"), "{}", ended.out);
    }
    assert!(!project.path().join(".memcase/a").exists());
}

#[test]
fn a_report_of_an_earlier_run_is_not_taken_for_one_that_died() {
    let project = Project::new(&[("a", ENDLESS)]);
    project.write("junit.xml", "old");
    let mut child = project
        .command(&["run", "--format", "json", "--report", "junit=junit.xml"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = lines.by_ref().map_while(Result::ok);
    assert!(
        started
            .take_while(|line| !line.contains("run-started"))
            .count()
            == 0
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!project.path().join("junit.xml").exists());
}

#[test]
fn lines_for_programs_have_the_name_that_nextest_gives_them() {
    let project = Project::new(&[("a", STABLE)]);
    let ended = project.memcase(&["run", "--message-format", "libtest-json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = ended.json();
    let events = lines.iter().map(|line| line["event"].as_str().unwrap());
    let events: Vec<&str> = events.collect();
    assert_eq!(events, ["started", "started", "ok", "ok"]);
}

#[test]
fn cases_that_say_ignore_and_flaky_ones_are_told_as_such() {
    let flaky = "
target:
  language: shell
  setup: '[ -e seen ] || { touch seen; exit 3; }'
  run: 'true'
measure: {iterations: 240, processes: 1}
limits: {slope: 1 KiB}
";
    let ignored = format!("ignore: needs a database\n{STABLE}");
    let project = Project::new(&[("flaky", flaky), ("ignored", &ignored)]);
    let ended = project
        .command(&["run", "--retries", "1", "--report", "junit=a.xml"])
        .args(["--report", "tap=a.tap", "--report", "libtest-json=a.jsonl"])
        .args(["--report", "markdown=a.md", "--report", "json=-"])
        .output()
        .unwrap();
    let ended = Ended::of(ended);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let xml = project.read("a.xml");
    assert_known_to_jenkins(&xml);
    let report = Report::deserialize_from_str(&xml).unwrap();
    let suite = &report.test_suites[0];
    assert_eq!((suite.tests, suite.skipped, suite.errors), (2, 1, 0));
    let TestCaseStatus::Success { flaky_runs } = &suite.test_cases[0].status else {
        panic!("{suite:?}");
    };
    assert_eq!(flaky_runs[0].ty.as_deref(), Some("broken"));
    let TestCaseStatus::Skipped { message, ty, .. } = &suite.test_cases[1].status else {
        panic!("{suite:?}");
    };
    assert_eq!(message.as_deref(), Some("needs a database"));
    assert_eq!(ty.as_deref(), Some("ignored"));
    let tap = project.read("a.tap");
    assert!(
        tap.starts_with(
            "TAP version 14\n1..2\nok 1 - ignored # SKIP needs a database\nok 2 - flaky\n"
        ),
        "{tap}"
    );
    assert!(project.read("a.jsonl").contains(r#""ignored":1,"#));
    let page = project.read("a.md");
    assert!(
        page.contains("## memcase: 1 ignored, 1 as claimed"),
        "{page}"
    );
    assert!(page.contains("| flaky | passed (flaky) |"), "{page}");
    // What is read back says the same.
    project.write("events.jsonl", &ended.out);
    let merged = project.memcase(&[
        "merge",
        "events.jsonl",
        "--report",
        "markdown=b.md",
        "--report",
        "junit=b.xml",
    ]);
    assert_eq!(
        (merged.code, merged.err.as_str()),
        (Some(0), ""),
        "{merged:?}"
    );
    assert_eq!((project.read("b.md"), project.read("b.xml")), (page, xml));
}

#[test]
fn a_format_that_tells_of_one_run_is_refused_for_several() {
    let project = Project::new(&[("a", STABLE)]);
    let stress = ["run", "--stress-count", "2"];
    for arguments in [
        &["--report", "junit=x"][..],
        &["--message-format", "libtest-json"],
    ] {
        let ended = project.memcase(&[&stress, arguments].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains("--stress-count"), "{}", ended.err);
    }
    let ended = project.memcase(&[&stress[..], &["--report", "json=x.jsonl"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let merged = project.memcase(&["merge", "x.jsonl", "--format", "json"]);
    assert!(
        merged
            .err
            .contains("`a` is passed in `x.jsonl` and in `x.jsonl`"),
        "{merged:?}"
    );
}
