//! How often a body runs in a turn, from a case file to its traces: chosen where it is tiny and keeps
//! nothing, one where it grows or the horizon is set, and by iteration in everything that is told.

#![expect(clippy::unwrap_used, reason = "in a test a failure may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use memcase::runner::artifacts::read_trace;
use memcase::trace::{Metric, Trace};
use serde_json::Value;

/// Runs one case, and reads the event about it and how often its body ran in a turn.
fn run(case: &str, further: &[&str]) -> (Value, u64) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("it.yaml"), case).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "it.yaml", "--format", "json"])
        .args(further)
        .env_remove("CI")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut events = said.lines().map(|line| serde_json::from_str(line).unwrap());
    let of_case = |event: &Value| event["type"] == "case";
    let event: Value = events.rfind(of_case).unwrap();
    let kept = folder.path().join(".memcase/it");
    let traces = read_traces(&kept);
    let batch = u64::from(traces[0].header.batch);
    for trace in &traces {
        assert_eq!(u64::from(trace.header.batch), batch);
        let at = &trace.get(Metric::Anon).unwrap().at;
        // Those before are of the trial, closer together.
        let mut judged = at.iter().rev().take(100);
        assert!(judged.all(|at| at.is_multiple_of(batch)), "{at:?}");
    }
    let judged = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["judge", "--format", "json"])
        .arg(&kept)
        .output()
        .unwrap();
    let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(
        judged["verdict"], event["verdict"],
        "the traces say the same"
    );
    (event, batch)
}

fn read_traces(folder: &Path) -> Vec<Trace> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("trace-"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| read_trace(path).unwrap();
    files.iter().map(read).collect()
}

const TINY: &str = "target: {language: c, run: 'free(malloc(100));'}";

#[test]
fn the_samples_of_a_tiny_body_lie_at_multiples_of_what_was_chosen() {
    let (event, batch) = run(TINY, &[]);
    assert_eq!(event["verdict"], "stable");
    assert!(batch.is_power_of_two() && batch <= 64, "{batch}");
    let iterations = event["iterations"].as_u64().unwrap();
    assert!(iterations >= 240 * batch, "{iterations} by {batch}");
    assert!(iterations.is_multiple_of(batch), "{iterations} by {batch}");
}

#[test]
fn a_body_that_grows_runs_once_a_turn() {
    let leak =
        "target: {language: c, run: 'char *volatile p = malloc(1000); (void)p;'}\nexpect: leak";
    let (event, batch) = run(leak, &["--fast"]);
    assert_eq!(event["verdict"], "leak");
    assert_eq!(batch, 1);
}

#[test]
fn a_slope_is_by_iteration_whatever_was_chosen() {
    let leak =
        "target: {language: c, run: 'char *volatile p = malloc(10); (void)p;'}\nexpect: leak";
    let (event, batch) = run(leak, &["--fast"]);
    let slope = event["slope"]["estimate"].as_f64().unwrap();
    assert!((slope - 32.0).abs() < 0.01, "{slope} at {batch} in a turn");
}

#[test]
fn a_horizon_or_a_batch_that_is_set_is_kept() {
    let (event, batch) = run(TINY, &["--iterations", "300"]);
    assert_eq!((event["iterations"].as_u64(), batch), (Some(300), 1));
    let (_, batch) = run(&format!("{TINY}\nmeasure: {{batch: 3}}"), &[]);
    assert_eq!(batch, 3);
}
