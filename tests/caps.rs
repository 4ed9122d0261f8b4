//! `limits.memory` on real programs: by a cgroup and by the watch, passed and not passed, and what is left.
#![expect(clippy::print_stderr, reason = "why a test is left out is told")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const SWITCH: &str = "MEMCASE_MEMORY_CAP";

/// Takes 300 MiB at once in one iteration, and gives them back.
const SPIKE: &str = "
target:
  language: python
  setup: import time
  run: |
    x = b'x' * (300 << 20) if iteration == 30 else None
    if x: time.sleep(1)
    x = None
limits: {memory: 100 MiB}
measure: {processes: 1, iterations: 60}
";

/// Keeps 4 MiB an iteration, and says so.
const GROWS: &str = "
target:
  language: python
  setup: kept = []
  run: kept.append(bytearray(4 << 20))
expect: leak
limits: {memory: 100 MiB}
measure: {processes: 1}
";

/// Keeps 4 MiB before its first iteration, without end.
const SETUP: &str = "
target:
  language: python
  setup: kept = [bytearray(4 << 20) for _ in range(100)]
  run: pass
limits: {memory: 100 MiB}
";

/// Has a child that takes 300 MiB, and lives on without it.
const CHILD: &str = "
target:
  language: shell
  run: |
    [ $iteration = 10 ] && python3 -c \"x = b'x' * (300 << 20); import time; time.sleep(1)\"
    :
limits: {memory: 100 MiB}
measure: {processes: 1, iterations: 60}
";

/// Many forks of a large process: what they share counts once.
const SHARED: &str = "
target:
  language: python
  setup: |
    import os, signal, time
    kept = b'x' * (60 << 20)
    forks = []
    for _ in range(6):
        pid = os.fork()
        if pid == 0:
            signal.pause()
        forks.append(pid)
  run: time.sleep(0.002)
limits: {memory: 200 MiB}
measure: {processes: 1, iterations: 60}
";

/// Is killed by somebody else, below its limit.
const KILLED: &str = "
target:
  language: python
  run: |
    import os
    if iteration == 20: os.kill(os.getpid(), 9)
limits: {memory: 100 MiB}
measure: {processes: 1}
";

/// What holds up limits here. The groups that a container does not let us make are told of.
fn enforcers() -> Vec<&'static str> {
    let probe = run("cgroup", KILLED);
    if probe["reason"]
        .as_str()
        .is_some_and(|r| r.contains("SIGKILL"))
    {
        return vec!["cgroup", "watch"];
    }
    eprintln!(
        "no cgroup can be made here, so only the watch is tested: {}",
        probe["reason"]
    );
    vec!["watch"]
}

