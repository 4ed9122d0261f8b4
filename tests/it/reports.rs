//! All reports of one run say the same of every case.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use quick_xml::Reader;
use quick_xml::events::Event;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Ended, LEAK, NO_INTERPRETER, Project, STABLE, TOO_SHORT};

/// What a report tells of a case: its outcome, and its seconds where it tells them.
type Told = BTreeMap<String, (String, Option<f64>)>;

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

/// Text between two marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from}: {text}"))
        .1;
    rest.split_once(to)
        .unwrap_or_else(|| panic!("no {to}: {text}"))
        .0
}

/// The summary of the run too: passed, failed, inconclusive, broken, skipped.
fn of_events(events: &[Value]) -> (Told, [u64; 5]) {
    let cases = events.iter().filter(|event| event["type"] == "case");
    let told = cases.map(|case| {
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        (text("id"), (text("outcome"), case["seconds"].as_f64()))
    });
    let last = events.last().unwrap();
    let count = |key: &str| last[key].as_u64().unwrap();
    let counts = ["passed", "failed", "inconclusive", "broken", "skipped"].map(count);
    (told.collect(), counts)
}

fn of_junit(text: &str, counts: [u64; 5]) -> Told {
    let report = Report::deserialize_from_str(text).unwrap();
    let suite = &report.test_suites[0];
    let [_, failed, inconclusive, broken, skipped] = counts.map(|count| count as usize);
    assert_eq!(suite.tests, suite.test_cases.len());
    assert_eq!(suite.failures, failed);
    assert_eq!(suite.errors, inconclusive + broken);
    assert_eq!(suite.skipped, skipped);
    let told = suite.test_cases.iter().map(|case| {
        let outcome = match &case.status {
            TestCaseStatus::Success { .. } => "passed".to_owned(),
            TestCaseStatus::Skipped { .. } => "skipped".to_owned(),
            TestCaseStatus::NonSuccess {
                kind: NonSuccessKind::Failure,
                ty,
                ..
            } => {
                assert_eq!(ty.as_deref(), Some("leak"));
                "failed".to_owned()
            }
            TestCaseStatus::NonSuccess { ty, .. } => ty.clone().unwrap().into_string(),
        };
        let seconds = case.time.map(|time| time.as_secs_f64());
        (case.name.as_str().to_owned(), (outcome, seconds))
    });
    told.collect()
}

fn of_libtest(text: &str, counts: [u64; 5]) -> Told {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [passed, failed, inconclusive, broken, skipped] = counts;
    let (first, last) = (&lines[0], lines.last().unwrap());
    assert_eq!(
        (&first["type"], &first["event"]),
        (&"suite".into(), &"started".into())
    );
    assert_eq!(first["test_count"], counts.iter().sum::<u64>());
    assert_eq!(
        (&last["type"], &last["event"]),
        (&"suite".into(), &"failed".into())
    );
    assert_eq!(last["passed"], passed);
    assert_eq!(last["failed"], failed + inconclusive + broken);
    assert_eq!(last["ignored"], skipped);
    let mut told = Told::new();
    let mut started = Vec::new();
    for line in lines.iter().filter(|line| line["type"] == "test") {
        let name = line["name"].as_str().unwrap().to_owned();
        let outcome = match line["event"].as_str().unwrap() {
            "started" => {
                started.push(name);
                continue;
            }
            "ok" => "passed",
            "ignored" => "skipped",
            _ => line["message"].as_str().unwrap().split(':').next().unwrap(),
        };
        assert!(started.contains(&name), "{name} ended before it started");
        told.insert(name, (outcome.to_owned(), line["exec_time"].as_f64()));
    }
    assert_eq!(started.len(), told.len(), "each starts once");
    told
}

fn of_tap(text: &str) -> Told {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("TAP version 14"));
    assert_eq!(lines.next(), Some("1..6"));
    assert_eq!(lines.next_back(), Some("Bail out! interrupted"));
    let mut told = Told::new();
    let mut last = String::new();
    for line in lines {
        if let Some(point) = line
            .strip_prefix("ok ")
            .or_else(|| line.strip_prefix("not ok "))
        {
            let (number, rest) = point.split_once(" - ").unwrap();
            assert_eq!(number, (told.len() + 1).to_string());
            let (id, skipped) = match rest.split_once(" # SKIP ") {
                Some((id, why)) => (id, (why == "interrupted").then_some("skipped")),
                None => (rest, None),
            };
            id.clone_into(&mut last);
            let outcome = skipped.unwrap_or_default().to_owned();
            told.insert(last.clone(), (outcome, None));
        } else if let Some(outcome) = line.strip_prefix("  outcome: ") {
            outcome.clone_into(&mut told.get_mut(&last).unwrap().0);
        } else if let Some(millis) = line.strip_prefix("  duration_ms: ") {
            told.get_mut(&last).unwrap().1 = Some(millis.parse::<f64>().unwrap() / 1e3);
        }
    }
    told
}

