//! `memcase record` as a user runs it: what the program notices of it (nothing), and what is kept.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Ended, Project, program, quiet};

const MIB: u64 = 1 << 20;

/// A folder with a Python program.
fn with_program(text: &str) -> Project {
    let project = Project::new(&[]);
    project.write("program.py", text);
    project
}

/// The interpreter itself, and not a script that looks for it.
fn python() -> String {
    let found = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

/// The summary, which is the last line on standard error.
fn summary(ended: &Ended) -> Value {
    let line = ended.err.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {}", ended.err))
}

/// The record that is kept in the folder, as the lines of its file.
fn rows(path: &Path) -> Vec<Value> {
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

#[test]
fn a_spike_between_two_samples_is_kept_in_its_phase() {
    let project = with_program(
        "import time
print('== quiet', flush=True)
time.sleep(0.05)
print('== spike', flush=True)
time.sleep(0.05)
x = bytearray(100 << 20)
time.sleep(0.02)
del x
print('== after', flush=True)
time.sleep(0.05)
",
    );
    let marker = [
        "--marker",
        "^== (.*)",
        "--interval",
        "1h",
        "--format",
        "json",
    ];
    let python = python();
    let mut arguments = vec!["record"];
    arguments.extend(marker);
    arguments.extend(["--", &python, "program.py"]);
    let ended = project.memcase(&arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out, "== quiet\n== spike\n== after\n");
    let summary = summary(&ended);
    let quiet = of_phase(&summary, "quiet", "peak");
    let spike = of_phase(&summary, "spike", "peak");
    let after = of_phase(&summary, "after", "last");
    assert!(
        (95 * MIB..115 * MIB).contains(&(spike - quiet)),
        "{summary}"
    );
    assert!(after < quiet + 5 * MIB, "{summary}");
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
}

/// Looks at the record until it is as it should be.
fn wait_for(project: &Project, found: impl Fn(&[Value]) -> bool) -> PathBuf {
    loop {
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
fn the_program_ends_as_it_would_and_memcase_with_it() {
    let project = Project::new(&[]);
    let run = |words: &[&str]| {
        let arguments = [&["record", "-o", "r.jsonl", "--"], words].concat();
        let output = project.command(&arguments).output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&["true"]).0.code(), Some(0));
    assert_eq!(run(&["sh", "-c", "exit 7"]).0.code(), Some(7));
    assert_eq!(run(&["sh", "-c", "kill -TERM $$"]).0.signal(), Some(15));
    assert_eq!(run(&["sh", "-c", "kill -KILL $$"]).0.signal(), Some(9));
    assert_eq!(run(&["sh", "-c", "kill -SEGV $$"]).0.signal(), Some(11));
    let (status, said) = run(&["no-such-program"]);
    assert_eq!(status.code(), Some(127));
    assert!(
        said.contains("`no-such-program` could not be started"),
        "{said}"
    );
    assert_eq!(run(&["/etc/passwd"]).0.code(), Some(126));
    assert!(!project.path().join(".memcase").exists());
}

#[test]
fn bytes_pass_through_untouched_in_order_and_so_does_standard_input() {
    let project = Project::new(&[]);
    let script = "printf 'a\\377\\000b'; printf 'err\\n' >&2; cat; printf 'no end'";
    for more in [&[][..], &["--marker", "nothing"]] {
        let arguments = [&["record", "-q"], more, &["--", "sh", "-c", script]].concat();
        let mut child = project
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(b"from\0stdin\n")
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.stdout, b"a\xff\0bfrom\0stdin\nno end", "{more:?}");
        assert_eq!(output.stderr, b"err\n", "{more:?}");
    }
    let together = project.path().join("together");
    let file = fs::File::create(&together).unwrap();
    let script = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done";
    let status = project
        .command(&["record", "-q", "--marker", "x", "--", "sh", "-c", script])
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .status()
        .unwrap();
    assert!(status.success());
    let expected: String = (1..=5).map(|i| format!("out {i}\nerr {i}\n")).collect();
    assert_eq!(fs::read_to_string(together).unwrap(), expected);
}

/// Starts a program whose first line says that it is ready.
fn ready(project: &Project, arguments: &[&str]) -> (Child, impl Iterator<Item = String> + use<>) {
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

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill")
        .args([name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_signal_to_memcase_reaches_the_program_once_and_the_record_is_whole() {
    let project = with_program(
        "import signal, sys
both = {signal.SIGTERM, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, both)
print('ready', flush=True)
seen = [signal.sigwait(both).name for _ in both]
print(*seen, flush=True)
sys.stdin.readline()
print(len(signal.sigpending() & both), flush=True)
sys.exit(5)
",
    );
    let python = python();
    let (mut child, mut lines) = ready(
        &project,
        &["record", "-o", "r.jsonl", "--", &python, "program.py"],
    );
    signal("-USR1", child.id());
    signal("-TERM", child.id());
    let mut seen: Vec<String> = lines
        .next()
        .unwrap()
        .split(' ')
        .map(str::to_owned)
        .collect();
    seen.sort();
    assert_eq!(seen, ["SIGTERM", "SIGUSR1"]);
    drop(child.stdin.take());
    assert_eq!(lines.next().as_deref(), Some("0"));
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(5));
    assert!(ended.err.contains("exit code 5"), "{}", ended.err);
    let end = rows(&project.path().join("r.jsonl")).pop().unwrap();
    assert_eq!(end["end"]["reason"], "interrupted");
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
    assert!(
        over.err
            .contains("limit 50.0 MiB: it would have been killed: it held "),
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

#[test]
fn who_reads_the_output_may_stop_reading() {
    let project = Project::new(&[]);
    for more in [&[][..], &["--marker", "nothing"]] {
        let arguments = [&["record", "-q"], more, &["--", "yes"]].concat();
        let mut child = project
            .command(&arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut some = [0; 2];
        child.stdout.take().unwrap().read_exact(&mut some).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(13), "{more:?}");
    }
}

#[test]
fn processes_that_live_on_are_left_alone_and_told() {
    let project = Project::new(&[]);
    let mut command = project.command(&["record", "--", "sh", "-c"]);
    command.arg("(sleep 1000 >/dev/null 2>&1 & echo $!); read x; exit 0");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&project, |rows| {
        rows.iter().any(|row| row.get("i").is_some())
    });
    drop(child.stdin.take());
    let ended = Ended::of(child.wait_with_output().unwrap());
    let pid = ended.out.trim();
    let lives = Path::new("/proc").join(pid).exists();
    if lives {
        signal("-KILL", pid.parse().unwrap());
    }
    assert!(lives, "{}", ended.err);
    assert!(
        ended.err.contains("1 process of it lives on"),
        "{}",
        ended.err
    );
}

/// memcase with a terminal of its own, as its controlling one.
fn in_terminal(project: &Project, arguments: &[&str]) -> (Child, fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let line = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut command = Command::new("setsid");
    command
        .args(["--ctty", "--wait"])
        .arg(program())
        .args(arguments)
        .current_dir(project.path())
        .env("TERM", "xterm-256color")
        .stdin(line.try_clone().unwrap())
        .stdout(line.try_clone().unwrap())
        .stderr(line);
    quiet(&mut command);
    let child = command.spawn().unwrap();
    (child, fs::File::from(terminal))
}

/// All that comes until `end` does, or nothing more.
fn until(terminal: &mut fs::File, end: &str) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = terminal.read(&mut buffer) {
        all.extend_from_slice(&buffer[..n]);
        if !end.is_empty() && String::from_utf8_lossy(&all).contains(end) {
            break;
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn ctrl_c_in_the_terminal_reaches_the_program_once_and_the_record_is_kept() {
    let project = with_program(
        "import signal, sys
count = []
signal.signal(signal.SIGINT, lambda *_: count.append(1))
print('rea' + 'dy', sys.stdin.isatty(), sys.stdout.isatty(), flush=True)
line = sys.stdin.readline()
print('got', line.strip(), len(count), flush=True)
sys.exit(3)
",
    );
    let python = python();
    for live in ["auto", "never"] {
        let (mut child, mut terminal) = in_terminal(
            &project,
            &[
                "record",
                "--live",
                live,
                "-o",
                "r.jsonl",
                "--",
                &python,
                "program.py",
            ],
        );
        let mut shown = until(&mut terminal, "ready True True");
        terminal.write_all(b"\x03").unwrap();
        // Typed behind it, so that it is read after the signal.
        terminal.write_all(b"typed\n").unwrap();
        shown += &until(&mut terminal, "");
        assert!(shown.contains("ready True True"), "{shown}");
        assert!(shown.contains("got typed 1"), "{shown}");
        assert_eq!(child.wait().unwrap().code(), Some(3), "{shown}");
        assert!(
            shown.contains("plot it by: memcase plot r.jsonl"),
            "{shown}"
        );
        let end = rows(&project.path().join("r.jsonl")).pop().unwrap();
        assert_eq!(end["end"]["reason"], "interrupted");
    }
}

#[test]
fn the_live_line_goes_away_for_what_the_program_writes() {
    let project = with_program(
        "import sys
print('first', flush=True)
sys.stdin.readline()
print('second', flush=True)
",
    );
    let python = python();
    let (mut child, mut terminal) = in_terminal(
        &project,
        &["record", "--interval", "10ms", "--", &python, "program.py"],
    );
    let mut shown = until(&mut terminal, "first");
    shown += &until(&mut terminal, "peak");
    terminal.write_all(b"\n").unwrap();
    shown += &until(&mut terminal, "");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{shown}");
    let seen = crate::screen::Screen::after(&shown, 100);
    let place = |text: &str| seen.iter().position(|line| line == text);
    let (first, second) = (place("first"), place("second"));
    assert!(first.is_some() && second > first, "{seen:?}");
    assert!(
        seen.iter().any(|line| line.starts_with("recorded ")),
        "{seen:?}"
    );
}

#[test]
fn modes_that_a_program_sets_on_its_output_hold_for_the_keys_that_are_typed() {
    let project = with_program(
        "import sys, termios, tty
tty.setcbreak(1)
print('ready', flush=True)
key = sys.stdin.buffer.raw.read(1)
print('key', key.decode(), flush=True)
",
    );
    let python = python();
    let (mut child, mut terminal) = in_terminal(
        &project,
        &["record", "-o", "r.jsonl", "--", &python, "program.py"],
    );
    let shown = until(&mut terminal, "ready");
    assert!(shown.contains("ready"), "{shown}");
    // No end of line: without the mode the program would wait for it for ever.
    terminal.write_all(b"k").unwrap();
    let shown = until(&mut terminal, "");
    assert!(shown.contains("key k"), "{shown}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
