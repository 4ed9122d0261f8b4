//! Reads each format of a report back: what it tells of every case.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

/// What a report tells of a case: its outcome, and its seconds where it tells them.
pub(crate) type Told = BTreeMap<String, (String, Option<f64>)>;

/// Text between two marks.
pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from}: {text}"))
        .1;
    rest.split_once(to)
        .unwrap_or_else(|| panic!("no {to}: {text}"))
        .0
}

/// The summary of the run too: passed, failed, inconclusive, broken, skipped.
pub(crate) fn of_events(events: &[Value]) -> (Told, [u64; 5]) {
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

pub(crate) fn of_junit(text: &str, counts: [u64; 5]) -> Told {
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

pub(crate) fn of_libtest(text: &str, counts: [u64; 5]) -> Told {
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

pub(crate) fn of_tap(text: &str) -> Told {
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

pub(crate) fn of_markdown(text: &str, counts: [u64; 5]) -> Told {
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
pub(crate) fn of_annotations(text: &str) -> Told {
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

pub(crate) fn of_human(text: &str) -> Told {
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
pub(crate) fn agree(name: &str, told: &Told, of: &Told) {
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

pub(crate) fn assert_known_to_jenkins(text: &str) {
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
