//! memcase as a test target of another package, under `cargo test` and `cargo nextest`.

use std::path::Path;
use std::process::Command;

use crate::support::{Ended, LEAK, NO_INTERPRETER, Project, STABLE, TOO_SHORT, quiet};

/// A package whose test target is a memcase harness, built against this memcase offline.
fn package() -> Project {
    let project = Project::new(&[
        ("deep/stable", STABLE),
        ("claimed", &format!("{LEAK}expect: leak\n")),
        ("leak", LEAK),
        ("short", TOO_SHORT),
        ("nowhere", NO_INTERPRETER),
    ]);
    let memcase = Path::new(env!("CARGO_MANIFEST_DIR"));
    project.write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dev-dependencies]\nmemcase = {{ path = \"{}\" }}\n\n\
             [[test]]\nname = \"memory\"\nharness = false\n\n[workspace]\n",
            memcase.display()
        ),
    );
    project.write("src/lib.rs", "");
    project.write(
        "tests/memory.rs",
        "fn main() -> std::process::ExitCode { memcase::harness(\"cases/\") }\n",
    );
    let lock = std::fs::read_to_string(memcase.join("Cargo.lock")).unwrap();
    project.write("Cargo.lock", &lock);
    project
}

fn cargo(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(arguments)
        .current_dir(project.path())
        .env("CARGO_NET_OFFLINE", "true");
    quiet(&mut command);
    // The folder of this build: what is built there need not be built again.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    command.env("CARGO_TARGET_DIR", target);
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG") || name.starts_with("NEXTEST") {
            command.env_remove(name);
        }
    }
    Ended::of(command.output().unwrap())
}

#[test]
fn cargo_test_and_nextest_run_cases_as_tests() {
    let project = package();
    let listed = cargo(
        &project,
        &[
            "test", "--quiet", "--test", "memory", "--", "--list", "--format", "terse",
        ],
    );
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert_eq!(
        listed.out,
        "claimed: test\ndeep/stable: test\nleak: test\nnowhere: test\nshort: test\n"
    );

    let all = cargo(
        &project,
        &[
            "test", "--quiet", "--test", "memory", "--", "--format", "pretty",
        ],
    );
    assert_eq!(all.code, Some(101), "{all:?}");
    for expected in [
        "test claimed     ... ok\n",
        "test deep/stable ... ok\n",
        "test leak        ... FAILED\n",
        "test nowhere     ... ignored\n",
        "test short       ... FAILED\n",
        "it leaks, and the case says that it is stable",
        "not enough evidence for a verdict",
        "2 passed; 2 failed; 1 ignored",
    ] {
        assert!(all.out.contains(expected), "{expected}\n{}", all.out);
    }

    // A file that is not valid is not read when another case is named exactly.
    project.write("cases/bad.yaml", "target: 3\n");
    let one = cargo(
        &project,
        &[
            "test",
            "--quiet",
            "--test",
            "memory",
            "--",
            "deep/stable",
            "--exact",
            "--nocapture",
        ],
    );
    assert_eq!(one.code, Some(0), "{one:?}");
    assert!(one.out.contains("1 passed; 0 failed"), "{}", one.out);
    let bad = cargo(&project, &["test", "--quiet", "--test", "memory"]);
    assert!(
        bad.code != Some(0) && bad.err.contains("cases/bad.yaml"),
        "{bad:?}"
    );
    std::fs::remove_file(project.path().join("cases/bad.yaml")).unwrap();

    nextest(&project);
}

#[expect(clippy::print_stdout, reason = "who reads the output shall know")]
fn nextest(project: &Project) {
    let found = Command::new("cargo-nextest").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("cargo-nextest is not installed: its part of the test is left out");
        return;
    }
    let listed = |arguments: &[&str]| {
        let list = [
            &["nextest", "list", "--color", "never", "--test", "memory"],
            arguments,
        ]
        .concat();
        let ended = cargo(project, &list);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let names = ended
            .out
            .lines()
            .filter_map(|line| line.strip_prefix("user::memory "));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), ["claimed", "deep/stable", "leak", "short"]);
    assert_eq!(listed(&["-E", "test(deep/)"]), ["deep/stable"]);
    assert_eq!(listed(&["--run-ignored", "only"]), ["nowhere"]);
    for kind in ["slice", "hash"] {
        let mut parts = listed(&["--partition", &format!("{kind}:1/2")]);
        parts.extend(listed(&["--partition", &format!("{kind}:2/2")]));
        parts.sort();
        assert_eq!(parts, ["claimed", "deep/stable", "leak", "short"], "{kind}");
    }
    let ended = cargo(
        project,
        &[
            "nextest",
            "run",
            "--no-fail-fast",
            "--color",
            "never",
            "--test",
            "memory",
        ],
    );
    assert_eq!(ended.code, Some(100), "{ended:?}");
    for expected in [
        "user::memory claimed",
        "user::memory deep/stable",
        "4 tests run: 2 passed, 2 failed, 1 skipped",
    ] {
        assert!(ended.err.contains(expected), "{expected}\n{}", ended.err);
    }
    // Its word for a test that leaves processes behind.
    assert!(!ended.err.contains(" LEAK "), "{}", ended.err);
}