/// Runs one case and returns its event; `marker` is in the environment of all its processes.
fn run_in(folder: &Path, by: &str, case: &str) -> Value {
    fs::write(folder.join("a.yaml"), case).expect("the case can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "--format", "json", "a.yaml"])
        .current_dir(folder)
        .env(SWITCH, by)
        .env("MEMCASE_DIR", folder.join("artifacts"))
        .stdin(Stdio::null())
        .output()
        .expect("memcase starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut events = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut event = events
        .rfind(|event| event["type"] == "case")
        .unwrap_or_else(|| {
            panic!(
                "no case in {text}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
    event["exit"] = output.status.code().into();
    event
}

fn run(by: &str, case: &str) -> Value {
    let folder = TempDir::new().expect("a folder can be made");
    run_in(folder.path(), by, case)
}

/// The groups of memcase's that there are, in any hierarchy.
fn groups() -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().starts_with("memcase-") {
                    found.push(entry.path());
                }
                below(&entry.path(), found);
            }
        }
    }
    let mut found = Vec::new();
    below(Path::new("/sys/fs/cgroup"), &mut found);
    found
}

/// Whether a group was made by a process that is gone: others' tests run meanwhile.
fn is_left(group: &Path) -> bool {
    let name = group.file_name().unwrap_or_default().to_string_lossy();
    let owner = name.split('-').nth(1).unwrap_or_default();
    !Path::new("/proc").join(owner).exists() && group.exists()
}

#[test]
fn a_limit_that_is_passed_fails_the_case_whatever_it_claims_and_tells_the_proof() {
    for by in enforcers() {
        for (case, iterations) in [
            (SPIKE, 30..=30),
            (GROWS, 15..=24),
            (SETUP, 0..=0),
            (CHILD, 10..=10),
        ] {
            let event = run(by, case);
            assert_eq!(event["outcome"], "failed", "{by} {event}");
            assert_eq!(event["exit"], 1, "{event}");
            let limit = &event["limit"];
            assert_eq!(
                (&limit["kind"], &limit["by"]),
                (&"memory".into(), &by.into()),
                "{event}"
            );
            assert_eq!(limit["limit"], 100 << 20);
            let done = limit["iterations"].as_u64().expect("a number");
            // The watch may come late on a busy machine; the limit of data ends the target at 1 GiB.
            let latest = match (by, case == GROWS) {
                ("watch", true) => 256,
                _ => *iterations.end(),
            };
            assert!((*iterations.start()..=latest).contains(&done), "{event}");
            let reason = event["reason"].as_str().expect("a sentence");
            assert!(
                reason.contains("passed `limits.memory` of 100 MiB"),
                "{reason}"
            );
            if by == "cgroup" {
                assert_eq!(limit["oom_kills"][0], 0, "{limit}");
                assert!(limit["oom_kills"][1].as_u64() >= Some(1), "{limit}");
                assert_eq!(limit["survived"], case == CHILD, "{event}");
            }
        }
    }
    let left: Vec<_> = groups()
        .into_iter()
        .filter(|group| is_left(group))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_kill_from_elsewhere_is_not_taken_for_the_limit() {
    for by in enforcers() {
        let event = run(by, KILLED);
        assert_eq!(
            (&event["outcome"], &event["exit"]),
            (&"broken".into(), &5.into()),
            "{event}"
        );
        assert!(event["limit"].is_null(), "{event}");
        assert!(
            event["reason"]
                .as_str()
                .expect("a sentence")
                .contains("SIGKILL"),
            "{event}"
        );
    }
}

#[test]
fn a_limit_above_the_memory_of_the_machine_is_noted() {
    let event = run(
        "watch",
        &SPIKE.replace("memory: 100 MiB", "memory: 900000 GiB"),
    );
    assert!(event["limit"].is_null(), "{event}");
    let notes = event["notes"].to_string();
    assert!(notes.contains("is more than this machine has"), "{notes}");
}

#[test]
fn pages_that_forks_share_count_once() {
    for by in enforcers() {
        let event = run(by, SHARED);
        assert!(event["limit"].is_null(), "{by} {event}");
        assert_ne!(event["outcome"], "broken", "{by} {event}");
    }
}

#[test]
fn recorded_traces_of_a_capped_run_give_the_verdict_of_the_run() {
    let folder = TempDir::new().expect("a folder can be made");
    let event = run_in(folder.path(), "watch", GROWS);
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["judge", "--format", "json", "artifacts/a"])
        .current_dir(folder.path())
        .output()
        .expect("memcase starts");
    let judged: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for key in ["verdict", "slope", "iterations", "reaches"] {
        assert_eq!(judged[key], event[key], "{key}");
    }
    let notes = judged["notes"].to_string();
    assert!(
        notes.contains("passed `limits.memory` of 100 MiB"),
        "{notes}"
    );
}

#[test]
fn no_group_survives_a_killed_run() {
    if !enforcers().contains(&"cgroup") {
        return;
    }
    let folder = TempDir::new().expect("a folder can be made");
    let case = "target:\n  language: shell\n  setup: setsid sleep 300 &\n  run: x=1\nlimits: {memory: 100 MiB, timeout: 300 s}\nmeasure: {iterations: 100000000, time: 300 s}\n";
    fs::write(folder.path().join("a.yaml"), case).expect("the case can be written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "a.yaml"])
        .current_dir(folder.path())
        .env(SWITCH, "cgroup")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("memcase starts");
    let name = format!("memcase-{}-", child.id());
    let own = || {
        let named = |group: &PathBuf| {
            group
                .file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(&name))
        };
        groups().into_iter().filter(named).collect::<Vec<_>>()
    };
    let full = || {
        own().len() == 3
            && own().iter().all(|group| {
                fs::read_to_string(group.join("cgroup.procs")).is_ok_and(|p| p.lines().count() >= 2)
            })
    };
    until("the targets did not start", full);
    child.kill().expect("it can be killed");
    child.wait().expect("it can be waited for");
    until("a group was left", || own().is_empty());
}

fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// Programs that know nothing of memcase: one that grows with its count, one that grows over time,
/// and one with a child that does.
const BY_COUNT: &str = "
target:
  command: [python3, -c, 'import sys; kept = [bytearray(1 << 20) for _ in range(int(sys.argv[1]))]', '{iterations}']
limits: {memory: 100 MiB}
measure: {processes: 2, iterations: 400}
";
const OVER_TIME: &str = "
target:
  command: [python3, -c, 'import time; kept = [bytearray(1 << 20) for _ in range(400)]; time.sleep(300)']
limits: {memory: 100 MiB}
measure: {driver: clock, processes: 1, time: 60 s}
";
const CHILD_OVER_TIME: &str = "
target:
  command: |
    python3 -c 'import time; kept = [bytearray(1 << 20) for _ in range(400)]; time.sleep(300)'
    sleep 300
  shell: true
limits: {memory: 100 MiB}
measure: {driver: clock, processes: 1, time: 60 s}
";

#[test]
fn programs_that_know_nothing_of_memcase_are_held_by_the_limit_too() {
    for by in enforcers() {
        for (case, when) in [
            (BY_COUNT, "in a run of "),
            (OVER_TIME, "after "),
            (CHILD_OVER_TIME, "after "),
        ] {
            let event = run(by, case);
            assert_eq!(
                (&event["outcome"], &event["exit"]),
                (&"failed".into(), &1.into()),
                "{by} {event}"
            );
            assert_eq!(event["limit"]["by"], by, "{event}");
            let reason = event["reason"].as_str().expect("a sentence");
            let said = format!("passed `limits.memory` of 100 MiB {when}");
            assert!(reason.contains(&said), "{reason}");
            assert_eq!(reason.contains("iterations"), case == BY_COUNT, "{reason}");
        }
    }
}

#[test]
fn a_limit_that_is_not_passed_does_not_show_in_a_ramp_or_by_clock() {
    for by in enforcers() {
        for case in [BY_COUNT, OVER_TIME] {
            let small = case
                .replace("1 << 20", "1 << 10")
                .replace("sleep(300)", "sleep(0.5)");
            let event = run(by, &small);
            assert!(event["limit"].is_null(), "{by} {event}");
            assert_ne!(event["outcome"], "broken", "{by} {event}");
        }
    }
}
