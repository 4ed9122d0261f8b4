//! A recorded program ends, reads, writes and gets signals as if it were run directly.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

use crate::record::{python, ready, rows, signal, wait_for, with_program};
use crate::support::{Ended, Project};

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
fn the_exit_code_is_the_programs_when_a_phase_begins_at_its_end() {
    let project = Project::new(&[]);
    let closes = "echo x; exec >&- 2>&-; exit 3";
    for _ in 0..30 {
        let how = ["record", "--marker", "x", "--interval", "1ms", "--"];
        let ended = project.memcase(&[&how[..], &["sh", "-c", closes]].concat());
        assert_eq!(ended.code, Some(3), "{}", ended.err);
        assert!(ended.err.contains("exit code 3"), "{}", ended.err);
    }
}

#[test]
fn what_an_exit_gives_back_is_no_reading() {
    let project = Project::new(&[]);
    // It only ever grows, until it is gone.
    let holds = "import os; kept = [b'x' * (1 << 20) + bytes(n) for n in range(300)]; os._exit(0)";
    let how = ["record", "-o", "r.jsonl", "--interval", "1ms", "--"];
    let ended = project.memcase(&[&how[..], &["python3", "-c", holds]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let rows = rows(&project.path().join("r.jsonl"));
    let held: Vec<u64> = rows.iter().filter_map(|row| row["pss"].as_u64()).collect();
    let falls = held.windows(2).find(|pair| pair[1] + (5 << 20) < pair[0]);
    assert!(held.len() > 2 && falls.is_none(), "{falls:?} of {held:?}");
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
    let expected: Vec<String> = (1..=5).map(|i| format!("out {i}\nerr {i}\n")).collect();
    let expected = expected.concat();
    assert_eq!(fs::read_to_string(together).unwrap(), expected);
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
    // Until the one that lives on has been seen beside the shell.
    wait_for(&project, |rows| {
        // The shell is the first, and the one that starts it may be the second.
        rows.iter().any(|row| {
            let process = &row["process"];
            let named = process["command"].as_str().unwrap_or_default();
            named.starts_with("sleep") || process["process"].as_u64() > Some(1)
        })
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
