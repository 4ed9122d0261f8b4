//! Processes below a target: who grows, who is an orphan, who is replaced, and the limits on what is counted.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use memcase::measure::{Session, SessionOptions};
use memcase::runtime::Launch;
use memcase::trace::{Member, Metric};
use serde_json::Value;
use tempfile::TempDir;

/// A session with a Python program in the protocol.
fn session(folder: &TempDir, setup: &str, body: &str) -> Session {
    let script = format!(
        "import os, signal\n{setup}\nos.write(4, b'\\n')\ni = 0\nwhile os.read(3, 1):\n    {body}\n    i += 1\n    os.write(4, b'\\n')\n"
    );
    let launch = Launch {
        argv: ["python3", "-c", &script].map(OsString::from).to_vec(),
        cwd: "/".into(),
        ..Launch::default()
    };
    let options = SessionOptions {
        case: "test".to_owned(),
        process: 1,
        timeout: Duration::from_mins(1),
        growth_cap: 1 << 30,
        horizon: 100,
        collect: true,
        trim: true,
        batch: 1,
        children: true,
        memory: None,
        log: folder.path().join("output.log"),
    };
    Session::start(&launch, options).expect("the target starts")
}

fn advance(session: &mut Session, to: u64) {
    let far = Instant::now() + Duration::from_mins(1);
    session
        .advance(to, far, &mut |_, _| {})
        .expect("it goes on");
}

/// Runs one case with the program itself.
fn run(case: &str) -> Value {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("a.yaml"), case).expect("the case can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "--format", "json", "a.yaml"])
        .current_dir(folder.path())
        .env("MEMCASE_DIR", folder.path().join("artifacts"))
        .stdin(Stdio::null())
        .output()
        .expect("memcase starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut events = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events
        .rfind(|event| event["type"] == "case")
        .unwrap_or_else(|| panic!("no case in {text}"))
}

/// Python's own pools: three forked workers that answer each turn; the body of one is given.
fn pool(worker: &str) -> String {
    format!(
        "target:
  language: python
  setup: |
    import multiprocessing
    fork = multiprocessing.get_context('fork')
    kept = []
    def serve(end, number):
        while end.recv():
            {worker}
            end.send(1)
    ends = []
    for number in range(3):
        here, there = fork.Pipe()
        fork.Process(target=serve, args=(there, number), daemon=True).start()
        ends.append(here)
  run: |
    for end in ends: end.send(1)
    for end in ends: end.recv()
measure: {{iterations: 1000}}
"
    )
}

#[test]
fn a_leak_in_one_worker_of_a_pool_is_a_leak_of_the_case_and_the_worker_is_named() {
    let event = run(&pool("if number == 1: kept.append(bytearray(8000))"));
    assert_eq!(event["verdict"], "leak", "{event}");
    assert_eq!(event["metric"], "anon", "{event}");
    for process in 1..=3 {
        let tree = event["tree"].as_array().expect("there are processes");
        let grown = tree
            .iter()
            .filter(|member| member["process"] == process)
            .max_by_key(|member| member["growth"].as_i64())
            .expect("there are some");
        assert_eq!(grown["child"], 2, "{event}");
        assert!(grown["growth"].as_i64() > Some(7_000_000), "{grown}");
        assert!(
            grown["orphan"].is_null() && grown["ended"] == false,
            "{grown}"
        );
    }
}

#[test]
fn a_pool_that_keeps_nothing_is_stable() {
    let event = run(&pool("bytearray(8000)"));
    assert_eq!(event["verdict"], "stable", "{event}");
}

#[test]
fn workers_that_are_replaced_are_no_leak_though_each_of_them_grows() {
    let folder = TempDir::new().expect("a folder can be made");
    let setup = "
def work():
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(w, b'x')
        kept = bytearray(b'x') * (4 << 20)
        while True: signal.pause()
    os.read(r, 1); os.close(r); os.close(w)
    return pid
workers = [work() for _ in range(2)]";
    let body = "if i % 5 == 4: old = workers.pop(0); os.kill(old, 9); os.waitpid(old, 0); workers.append(work())";
    let mut session = session(&folder, setup, body);
    advance(&mut session, 100);
    assert_eq!(session.pids().len(), 3, "the program and its two workers");
    let trace = session.finish().trace;
    let children = &trace
        .get(Metric::Children)
        .expect("they are counted")
        .values;
    assert!(children.iter().all(|&n| n == 2), "{children:?}");
    let members = trace.ending.expect("it ended").members;
    assert_eq!(members[0].child, 0);
    assert!(members.len() > 15, "22 workers were there: {members:?}");
    assert_eq!(
        members[1..].iter().filter(|m| !m.ended).count(),
        2,
        "{members:?}"
    );
    assert!(members.iter().all(|member| member.orphan.is_none()));
}

#[test]
fn what_a_child_holds_is_in_the_sample_of_its_iteration_and_zombies_hold_nothing() {
    let folder = TempDir::new().expect("a folder can be made");
    let setup = "
def child(bytes):
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        kept = bytearray(b'x') * bytes
        os.write(w, b'x')
        while True: signal.pause()
    os.read(r, 1); os.close(r); os.close(w)
    return pid";
    let body = "if i == 9: pid = child(64 << 20)
    if i == 19: os.kill(pid, 9); os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)";
    let mut session = session(&folder, setup, body);
    advance(&mut session, 30);
    let finished = session.finish();
    let trace = finished.trace;
    let anon = trace.get(Metric::Anon).expect("it is read");
    let held: Vec<bool> = anon
        .values
        .iter()
        .map(|&a| a > anon.values[0] + (64 << 20))
        .collect();
    let expected: Vec<bool> = (0..=30).map(|at| (10..20).contains(&at)).collect();
    assert_eq!(held, expected, "{:?}", anon.values);
    let last = trace
        .get(Metric::Children)
        .and_then(|series| series.values.last().copied());
    assert_eq!(last, Some(1), "it was never waited for");
    let members: Vec<Member> = trace.ending.expect("it ended").members;
    assert_eq!(
        (members[1].from, members[1].to, members[1].ended),
        (10, 19, true)
    );
}

