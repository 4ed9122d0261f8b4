//! Processes that the target starts: by fork, by vfork, in pools, and by executing in its own place.

use std::path::Path;

use memcase::trace::{Heap, Metric};
use tempfile::TempDir;

use crate::target::{Program, Target, compile, launch, session, steady, steps};

const FORK: &str = "static pid_t pids[1000];
    static void wait_for(pid_t pid) { int status; CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0); }";

fn of(prelude: &str, setup: &str, body: &str) -> Target {
    Target::of(Program {
        prelude: &format!("{FORK}\n{prelude}"),
        setup,
        body,
    })
}

#[test]
fn a_child_counts_for_itself_from_nothing_and_its_parent_is_not_charged() {
    // The child keeps 100 blocks more, frees one that it inherited, and lives until the next turn.
    let mut target = of(
        "static int gate[2], done[2];",
        "CHECK(!pipe(gate)); CHECK(!pipe(done));",
        "char b; if (i > 0) { CHECK(write(gate[1], \"x\", 1) == 1); wait_for(pids[0]); }
         void *inherited = malloc(1000);
         if (!(pids[0] = fork())) { for (int k = 0; k < 100; k++) CHECK(malloc(100)); free(inherited);
             CHECK(write(done[1], \"x\", 1) == 1); CHECK(read(gate[0], &b, 1) == 1); _exit(0); }
         CHECK(read(done[0], &b, 1) == 1); free(inherited);
         dprintf(1, \"child %d\\n\", pids[0]);",
    );
    target.turn();
    assert_eq!(target.changes(3), [(0, 0); 3]);
    let child = newest_child(target.pid());
    let kept = target.in_use_by(child).unwrap();
    assert_eq!((kept.bytes, kept.blocks), (100 * 112 - 1008, 99));
}

/// The last child that a process has.
fn newest_child(pid: u32) -> u32 {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_ascii_whitespace()
        .last()
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn three_hundred_children_one_after_the_other_find_room() {
    let mut target = of(
        "",
        "",
        "for (int k = 0; k < 100; k++) { pid_t child = fork();
             if (!child) { CHECK(malloc(5000)); _exit(0); } wait_for(child); } CHECK(malloc(100));",
    );
    assert_eq!(target.changes(3), [(112, 1); 3]);
    assert_eq!(target.lost(), 0);
    target.end();
}

const POOL: &str = "static int gate[2], ready[2];
    static void pool(int n) { char b; CHECK(!pipe(gate)); CHECK(!pipe(ready));
        for (int k = 0; k < n; k++) if (!(pids[k] = fork())) { close(gate[1]);
            for (int m = 0; m < 100; m++) CHECK(malloc(5000));
            CHECK(write(ready[1], \"x\", 1) == 1); read(gate[0], &b, 1); _exit(0); }
        for (int k = 0; k < n; k++) CHECK(read(ready[0], &b, 1) == 1); }
    static void release(int n) { close(gate[1]); for (int k = 0; k < n; k++) wait_for(pids[k]); }";

#[test]
fn of_three_hundred_children_at_once_some_are_lost_and_the_target_stays_exact() {
    let mut target = of(
        POOL,
        "",
        "CHECK(malloc(100)); if (i == 1) pool(300); if (i == 2) release(300);",
    );
    target.turn();
    assert_eq!(target.changes(5), [(112, 1); 5]);
    // The target has one of the 256 places.
    assert_eq!(target.lost(), 45);
    target.end();
}

#[test]
fn a_trace_tells_of_lost_children_and_does_not_call_live_complete() {
    let folder = TempDir::new().unwrap();
    let text = |n: u32| {
        Program {
            prelude: &format!("{FORK}\n{POOL}"),
            setup: &format!("pool({n});"),
            body: "",
        }
        .text()
    };
    for (n, lost) in [(200, 0), (300, 45)] {
        let built = compile(folder.path(), "gcc", "pool", &text(n), &[]);
        let trace = session(&launch(&[built.to_str().unwrap()]), 3);
        assert_eq!(trace.header.lost, lost);
        assert_eq!(trace.header.live_complete, lost == 0);
        assert_eq!(trace.header.uncounted, None);
    }
}

#[test]
fn thousands_of_python_subprocesses_use_up_no_room() {
    let script = "import os, subprocess\nheld = [None] * 100\nos.write(4, b'\\n')\ni = 0\n\
        while os.read(3, 1):\n    for k in range(100): subprocess.run(['/bin/true'], check=True)\n\
        \x20   held[i] = bytes(1000)\n    i += 1\n    os.write(4, b'\\n')\n";
    let mut target = Target::start(&launch(&["python3", "-c", script]), TempDir::new().unwrap());
    target.turn();
    let changes = target.changes(19);
    assert!(
        changes[4..].iter().all(|&change| change == (1056, 1)),
        "{changes:?}"
    );
    assert_eq!(target.lost(), 0);
    target.end();
}

#[test]
fn vforked_and_spawned_children_leave_nothing_behind() {
    let mut target = of(
        "#include <spawn.h>\\nextern char **environ;",
        "char *arguments[] = {\"true\", 0};",
        "for (int k = 0; k < 50; k++) { pid_t child = vfork();
             if (!child) { execv(\"/bin/true\", arguments); _exit(1); } wait_for(child);
             CHECK(!posix_spawn(&child, \"/bin/true\", 0, 0, arguments, environ)); wait_for(child); }
         CHECK(malloc(100));",
    );
    target.turn();
    assert_eq!(target.changes(6), [(112, 1); 6]);
    assert_eq!(target.lost(), 0);
    target.end();
}

fn keeps_a_hundred(folder: &Path) -> String {
    let program = Program {
        body: "CHECK(malloc(100));",
        ..Program::default()
    };
    let built = compile(folder, "gcc", "program", &program.text(), &[]);
    built.to_str().unwrap().to_owned()
}

#[test]
fn behind_wrappers_it_is_the_last_program_that_is_read() {
    let folder = TempDir::new().unwrap();
    let program = keeps_a_hundred(folder.path());
    let plain = format!("exec {program}");
    let exec = format!("x=1; exec env setarch -R {program}");
    for argv in [
        vec!["/bin/sh", "-c", &plain],
        vec!["/bin/sh", "-c", &exec],
        vec!["/usr/bin/env", "A=b", &program],
        vec!["/usr/bin/setarch", "-R", &program],
        vec!["/usr/bin/nice", "/usr/bin/nohup", &program],
    ] {
        let target = Target::start(&launch(&argv), TempDir::new().unwrap());
        assert_eq!(steady(target), (112, 1), "{argv:?}");
    }
}

#[test]
fn a_script_is_counted_as_its_interpreter() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let program = keeps_a_hundred(folder.path());
    for (name, line) in [
        ("plain", program.clone()),
        ("by-env", "/usr/bin/env -S sh".to_owned()),
    ] {
        let script = folder.path().join(name);
        std::fs::write(&script, format!("#!{line}\nexec {program}\n")).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let trace = session(&launch(&[script.to_str().unwrap()]), 8);
        assert_eq!(steps(&trace, Metric::Native), [112; 7]);
        assert_eq!(
            (trace.header.heap, trace.header.live_complete),
            (Heap::Malloc, true)
        );
    }
}
