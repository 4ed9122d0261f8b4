//! The real `cargo insta` sees, accepts and rejects what memcase leaves pending.

use std::io::Write;
use std::process::Command;

use crate::baselines::{CASE, snapshot, waiting};
use crate::support::{Ended, Project, quiet};

fn cargo(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(project.path());
    quiet(&mut command);
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_") || name.starts_with("INSTA_") {
            command.env_remove(name);
        }
    }
    Ended::of(command.output().unwrap())
}

#[test]
fn what_memcase_leaves_pending_cargo_insta_lists_and_accepts() {
    let project = Project::new(&[("grow", CASE)]);
    project.grows("leak_linear", "1024");
    let manifest =
        "[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n";
    project.write("Cargo.toml", manifest);
    project.write("src/lib.rs", "");
    if cargo(&project, &["insta", "--version"]).code != Some(0) {
        // Past the capture of the test harness.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: cargo-insta is not here; `cargo install cargo-insta` brings it"
        );
        return;
    }
    assert_eq!(
        cargo(&project, &["generate-lockfile", "--offline"]).code,
        Some(0)
    );
    let run = |update: &str| {
        let ended = project.memcase(&["run", update]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    };
    run("--update=new");
    let text = project.read(&waiting());
    assert!(text.contains("source: cases/grow.yaml\n"), "{text}");
    let listed = cargo(&project, &["insta", "pending-snapshots"]);
    assert!(
        listed.out.contains(&waiting()) || listed.out.contains(&snapshot()),
        "{listed:?}"
    );
    let rejected = cargo(&project, &["insta", "reject"]);
    assert_eq!(rejected.code, Some(0), "{rejected:?}");
    assert!(!project.has(&waiting()) && !project.has(&snapshot()));

    run("--update=new");
    let accepted = cargo(&project, &["insta", "accept"]);
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    let theirs = project.read(&snapshot());
    let same = run("--update=auto");
    assert!(
        same.line("grow").contains(", as its baseline"),
        "{}",
        same.out
    );

    // Accepted by memcase it is the same file to the byte.
    project.write(&waiting(), &theirs);
    assert_eq!(project.memcase(&["accept"]).code, Some(0));
    assert_eq!(project.read(&snapshot()), theirs);
}