#[test]
fn an_orphan_counts_as_the_cases_and_is_named() {
    let event = run(
        "target:\n  language: shell\n  run: |\n    [ $iteration = 5 ] && (setsid sleep 412 &)\n    :\nmeasure: {iterations: 240}\n",
    );
    let notes = event["notes"].to_string();
    assert!(
        notes.contains("orphan: child 1 (`sleep 412`) lost its parent by iteration"),
        "{event}"
    );
    let tree = event["tree"].as_array().expect("there are processes");
    let orphans: Vec<_> = tree
        .iter()
        .filter(|member| !member["orphan"].is_null())
        .collect();
    assert_eq!(orphans.len(), 3, "{event}");
    assert!(
        orphans
            .iter()
            .all(|orphan| orphan["last"].as_u64() > Some(0)),
        "{event}"
    );
}

#[test]
fn a_thread_that_is_not_the_first_may_start_children() {
    let folder = TempDir::new().expect("a folder can be made");
    let setup = "
import subprocess, threading
kept = []
def start(): kept.append(subprocess.Popen(['sleep', '100']))
go, done = threading.Event(), threading.Event()
def serve():
    while True:
        go.wait(); go.clear(); start(); done.set()
threading.Thread(target=serve, daemon=True).start()";
    let mut session = session(&folder, setup, "if i == 3: go.set(); done.wait()");
    // Counts are read at every sixteenth iteration at least.
    advance(&mut session, 16);
    assert_eq!(session.pids().len(), 2);
    let trace = session.finish().trace;
    let children = trace.get(Metric::Children).expect("they are counted");
    assert_eq!(children.values.last(), Some(&1));
}

const COUNTED: [(&str, &str, &str); 3] = [
    (
        "fds",
        "kept.append(os.open('/dev/null', 0))",
        "descriptors grew by",
    ),
    (
        "threads",
        "t = threading.Thread(target=threading.Event().wait, daemon=True); t.start()",
        "threads grew by",
    ),
    (
        "children",
        "kept.append(subprocess.Popen(['sleep', '100']))",
        "children grew by",
    ),
];

