//! What `--against` does to a repository and its surroundings: nothing that stays.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::repository::{Repository, grows, script};
use crate::support::{Ended, program, quiet};

/// Ends a wait for something that happens at once, or never.
const PATIENCE: Duration = Duration::from_mins(1);

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn the_index_is_left_alone_and_no_hook_is_run() {
    let repository = grows();
    let hook = repository.project.path().join(".git/hooks/post-checkout");
    repository
        .project
        .write(".git/hooks/post-checkout", "#!/bin/sh\ntouch hooked\n");
    let made = Command::new("sh")
        .args(["-c", "chmod 755 \"$1\"", "sh"])
        .arg(&hook)
        .status();
    assert!(made.unwrap().success());
    repository.write("grow.sh", &script("leak_linear", "64"));
    repository.git(&["add", "sub/cases"]);
    let before = repository.git(&["status", "--porcelain"]);
    assert_eq!(before.lines().next(), Some("M  sub/cases/grow.sh"));
    // So memcase is called by a hook.
    let mut command = repository.command(&["run", "--against", "main"]);
    command.env("GIT_DIR", repository.project.path().join(".git"));
    command.env(
        "GIT_INDEX_FILE",
        repository.project.path().join(".git/index"),
    );
    let ended = Ended::of(command.output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.line("grow").contains("improved"), "{}", ended.out);
    let after = repository.git(&["status", "--porcelain"]);
    let without = |text: &str| text.replace("?? sub/.memcase/\n", "");
    assert_eq!(without(&after), without(&before));
    assert!(!repository.project.has("hooked") && !repository.project.has("sub/hooked"));
}

#[test]
fn an_interrupted_run_takes_the_revision_away() {
    let repository = grows();
    let mut child = repository.measuring();
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    repository.is_clean();
}

#[test]
fn a_killed_run_leaves_it_to_its_guard_to_take_the_revision_away() {
    let repository = grows();
    let mut child = repository.measuring();
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !repository.has_nothing_left() {
        assert!(Instant::now() < deadline, "the revision is still there");
        std::thread::yield_now();
    }
    repository.is_clean();
}

#[test]
fn who_is_interrupted_while_git_writes_leaves_nothing_behind() {
    let repository = grows();
    // A git that says when it writes, and then does not end.
    let real = Command::new("sh")
        .args(["-c", "command -v git"])
        .output()
        .unwrap();
    let real = String::from_utf8(real.stdout).unwrap();
    let ready = repository.project.path().join("ready");
    let slow = format!(
        "#!/bin/sh\ncase \"$*\" in *'worktree add'*) {} \"$@\"; echo > '{}'; exec sleep 600;; esac\nexec {} \"$@\"\n",
        real.trim(),
        ready.display(),
        real.trim()
    );
    repository.project.write("bin/git.sh", &slow);
    let made = Command::new("sh")
        .args(["-c", "cp git.sh git && chmod 755 git && mkfifo ../ready"])
        .current_dir(repository.project.path().join("bin"))
        .status();
    assert!(made.unwrap().success());
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", repository.project.path().join("bin").display());
    let mut command = repository.command(&["run", "--against", "main"]);
    let mut child = command
        .env("PATH", path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It can be opened once the other end is.
    fs::read_to_string(&ready).unwrap();
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(said.contains("interrupted: nothing was measured"), "{said}");
    repository.is_clean();
}

#[test]
fn packages_of_a_revision_are_its_own_and_go_with_it() {
    let package = |size: u32| {
        format!(
            "static KEPT: std::sync::Mutex<Vec<Vec<u8>>> = std::sync::Mutex::new(Vec::new());\npub fn work() {{ KEPT.lock().unwrap().push(vec![1; {size}]); }}\n"
        )
    };
    let manifest = "[package]\nname = \"own\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n";
    let case = "target:\n  language: rust\n  requires: ['own = { path = \"../own\" }']\n  run: own::work();\nexpect: leak\nmeasure: {iterations: 240}\n";
    let repository = Repository::new(&[
        ("own.yaml", case),
        ("../own/Cargo.toml", manifest),
        ("../own/lib.rs", &package(1024)),
    ]);
    repository.write("../own/lib.rs", &package(4096));
    let cache = repository.project.path().join("cache");
    let mut command = repository.command(&["run", "--against", "main"]);
    let ended = Ended::of(command.env("MEMCASE_CACHE_DIR", &cache).output().unwrap());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let line = ended.line("own");
    assert!(line.contains("regressed: slope of live from 1.0"), "{line}");
    let mut list = Command::new(program());
    quiet(&mut list);
    let list = list
        .args(["env", "list"])
        .env("MEMCASE_CACHE_DIR", &cache)
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains("1 environment kept"), "{list}");
    repository.is_clean();
}
