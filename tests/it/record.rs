//! `memcase record` as a user runs it: what the program notices of it (nothing), and what is kept.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Ended, Project, program};

const MIB: u64 = 1 << 20;

/// A folder with a Python program.
pub(crate) fn with_program(text: &str) -> Project {
    let project = Project::new(&[]);
    project.write("program.py", text);
    project
}

/// The interpreter itself, and not a script that looks for it.
pub(crate) fn python() -> String {
    let found = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

/// The summary, which is the last line on standard error.
pub(crate) fn summary(ended: &Ended) -> Value {
    let line = ended.err.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {}", ended.err))
}

/// The record that is kept in the folder, as the lines of its file.
pub(crate) fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn records(project: &Project) -> Vec<PathBuf> {
    let folder = project.path().join(".memcase/records");
    let mut found: Vec<_> = fs::read_dir(folder)
        .map(|folder| folder.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    found.sort();
    found
}

/// Bytes of a phase, by its name.
fn of_phase(summary: &Value, name: &str, what: &str) -> u64 {
    let phases = summary["phases"].as_array().unwrap();
    let phase = phases.iter().find(|phase| phase["name"] == name);
    phase.unwrap_or_else(|| panic!("{name}: {summary}"))[what]
        .as_u64()
        .unwrap()
}

/// Starts a program whose first line says that it is ready.
pub(crate) fn ready(
    project: &Project,
    arguments: &[&str],
) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = project
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    (child, lines)
}

pub(crate) fn signal(name: &str, pid: u32) {
    let status = Command::new("kill")
        .args([name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_spike_between_two_samples_is_kept_in_its_phase() {
    let project = with_program(
        "import sys, time
print('== quiet', flush=True)
sys.stdin.readline()
print('== spike', flush=True)
sys.stdin.readline()
x = bytearray(100 << 20)
time.sleep(0.02)
del x
print('== after', flush=True)
sys.stdin.readline()
",
    );
    let python = python();
    let mut arguments = vec!["record", "--marker", "^== (.*)", "--interval", "1h"];
    arguments.extend(["--format", "json", "--", &python, "program.py"]);
    let child = project
        .command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for phase in ["quiet", "spike", "after"] {
        // Only what is in the file is past for memcase.
        wait_for(&project, |rows| {
            rows.iter().any(|row| row["phase"]["name"] == phase)
        });
        let mut stdin = child.stdin.as_ref().unwrap();
        stdin.write_all(b"on\n").unwrap();
    }
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out, "== quiet\n== spike\n== after\n");
    let summary = summary(&ended);
    let spike = of_phase(&summary, "spike", "peak");
    let quiet = of_phase(&summary, "quiet", "peak");
    let after = of_phase(&summary, "after", "last");
    assert!(
        (95 * MIB..115 * MIB).contains(&(spike - after)),
        "{summary}"
    );
    assert!(quiet.max(after) < 50 * MIB, "{summary}");
    let phase = summary["peak"]["phase"].as_u64().unwrap() as usize;
    assert_eq!(summary["phases"][phase]["name"], "spike");
    let file = summary["file"].as_str().unwrap();
    let kept = rows(&project.path().join(file));
    let names: Vec<_> = kept
        .iter()
        .filter_map(|row| row["phase"]["name"].as_str())
        .collect();
    assert_eq!(names, ["quiet", "spike", "after"]);
    let judged = project.memcase(&["judge", file]);
    assert!(
        judged.out.contains("inconclusive"),
        "{}{}",
        judged.out,
        judged.err
    );
}

#[test]
fn pages_that_forked_processes_share_count_once() {
    let project = with_program(
        "import os, sys
x = bytearray(os.urandom(1)) * (100 << 20)
ready, go = os.pipe(), os.pipe()
for _ in range(3):
    if os.fork() == 0:
        os.close(go[1])
        os.write(ready[1], b'r')
        os.read(go[0], 1)
        os._exit(0)
for _ in range(3):
    os.read(ready[0], 1)
print('== forked', flush=True)
sys.stdin.readline()
os.close(go[1])
for _ in range(3):
    os.wait()
",
    );
    let python = python();
    let mut child = project
        .command(&[
            "record",
            "--marker",
            "^==",
            "--format",
            "json",
            "--",
            &python,
            "program.py",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "== forked");
    // All wait now; as soon as memcase can afford to look at all pages it divides those that are shared.
    let shared = |row: &Value| {
        ["0", "1", "2", "3"].iter().all(|process| {
            let pss = row["each"][process][0].as_u64();
            pss.is_some_and(|pss| (20 * MIB..60 * MIB).contains(&pss))
        })
    };
    wait_for(&project, |rows| rows.iter().any(shared));
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let ended = Ended::of(child.wait_with_output().unwrap());
    let summary = summary(&ended);
    assert_eq!(summary["seen"], 4, "{summary}");
    let peak = summary["peak"]["bytes"].as_u64().unwrap();
    assert!((100 * MIB..140 * MIB).contains(&peak), "{summary}");
    // Nor does the sum that `judge` and `plot` take.
    let file = project.path().join(summary["file"].as_str().unwrap());
    let anon = rows(&file)
        .iter()
        .filter_map(|row| row["anon"].as_u64())
        .max();
    assert!(anon < Some(140 * MIB), "{anon:?}");
}

/// Looks at the record until it is as it should be.
pub(crate) fn wait_for(project: &Project, found: impl Fn(&[Value]) -> bool) -> PathBuf {
    let until = Instant::now() + Duration::from_mins(2);
    loop {
        assert!(Instant::now() < until, "what is waited for does not come");
        if let Some(file) = records(project).pop() {
            let text = fs::read_to_string(&file).unwrap();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let rows: Vec<Value> = whole
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            if found(&rows) {
                return file;
            }
        }
        std::thread::yield_now();
    }
}

#[test]
fn what_was_recorded_before_memcase_was_killed_can_be_read() {
    let project = with_program("import sys\nprint('ready', flush=True)\nsys.stdin.read()\n");
    let python = python();
    let (mut child, mut lines) = ready(
        &project,
        &["record", "--marker", "ready", "--", &python, "program.py"],
    );
    let file = wait_for(&project, |rows| {
        rows.iter().any(|row| row.get("phase").is_some())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    // Its output ends when it does.
    assert_eq!(lines.next(), None);
    let kept = rows(&file);
    assert!(kept.iter().all(|row| row.get("end").is_none()));
    assert!(
        kept.iter().any(|row| row["pss"].as_u64() > Some(MIB)),
        "{kept:?}"
    );
    let judged = project.memcase(&["judge", file.to_str().unwrap()]);
    assert!(
        judged.out.contains("inconclusive"),
        "{}{}",
        judged.out,
        judged.err
    );
}

#[test]
fn a_limit_is_told_and_not_enforced() {
    let project = with_program("x = bytearray(80 << 20)\nprint(len(x))\n");
    let python = python();
    let run = |limit: &str| {
        let arguments = ["record", "--limit", limit, "--", &python, "program.py"];
        project.memcase(&arguments)
    };
    let over = run("50MiB");
    assert_eq!((over.code, over.out.as_str()), (Some(0), "83886080\n"));
    // What was held between two looks may have been pages of files as well, and is told with `may`.
    let told =
        ["would", "may"].map(|it| format!("limit 50.0 MiB: it {it} have been killed: it held "));
    assert!(
        told.iter().any(|told| over.err.contains(told)),
        "{}",
        over.err
    );
    let below = run("1GiB");
    assert!(
        below.err.contains("limit 1.00 GiB: it stayed below"),
        "{}",
        below.err
    );
    let wrong = run("50");
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
    assert!(wrong.err.contains("has no unit"), "{}", wrong.err);
}

#[test]
fn nothing_is_started_where_the_record_can_not_be_kept() {
    let project = Project::new(&[]);
    let ended = project.memcase(&["record", "-o", "no/such/folder/x", "--", "touch", "ran"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .err
            .contains("`no/such/folder/x` could not be written"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("-o FILE"), "{}", ended.err);
    assert!(!project.path().join("ran").exists());
    let wrong = project.memcase(&["record", "--marker", "(", "--", "touch", "ran"]);
    assert_eq!(wrong.code, Some(2));
    assert!(!project.path().join("ran").exists());
}

#[test]
fn a_full_disk_is_told_before_the_program_is_started() {
    let project = Project::new(&[]);
    let ended = project.memcase(&["record", "-o", "/dev/full", "--", "echo", "done"]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(2), ""),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("/dev/full"), "{}", ended.err);
}

#[test]
fn a_record_that_a_full_disk_or_a_cut_ended_can_be_read() {
    let project = Project::new(&[]);
    // The largest file that may be written stands for the disk, and each line of the program is one in the record.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" record --marker x -o r.jsonl -- \"$@\"";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(program())
        .args(["sh", "-c", "for i in $(seq 1000); do echo x $i; done"])
        .current_dir(project.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("is not complete"), "{}", ended.err);
    let text = project.read("r.jsonl");
    assert!(text.ends_with('\n'), "{text}");
    let judged = project.memcase(&["judge", "r.jsonl"]);
    assert!(judged.out.contains("sh: "), "{judged:?}");
    assert!(!judged.err.contains("cut off"), "{judged:?}");

    project.write("cut.jsonl", &text[..text.len() - 9]);
    let lines = text.lines().count();
    for command in ["judge", "plot"] {
        let ended = project.memcase(&[command, "cut.jsonl"]);
        assert!(!ended.out.is_empty(), "{ended:?}");
        let note = format!("note: `cut.jsonl`: line {lines}, the last one, is cut off");
        assert!(ended.err.contains(&note), "{ended:?}");
    }
}

#[test]
fn two_records_at_once_do_not_share_a_file() {
    let project = Project::new(&[]);
    let start = || {
        project
            .command(&["record", "-q", "--", "sh", "-c", "read x"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [start(), start()];
    for mut child in both {
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(1));
    }
    let kept = records(&project);
    assert_eq!(kept.len(), 2, "{kept:?}");
    for file in kept {
        assert!(rows(&file).pop().unwrap().get("end").is_some());
    }
}