fn of_markdown(text: &str, counts: [u64; 5]) -> Told {
    let [passed, failed, inconclusive, broken, skipped] = counts;
    let title = format!(
        "## memcase: {failed} failed, {broken} broken, {inconclusive} inconclusive, {skipped} skipped, {passed} as claimed (interrupted)\n"
    );
    assert!(text.starts_with(&title), "{text}");
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let told = rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 7, "{row}");
        let id = cells[0].replace("&#95;", "_");
        (id, (cells[1].to_owned(), cells[6].parse().ok()))
    });
    told.collect()
}

/// Annotations are only of what is not as claimed.
fn of_annotations(text: &str) -> Told {
    let lines = text.lines().filter(|line| line.starts_with("::"));
    let told = lines.map(|line| {
        let level = between(line, "::", " ");
        let title = between(line, "title=memcase%3A ", "::");
        let (id, label) = title.split_once("%3A ").unwrap();
        let outcome = match (level, label) {
            ("warning", "inconclusive") => "inconclusive",
            ("error", "broken") => "broken",
            ("error", "leak") => "failed",
            other => panic!("{other:?}"),
        };
        let file = between(line, "file=", ",");
        assert_eq!(file, format!("cases/{id}.yaml"));
        assert_eq!(between(line, "line=", ","), "2");
        (id.to_owned(), (outcome.to_owned(), None))
    });
    told.collect()
}

fn of_human(text: &str) -> Told {
    let lines = text.lines().filter_map(|line| line.strip_prefix("test "));
    let lines = lines.filter(|line| !line.starts_with("result:"));
    let told = lines.map(|line| {
        let (id, word) = line.split_once(" ... ").unwrap();
        let outcome = match word.split_whitespace().next().unwrap() {
            "ok" => "passed",
            "FAILED" => "failed",
            "BROKEN" => "broken",
            "ignored" => "skipped",
            other => other,
        };
        (id.trim().to_owned(), (outcome.to_owned(), None))
    });
    told.collect()
}

/// Fails where two reports differ. Not all tell seconds, and not all as exactly.
fn agree(name: &str, told: &Told, of: &Told) {
    assert_eq!(
        told.keys().collect::<Vec<_>>(),
        of.keys().collect::<Vec<_>>(),
        "{name}"
    );
    for (id, (outcome, seconds)) in told {
        let (expected, exact) = &of[id];
        assert_eq!(outcome, expected, "{name}: {id}");
        if let (Some(seconds), Some(exact)) = (seconds, exact) {
            assert!(
                (seconds - exact).abs() < 0.00051,
                "{name}: {id}: {seconds} {exact}"
            );
        }
    }
}

/// The elements and attributes that Jenkins' schema `junit-10.xsd` knows, in its strictest version.
const JENKINS: [(&str, &[&str], &[&str]); 8] = [
    (
        "testsuites",
        &["name", "time", "tests", "failures", "errors"],
        &["testsuite"],
    ),
    (
        "testsuite",
        &["name", "tests", "failures", "errors", "time", "skipped"],
        &["testcase"],
    ),
    (
        "testcase",
        &["name", "time", "classname"],
        &["skipped", "error", "failure", "flakyError", "system-out"],
    ),
    ("failure", &["type", "message"], &[]),
    ("error", &["type", "message"], &[]),
    ("flakyError", &["type", "message"], &[]),
    ("skipped", &["type", "message"], &[]),
    ("system-out", &[], &[]),
];

fn assert_known_to_jenkins(text: &str) {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<String> = Vec::new();
    let mut seen = 0;
    loop {
        let event = reader.read_event().unwrap();
        let (Event::Start(element) | Event::Empty(element)) = &event else {
            match event {
                Event::End(_) => drop(open.pop()),
                Event::Eof => break,
                _ => {}
            }
            continue;
        };
        seen += 1;
        let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
        if let Some(parent) = open.last() {
            let known = JENKINS.iter().find(|known| known.0 == parent).unwrap();
            assert!(known.2.contains(&name.as_str()), "<{name}> in <{parent}>");
        }
        let known = JENKINS.iter().find(|known| known.0 == name);
        let known = known.unwrap_or_else(|| panic!("<{name}> is not known"));
        for attribute in element.attributes() {
            let attribute = attribute.unwrap();
            let key = std::str::from_utf8(attribute.key.as_ref()).unwrap();
            assert!(known.1.contains(&key), "<{name} {key}>");
        }
        if matches!(event, Event::Start(_)) {
            open.push(name);
        }
    }
    assert!(seen >= 5 && open.is_empty());
}

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
