//! How a watch is spoken to, how it ends, and what is refused.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::debug::talk;
use crate::support::{Ended, Project};
use crate::watch::{C_LEAK, C_STABLE, Watching, at_work, endless};

#[test]
fn lines_in_a_terminal_run_all_again_or_what_fails_and_quit() {
    let project = Project::new(&[("a", C_STABLE), ("b", C_LEAK)]);
    let ready = "h: help, q: quit)";
    let (all, code) = talk(
        &project,
        &["watch", "--fast"],
        &[
            (ready, "\n"),
            (ready, "f\n"),
            (ready, "h\n"),
            (ready, "q\n"),
        ],
    );
    assert_eq!(code, Some(0), "{all}");
    assert!(all.contains("all are run again: running 2 of 2"), "{all}");
    assert!(
        all.contains("2 unchanged; 1 of 2 cases is as claimed"),
        "{all}"
    );
    let failing = "those that are not as claimed are run again: running 1 of 2";
    assert!(all.contains(failing), "{all}");
    assert!(all.contains("run all cases again"), "{all}");
}

#[test]
fn an_interrupted_run_is_told_apart_from_a_watch_that_is_ended() {
    let project = Project::new(&[]);
    let (endless, pipe) = endless(&project);
    project.write("cases/a.yaml", &endless);
    let watching = Watching::begin(&project, &[]);
    let _pipe = at_work(&pipe);
    assert_eq!(watching.end(), Some(130));
}

#[test]
fn nobody_who_reads_ends_the_watch() {
    let project = Project::new(&[("a", C_STABLE)]);
    let mut command = project.command(&["watch", "--fast"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    out.find(|line| line.as_ref().unwrap().contains("watching 1 case"))
        .unwrap()
        .unwrap();
    drop(out);
    project.write("cases/a.yaml", C_LEAK);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn what_can_not_be_watched_is_refused() {
    let project = Project::new(&[("a", C_STABLE)]);
    let refused = |arguments: &[&str], code, why: &str| {
        let Ended {
            code: told, err, ..
        } = project.memcase(&[&["watch"], arguments].concat());
        assert_eq!(told, Some(code), "{err}");
        assert!(err.contains(why), "{err}");
    };
    refused(&["--rerun-failed"], 2, "type `f` and Enter");
    refused(&["nowhere/"], 2, "`nowhere/` does not exist");
    refused(&["--poll", "1ms"], 2, "at least 10ms");
    refused(&["--profile", "none"], 2, "none");
}