fn counted(limit: &str, body: &str, most: u32) -> Value {
    run(&format!(
        "target:\n  language: python\n  setup: |\n    import os, threading, subprocess\n    kept = []\n  run: |\n    if iteration % 40 == 39: {body}\nlimits: {{{limit}: {most}}}\nmeasure: {{iterations: 240, processes: 1}}\n"
    ))
}

#[test]
fn limits_on_descriptors_threads_and_children_hold_end_to_end() {
    for (limit, body, words) in COUNTED {
        let event = counted(limit, body, 2);
        assert_eq!(event["outcome"], "failed", "{limit}: {event}");
        let reason = event["reason"].as_str().expect("a sentence");
        assert!(
            reason.contains(words) && reason.contains(&format!("limits.{limit}")),
            "{reason}"
        );
        let event = counted(limit, body, 12);
        assert!(
            !event["reason"].to_string().contains("more than `limits"),
            "{limit}: {event}"
        );
    }
}

#[test]
fn a_peak_of_the_program_or_of_a_child_that_lives_passes_its_limit() {
    let own = "target: {language: python, run: \"x = b'x' * (80 << 20) if iteration == 100 else None; x = None\"}\n";
    let worker = pool("x = bytearray(b'x') * (80 << 20) if number == 2 else None; x = None");
    for case in [own, &worker] {
        let case = case.replace("measure: {iterations: 1000}", "measure: {iterations: 240}");
        let event = run(&format!("{case}limits: {{peak: 64 MiB}}\n"));
        assert_eq!(event["outcome"], "failed", "{event}");
        assert!(
            event["reason"]
                .as_str()
                .is_some_and(|r| r.contains("limits.peak")),
            "{event}"
        );
    }
}

#[test]
fn a_leak_says_when_each_limit_is_reached_in_iterations_and_in_time() {
    let event = run(
        "target:\n  language: python\n  setup: kept = []\n  run: kept.append(bytearray(4000))\nlimits: {memory: 1 GiB, peak: 300 MiB}\nmeasure: {iterations: 1000}\n",
    );
    let reaches = event["reaches"].as_array().expect("there are limits");
    let kinds: Vec<_> = reaches
        .iter()
        .map(|r| r["limit"].as_str().unwrap_or(""))
        .collect();
    assert_eq!(kinds[..2], ["peak", "memory"], "{event}");
    assert!(["container", "machine"].contains(&kinds[2]), "{event}");
    let slope = event["slope"]["estimate"].as_f64().expect("a number");
    let at = |k: usize, unit: &str, end: &str| reaches[k][unit][end].as_f64().expect("a number");
    let between = at(1, "iterations", "expected") - at(0, "iterations", "expected");
    let room = f64::from((1 << 30) - (300 << 20));
    assert!((between * slope / room - 1.0).abs() < 0.1, "{event}");
    for k in 0..3 {
        for unit in ["iterations", "seconds"] {
            assert!(at(k, unit, "soonest") <= at(k, unit, "expected"), "{event}");
            assert!(at(k, unit, "expected") <= at(k, unit, "latest"), "{event}");
        }
    }
}

#[test]
fn a_leak_of_descriptors_says_when_they_run_out() {
    let event = run(
        "target:\n  language: python\n  setup: |\n    import os, resource\n    resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))\n    kept = []\n  run: kept.append(os.open('/dev/null', 0))\nmeasure: {iterations: 400}\n",
    );
    let reaches = event["reaches"].as_array().expect("there are limits");
    let open = reaches.iter().find(|r| r["limit"] == "descriptors");
    let open = open.unwrap_or_else(|| panic!("{event}"));
    assert_eq!(open["value"], 600);
    let after = open["iterations"]["expected"].as_f64().expect("a number");
    assert!((560.0..=640.0).contains(&after), "{event}");
}
