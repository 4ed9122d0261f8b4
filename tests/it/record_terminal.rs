//! A recorded program in a terminal: keys, Ctrl-C, modes, and the line of memcase's below what it writes.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command};

use crate::record::{python, rows, with_program};
use crate::support::{Project, program, quiet};

/// memcase with a terminal of its own, as its controlling one.
pub(crate) fn in_terminal(project: &Project, arguments: &[&str]) -> (Child, fs::File) {
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
