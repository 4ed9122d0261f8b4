//! Nothing outlives memcase: not on Ctrl-C, not on SIGTERM, not when it is killed itself.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// Whether any process of this machine that lives has `word` in its command line.
fn is_running(word: &str) -> bool {
    let Ok(entries) = fs::read_dir("/proc") else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        fs::read(path.join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
            && fs::read_to_string(path.join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
    })
}

/// How many processes have `sleep NAP` as their command line and no environment.
fn bare(nap: &str) -> usize {
    let Ok(entries) = fs::read_dir("/proc") else {
        return 0;
    };
    let line = format!("sleep\0{nap}\0");
    let is_bare = |path: &Path| {
        fs::read(path.join("cmdline")).is_ok_and(|found| found == line.as_bytes())
            && fs::read(path.join("environ")).is_ok_and(|found| found.is_empty())
    };
    entries
        .flatten()
        .filter(|entry| is_bare(&entry.path()))
        .count()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// A run whose targets each start a daemon, and a child, and go on for long.
fn run_with_strays(folder: &Path, daemon: &str, nap: &str) -> Child {
    let case = format!(
        "target:\n  language: shell\n  setup: |\n    {daemon} &\n    sleep {nap} &\n  run: |\n    x=1\nmeasure:\n  iterations: 100000000\n  time: 300 s\nlimits:\n  timeout: 300 s\n"
    );
    run(folder, &case, nap)
}

/// A run of one case, once something with `nap` in its command line runs.
fn run(folder: &Path, case: &str, nap: &str) -> Child {
    fs::write(folder.join("strays.yaml"), case).expect("the case can be written");
    let child = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "strays.yaml"])
        .current_dir(folder)
        .env("MEMCASE_DIR", folder.join("artifacts"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("memcase can be started");
    until("the targets did not start", || is_running(nap));
    child
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().cast_signed()).expect("it has a number");
    kill_process(pid, signal).expect("it can be signalled");
}

#[test]
fn an_interrupted_run_ends_with_130_keeps_its_samples_and_leaves_nothing_behind() {
    for (number, signal) in [(1, Signal::INT), (2, Signal::TERM)] {
        let folder = TempDir::new().expect("a folder can be made");
        let nap = format!("{}.{}", 5000 + number, std::process::id());
        let mut child = run_with_strays(folder.path(), &format!("setsid sleep {nap}"), &nap);
        send(&child, signal);
        let status = child.wait().expect("it can be waited for");
        assert_eq!(status.code(), Some(130));
        until("a stray survived", || !is_running(&nap));
        let traces = walk(&folder.path().join("artifacts"));
        assert!(
            traces.iter().any(|name| name.contains("trace-1")),
            "{traces:?}"
        );
    }
}

#[test]
fn a_daemon_without_session_and_environment_ends_with_the_run() {
    let folder = TempDir::new().expect("a folder can be made");
    let nap = format!("5004.{}", std::process::id());
    let case = format!(
        "target:\n  language: shell\n  setup: env -i setsid sleep {nap} &\n  run: x=1\nmeasure:\n  iterations: 20\n"
    );
    fs::write(folder.path().join("a.yaml"), case).expect("the case can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "a.yaml"])
        .current_dir(folder.path())
        .env("MEMCASE_DIR", folder.path().join("artifacts"))
        .stdin(Stdio::null())
        .output()
        .expect("memcase can be started");
    assert!(String::from_utf8_lossy(&output.stdout).contains("running 1 test"));
    assert!(!is_running(&nap));
}

#[test]
fn a_killed_run_leaves_nothing_behind() {
    let folder = TempDir::new().expect("a folder can be made");
    let nap = format!("5003.{}", std::process::id());
    let mut child = run_with_strays(folder.path(), &format!("setsid sleep {nap}"), &nap);
    send(&child, Signal::KILL);
    child.wait().expect("it can be waited for");
    until("a stray survived", || !is_running(&nap));
}

#[test]
fn a_killed_run_leaves_no_daemon_without_session_and_environment() {
    let folder = TempDir::new().expect("a folder can be made");
    let nap = format!("5005.{}", std::process::id());
    let mut child = run_with_strays(folder.path(), &format!("env -i setsid sleep {nap}"), &nap);
    until("the daemons did not start", || bare(&nap) == 3);
    send(&child, Signal::KILL);
    child.wait().expect("it can be waited for");
    until("a stray survived", || !is_running(&nap));
}

/// A run that compiles with what sleeps for `nap`.
fn run_that_compiles(folder: &Path, nap: &str) -> Child {
    let script = format!("#!/bin/sh\ncase $1 in --version) echo 1;; *) sleep {nap};; esac\n");
    fs::write(folder.join("cc.sh"), script).expect("the compiler can be written");
    // Another process writes what is executed: a fork of this one might still hold it open.
    let copied = Command::new("sh")
        .args(["-c", "cp cc.sh cc && chmod 755 cc"])
        .current_dir(folder)
        .status();
    assert!(copied.is_ok_and(|status| status.success()));
    let case = "target: {language: c, interpreter: ./cc, run: ;}\n";
    run(folder, case, nap)
}

#[test]
fn a_killed_run_leaves_no_compiler_behind() {
    let folder = TempDir::new().expect("a folder can be made");
    let nap = format!("5006.{}", std::process::id());
    let mut child = run_that_compiles(folder.path(), &nap);
    send(&child, Signal::KILL);
    child.wait().expect("it can be waited for");
    until("a compiler survived", || !is_running(&nap));
}

#[test]
fn a_case_that_is_interrupted_while_it_compiles_is_not_broken_but_skipped() {
    let folder = TempDir::new().expect("a folder can be made");
    let nap = format!("5007.{}", std::process::id());
    let child = run_that_compiles(folder.path(), &nap);
    send(&child, Signal::INT);
    let output = child.wait_with_output().expect("it can be waited for");
    assert_eq!(output.status.code(), Some(130));
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(
        out.contains("test strays ... ignored (interrupted)"),
        "{out}"
    );
    assert!(out.contains("test result: interrupted. 0 passed"), "{out}");
    assert!(!is_running(&nap));
}

/// The names of all files below a folder.
fn walk(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .flat_map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                walk(&path)
            } else {
                vec![entry.file_name().to_string_lossy().into_owned()]
            }
        })
        .collect()
}
