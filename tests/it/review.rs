//! `memcase review` in a real pseudo-terminal: what is shown, and what each key does.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::baselines::{accepted, snapshot, waiting};
use crate::support::Project;

/// Answers each question with the next of `keys` and returns what was shown.
fn review(project: &Project, keys: &str) -> (Option<i32>, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new())
        .unwrap()
        .into_string()
        .unwrap();
    let line = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name)
        .unwrap();
    let mut command = project.command(&["review"]);
    command
        .env("TERM", "xterm-256color")
        .stdin(line.try_clone().unwrap())
        .stdout(line.try_clone().unwrap())
        .stderr(line);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut terminal = File::from(terminal);
    let (mut shown, mut buffer) = (Vec::new(), [0; 4096]);
    let (mut keys, mut answered) = (keys.bytes(), 0);
    while let Ok(got @ 1..) = terminal.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..got]);
        let asked = String::from_utf8_lossy(&shown).matches("q leave").count();
        if asked > answered {
            answered = asked;
            let key = keys.next().expect("there is a key for each question");
            terminal.write_all(&[key]).unwrap();
        }
    }
    (
        child.wait().unwrap().code(),
        String::from_utf8(shown).unwrap(),
    )
}

/// The project with three waiting results, one of which differs from its baseline.
fn three() -> Project {
    let project = accepted();
    project.grows("leak_linear", "4096");
    assert_eq!(project.memcase(&["run"]).code, Some(1));
    for other in ["a", "b"] {
        let file = waiting().replace("grow@", &format!("{other}@"));
        project.write(&file, &project.read(&waiting()));
    }
    project
}

#[test]
fn each_waiting_result_is_shown_with_both_sides_and_done_with_as_the_key_says() {
    let project = three();
    let before = project.read(&snapshot());
    let (code, shown) = review(&project, "ars");
    assert_eq!(code, Some(0), "{shown}");
    for expected in [
        "[1/3] a (",
        "new: there is no baseline yet",
        "[3/3] grow (",
        "before  ▁▂▃▄▅▆▇█  leak",
        "now     ▁▂▃▄▅▆▇█  leak",
        "+1.02 KiB/iter (95% CI 1.0",
        "+4.02 KiB/iter (95% CI 4.0",
        "regressed: its slope of live rose",
        "1 accepted, 1 rejected, 1 still pending",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(project.has(&snapshot().replace("grow@", "a@")));
    assert!(!project.has(&waiting().replace("grow@", "a@")));
    assert!(!project.has(&waiting().replace("grow@", "b@")));
    assert!(!project.has(&snapshot().replace("grow@", "b@")));
    assert!(project.has(&waiting()));
    assert_eq!(project.read(&snapshot()), before);
}

#[test]
fn who_leaves_leaves_the_rest_pending() {
    let project = three();
    let (code, shown) = review(&project, "q");
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("0 accepted, 0 rejected, 3 still pending"),
        "{shown}"
    );
}

#[test]
fn without_a_terminal_review_says_what_to_use() {
    let project = three();
    let ended = project.memcase(&["review"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("memcase accept"), "{}", ended.err);
    assert!(project.has(&waiting()));
}

#[test]
fn a_waiting_file_that_can_not_be_read_is_told_of_and_the_others_are_asked_about() {
    let project = three();
    let broken = waiting().replace("grow@", "a@");
    project.write(&broken, "---\ncut off");
    let (code, shown) = review(&project, "ss");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("unreadable    a ("), "{shown}");
    assert!(shown.contains("`memcase reject a` removes it"), "{shown}");
    assert!(shown.contains("2 still pending"), "{shown}");
    assert!(project.has(&broken));
}
