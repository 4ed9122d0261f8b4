//! memcase against programs whose growth is known: the verdict, the interval, and nothing left behind.
//!
//! The programs and their truths are in `fixtures/`. A case file is written for each row of
//! the table, and the real program measures them all in one run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memcase_fixtures::{Found, Growth, TRUTH, Truth};
use serde_json::Value;

/// Builds the programs beside the tests and returns their folder.
fn programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_memcase"));
    let folder = folder.parent().expect("a program is in a folder");
    let target = folder.parent().expect("profiles are in the target folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--quiet", "--bins", "-p", "memcase-fixtures"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().expect("cargo runs this test");
    assert!(status.success(), "the fixtures must build");
    folder.to_owned()
}

fn name(truth: &Truth) -> String {
    let words = [&[truth.program], truth.arguments].concat().join("-");
    words.replace(['{', '}'], "")
}

fn claim(truth: &Truth) -> &'static str {
    match truth.found {
        Found::Leak => "leak",
        Found::Spike => "spike",
        Found::Stable | Found::Memory | Found::Broken(_) => "stable",
    }
}

fn write_case(folder: &Path, programs: &Path, truth: &Truth) {
    let name = name(truth);
    let mut command = vec![programs.join(truth.program).display().to_string()];
    command.extend(truth.arguments.iter().map(ToString::to_string));
    let mut text = String::new();
    let _ = write!(
        text,
        "description: {}\ntarget:\n  command: {}\n  env: {{FIXTURE_PID_FILE: {}}}\nexpect: {}\n{}",
        truth.behaviour,
        serde_json::to_string(&command).expect("strings can be written"),
        folder.join(format!("{name}.pid")).display(),
        claim(truth),
        truth.settings,
    );
    fs::write(folder.join(format!("{name}.yaml")), text).expect("the folder can be written");
}

/// Runs memcase on a folder and returns the last event of each case.
fn measure(folder: &Path) -> (Output, BTreeMap<String, Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "--format", "json"])
        .arg(folder)
        .current_dir(folder)
        .output()
        .expect("memcase starts");
    let mut events = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let event: Value = serde_json::from_str(line).expect("each line is an event");
        if event["type"] == "case" {
            let id = event["id"].as_str().expect("a case has an id").to_owned();
            events.insert(id, event);
        }
    }
    (output, events)
}

/// What is wrong with the event of a row, if anything is.
fn complaint(truth: &Truth, event: &Value) -> Option<String> {
    if let Found::Broken(words) = truth.found {
        let reason = event["reason"].as_str().unwrap_or_default();
        let told = event["outcome"] == "broken" && reason.contains(words);
        return (!told).then(|| format!("should be broken with `{words}`"));
    }
    if truth.found == Found::Memory {
        let told = event["outcome"] == "failed" && event["limit"]["kind"] == "memory";
        return (!told).then(|| "should be ended for its memory".to_owned());
    }
    if event["verdict"] != claim(truth) || event["outcome"] != "passed" {
        return Some(format!("should be {}", claim(truth)));
    }
    if let Growth::Bytes(bytes) = truth.growth {
        let end = |end: &str| event["slope"][end].as_f64().unwrap_or(f64::NAN);
        if !(end("low") <= bytes && bytes <= end("high")) {
            return Some(format!("{bytes} B/iter should lie in the interval"));
        }
    }
    None
}

/// What `memcase judge` says that the run did not: the looks of a run can be taken again from its traces.
fn judged_otherwise(folder: &Path, name: &str, event: &Value) -> Option<String> {
    if event["verdict"].is_null() || event["traces"].as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["judge", "--format", "json"])
        .arg(folder.join(".memcase").join(name))
        .output()
        .expect("memcase starts");
    let judged: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let differs = |key: &&&str| judged[**key] != event[**key];
    let keys = ["verdict", "metric", "kind", "slope", "iterations"];
    let key = keys.iter().find(differs)?;
    Some(format!(
        "`memcase judge` says {} for `{key}`, the run {}",
        judged[*key], event[*key]
    ))
}

#[test]
fn every_fixture_is_judged_as_its_truth_says() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let programs = programs();
    for truth in TRUTH {
        write_case(folder.path(), &programs, truth);
    }
    let (output, events) = measure(folder.path());
    let mut complaints = String::new();
    for truth in TRUTH {
        let name = name(truth);
        let complaint = match events.get(&name) {
            Some(event) => complaint(truth, event)
                .or_else(|| judged_otherwise(folder.path(), &name, event))
                .map(|text| format!("{text}: {event}")),
            None => Some("has no event".to_owned()),
        };
        if let Some(complaint) = complaint {
            let _ = writeln!(complaints, "{name}: {complaint}\n");
        }
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.is_empty(), "{complaints}\n{errors}");
    assert_eq!(output.status.code(), Some(1), "some pass their limit");
    nothing_is_left(folder.path(), &programs);
}

/// No process that a fixture started may live on.
fn nothing_is_left(folder: &Path, programs: &Path) {
    let pids = fs::read_dir(folder).expect("the folder is there");
    let pids: Vec<_> = pids
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "pid"))
        .collect();
    assert_eq!(
        pids.len(),
        2,
        "the two that leave a process behind say which"
    );
    for file in pids {
        let pid = fs::read_to_string(&file).expect("the process wrote its id");
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        assert!(
            !program.starts_with(programs),
            "{}: {pid} lives",
            file.display()
        );
    }
}
