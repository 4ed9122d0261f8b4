//! Live progress in a real pseudo-terminal: it moves, and no line is the worse for it.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::screen::Screen;
use crate::support::{LEAK, Project, STABLE};

const WIDTH: usize = 200;

/// Runs memcase with a terminal for all its outputs and returns what it wrote there.
fn in_terminal(project: &Project, arguments: &[&str]) -> (Option<i32>, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: 50,
        ws_col: WIDTH as u16,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let name = ptsname(&terminal, Vec::new())
        .unwrap()
        .into_string()
        .unwrap();
    let line = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name)
        .unwrap();
    let mut command = project.command(arguments);
    command
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .stdout(line.try_clone().unwrap())
        .stderr(line);
    let mut child = command.spawn().unwrap();
    // The command holds the terminal's other end; without it a read ends when memcase does.
    drop(command);
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let mut terminal = File::from(terminal);
    while let Ok(got @ 1..) = terminal.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..got]);
    }
    let code = child.wait().unwrap().code();
    (code, String::from_utf8(bytes).unwrap())
}

#[test]
fn bars_never_corrupt_a_line_and_are_gone_in_the_end() {
    let cases: Vec<(String, &str)> = (0..6)
        .map(|k| (format!("case-{k}"), if k % 2 == 0 { STABLE } else { LEAK }))
        .collect();
    let cases: Vec<(&str, &str)> = cases
        .iter()
        .map(|(id, text)| (id.as_str(), *text))
        .collect();
    let project = Project::new(&cases);
    let (code, written) = in_terminal(&project, &["run", "-j2", "--iterations", "600"]);
    assert_eq!(code, Some(1), "{written}");
    assert!(written.contains("making ready"), "{written}");
    assert!(written.contains(" of 600 iterations, "), "{written}");
    let seen = Screen::after(&written, WIDTH);
    let whole = seen.join("\n");
    assert!(!whole.contains(" of 600 iterations, "), "{whole}");
    let starts = seen.iter().position(|line| line == "running 6 tests");
    let starts = starts.unwrap_or_else(|| panic!("{whole}"));
    let mut lines: Vec<&String> = seen[starts + 1..starts + 7].iter().collect();
    lines.sort();
    for (k, line) in lines.into_iter().enumerate() {
        let expected = if k % 2 == 0 {
            format!("test case-{k} ... ok      stable           would have seen ")
        } else {
            format!("test case-{k} ... FAILED  leak             +")
        };
        assert!(line.starts_with(&expected), "{line}\n{whole}");
        assert!(!line.contains(" of 600 iterations, "), "{line}");
    }
    let result = "test result: FAILED. 3 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out";
    assert!(seen.iter().any(|line| line.starts_with(result)), "{whole}");
}

#[test]
fn a_terminal_gets_colour_unless_it_says_no() {
    let project = Project::new(&[("a", STABLE)]);
    let (code, written) = in_terminal(&project, &["run", "--iterations", "40"]);
    assert!(code.is_some() && written.contains("\u{1b}[3"), "{written}");
    let (_, plain) = in_terminal(&project, &["run", "--iterations", "40", "--color", "never"]);
    assert!(!plain.contains("\u{1b}[3"), "{plain}");
}
