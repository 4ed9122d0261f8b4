//! A program that takes the place of a counted one without being counted leaves no stale counts behind.

use memcase::trace::{Heap, Metric};
use tempfile::TempDir;

use crate::target::{Program, can_compile, compile, launch, session};

#[test]
fn a_program_without_the_library_behind_a_wrapper_is_not_taken_for_counted() {
    if !can_compile("gcc", &["-static"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let program = Program {
        body: "CHECK(malloc(100));",
        ..Program::default()
    };
    let dynamic = compile(folder.path(), "gcc", "dynamic", &program.text(), &[]);
    let fixed = compile(folder.path(), "gcc", "fixed", &program.text(), &["-static"]);
    let (dynamic, fixed) = (dynamic.to_str().unwrap(), fixed.to_str().unwrap());
    let behind_a_shell = format!("exec {fixed}");
    for argv in [
        vec!["/bin/sh", "-c", &behind_a_shell],
        vec!["/usr/bin/env", fixed],
        vec!["/usr/bin/env", "-i", dynamic],
        vec!["/usr/bin/env", "-u", "LD_PRELOAD", dynamic],
    ] {
        let trace = session(&launch(&argv), 5);
        let why = trace.header.uncounted.as_ref().expect("it says so");
        assert!(why.contains("not loaded"), "{why}");
        assert_eq!(
            (trace.header.heap, trace.header.live_complete),
            (Heap::None, false)
        );
        assert!(trace.get(Metric::Native).is_none() && trace.get(Metric::Live).is_none());
        assert_eq!(trace.get(Metric::Anon).unwrap().len(), 6);
    }
}

#[test]
fn a_target_that_executes_another_program_between_turns_is_complete_no_more() {
    let folder = TempDir::new().unwrap();
    // The second program goes on where the first one was: its own words of being ready answer the turn.
    let program = Program {
        setup: "char *nothing[] = {0};",
        body: "if (argc == 1) { char *again[] = {argv[0], \"again\", 0}; execve(argv[0], again, nothing); }",
        ..Program::default()
    };
    let built = compile(folder.path(), "gcc", "program", &program.text(), &[]);
    let trace = session(&launch(&[built.to_str().unwrap()]), 5);
    let why = trace.header.uncounted.expect("it says so");
    assert!(why.contains("executed another program"), "{why}");
    assert!(!trace.header.live_complete);
}

#[test]
fn a_child_that_executes_a_program_without_the_library_is_not_taken_for_counted() {
    let folder = TempDir::new().unwrap();
    let program = Program {
        body: "CHECK(malloc(100));",
        ..Program::default()
    };
    let built = compile(folder.path(), "gcc", "dynamic", &program.text(), &[]);
    let script = format!("/usr/bin/env -i {}; true", built.display());
    let trace = session(&launch(&["/bin/sh", "-c", &script]), 5);
    assert!(!trace.header.live_complete);
    let script = format!("/usr/bin/env {}; true", built.display());
    let trace = session(&launch(&["/bin/sh", "-c", &script]), 5);
    assert!(trace.header.live_complete);
}
