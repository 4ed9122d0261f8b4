//! `memcase run` for people: lines, explanations, filters, exit codes.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::support::{
    CRASH, Ended, LEAK, NO_INTERPRETER, Project, SPIKE, STABLE, TOO_SHORT, program, quiet,
};

fn claimed_leak() -> String {
    format!("{LEAK}expect: leak\n")
}

#[test]
fn each_verdict_stands_beside_libtests_word() {
    let project = Project::new(&[
        ("deep/claimed", &claimed_leak()),
        ("deep/leak", LEAK),
        ("stable", STABLE),
        ("spike", SPIKE),
        ("short", TOO_SHORT),
        ("crash", CRASH),
    ]);
    let ended = project.memcase(&["run"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("running 6 tests\n"), "{}", ended.out);
    for (id, expected) in [
        ("deep/claimed", "... ok      leak as claimed"),
        ("deep/leak", "... FAILED  leak"),
        ("stable", "... ok      stable"),
        ("spike", "... ok      spike as claimed"),
        ("short", "... inconclusive"),
        ("crash", "... BROKEN"),
    ] {
        let line = ended.line(id);
        assert!(line.contains(expected), "{line}");
    }
    let leak = ended.line("deep/leak");
    assert!(
        leak.contains("KiB/iter (95% CI ") && leak.contains("▁▂▃▄▅▆▇█"),
        "{leak}"
    );
    assert!(
        leak.contains(", OOM at ") && leak.contains(", about "),
        "{leak}"
    );
    let stable = ended.line("stable");
    assert!(stable.contains("would have seen ") && stable.contains(" over 240 iterations"));
    let closing = "not as claimed: 1; inconclusive: 1; broken: 1 (all counted as failed below)\n\
                   test result: FAILED. 3 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out";
    assert!(ended.out.contains(closing), "{}", ended.out);
    assert!(
        !ended.out.contains('\u{1b}') && ended.err.is_empty(),
        "{ended:?}"
    );
}

#[test]
fn a_failure_is_explained_with_what_to_do_next() {
    let project = Project::new(&[("leak", LEAK), ("crash", CRASH)]);
    let ended = project.memcase(&["cases/"]);
    for expected in [
        "  it leaks, and the case says that it is stable\n",
        "    slope     +4.",
        "    samples   ",
        "    reaches   OOM at ",
        "    next      memcase run cases/leak.yaml --exact leak ",
        "    case      cases/leak.yaml:",
        "    traces    .memcase/leak\n",
        "  the target ended with exit code 1 in iteration 10\n",
        "ValueError: no more\n",
        "File \"cases/crash.yaml\", line 6",
    ] {
        assert!(ended.out.contains(expected), "{expected}\n{}", ended.out);
    }
}

#[test]
fn every_exit_code_has_its_case() {
    let project = Project::new(&[
        ("stable", STABLE),
        ("leak", LEAK),
        ("short", TOO_SHORT),
        ("crash", CRASH),
    ]);
    project.write("bad.yaml", "target: {language: python, rum: pass}\n");
    for (arguments, code) in [
        (&["run", "stable"][..], 0),
        (&["run", "leak", "crash", "short"], 1),
        (&["run", "--no-such-flag"], 2),
        (&["run", "bad.yaml"], 2),
        (&["run", "missing.yaml"], 2),
        (&["run", "short", "stable"], 3),
        (&["run", "nothing-like-it"], 4),
        (&["run", "crash", "short"], 5),
    ] {
        let ended = project.memcase(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
    }
}

#[test]
fn a_wrong_case_file_is_explained_and_nothing_is_run() {
    let project = Project::new(&[("stable", STABLE)]);
    project.write("cases/bad.yaml", "target: {language: python, rum: pass}\n");
    project.write("cases/worse.yaml", "target: 3\n");
    let ended = project.memcase(&["run"]);
    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.out, "");
    assert!(ended.err.contains("cases/bad.yaml") && ended.err.contains("cases/worse.yaml"));
    assert!(ended.err.contains("nothing was run"), "{}", ended.err);
    assert!(!project.path().join(".memcase").exists());
}

#[test]
fn a_case_without_its_interpreter_is_broken_and_says_so() {
    let project = Project::new(&[("a", NO_INTERPRETER)]);
    let ended = project.memcase(&["run"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.line("a").contains("BROKEN"));
    assert!(ended.out.contains("python-of-nowhere"), "{}", ended.out);
    let listed = project.memcase(&["list"]);
    assert_eq!(listed.code, Some(0));
    assert!(listed.out.contains("python-of-nowhere"), "{}", listed.out);
}

#[test]
fn words_that_are_no_paths_filter_by_id() {
    let project = Project::new(&[("a/one", STABLE), ("a/two", STABLE), ("b/one", STABLE)]);
    let listed = |arguments: &[&str]| {
        let mut all = vec!["run", "--list"];
        all.extend(arguments);
        project.memcase(&all).out
    };
    assert_eq!(listed(&[]), "a/one: test\na/two: test\nb/one: test\n");
    assert_eq!(listed(&["two"]), "a/two: test\n");
    assert_eq!(
        listed(&["two", "b/"[..1].as_ref()]),
        "a/two: test\nb/one: test\n"
    );
    assert_eq!(
        listed(&["cases/", "--", "one"]),
        "a/one: test\nb/one: test\n"
    );
    assert_eq!(listed(&["--exact", "a/one"]), "a/one: test\n");
    assert_eq!(listed(&["--skip", "one"]), "a/two: test\n");
    assert_eq!(listed(&["cases/b"]), "b/one: test\n");
    assert_eq!(listed(&["--language", "node"]), "");
    let ended = project.memcase(&["run", "a/one", "--iterations", "40"]);
    assert!(ended.out.contains("2 filtered out"), "{}", ended.out);
}

#[test]
fn fail_fast_starts_nothing_after_a_failure() {
    let project = Project::new(&[("a", LEAK), ("b", STABLE)]);
    let ended = project.memcase(&["run", "--fail-fast", "-j1"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.line("b").contains("ignored"), "{}", ended.out);
}

#[test]
fn the_terse_format_has_a_mark_for_each_outcome() {
    let project = Project::new(&[("a", STABLE), ("b", LEAK), ("c", TOO_SHORT), ("d", CRASH)]);
    let ended = project.memcase(&["run", "-q", "-j1"]);
    assert!(
        ended.out.contains("running 4 tests\n.F?B\n"),
        "{}",
        ended.out
    );
}

#[test]
fn colour_is_used_only_where_it_is_asked_for() {
    let project = Project::new(&[("a", STABLE)]);
    let forced = project.memcase(&["run", "--color", "always", "--iterations", "40"]);
    assert!(forced.out.contains("\u{1b}["), "{}", forced.out);
    let mut command = project.command(&["run", "--iterations", "40"]);
    let output = command
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output();
    assert!(
        !String::from_utf8(output.unwrap().stdout)
            .unwrap()
            .contains('\u{1b}')
    );
}

#[test]
fn a_closed_pipe_ends_the_run_without_a_word_and_without_a_pass() {
    let project = Project::new(&[("a", STABLE), ("b", STABLE), ("c", STABLE)]);
    for arguments in [&["run", "-j1"][..], &["run", "--format", "json", "-j1"]] {
        let mut child = project
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(err, "");
        // Not 0: the cases behind the first were not measured.
        assert_eq!(output.status.code(), Some(130));
    }
}

#[test]
fn a_run_whose_only_case_nobody_reads_of_is_no_pass() {
    let project = Project::new(&[("a", STABLE)]);
    let mut child = project
        .command(&["run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// Loses a descriptor in every iteration, by more than the usual limit would allow here.
const HANDLES: &str = "
target:
  language: python
  setup: |
    kept = []
  run: |
    kept.append(open('/dev/null'))
expect: leak
measure: {iterations: 400}
";

#[test]
fn a_leak_of_descriptors_is_followed_beyond_the_usual_limit() {
    let project = Project::new(&[("handles", HANDLES)]);
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 256; exec \"$0\" run"])
        .arg(program())
        .current_dir(project.path());
    quiet(&mut command);
    let ended = Ended::of(command.output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let line = ended.line("handles");
    assert!(line.contains("leak as claimed"), "{line}");
}

#[test]
fn artifacts_are_private_and_complete() {
    let project = Project::new(&[("deep/a", STABLE)]);
    project.memcase(&["run"]);
    let folder = project.path().join(".memcase/deep/a");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("result.json")), 0o600);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names[0], "process-1.log");
    // Three processes decide, and one runs beside them without forced collections.
    assert_eq!(names[4], "result.json");
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("trace-"))
            .count(),
        4
    );
    let staging = std::fs::read_dir(project.path().join(".memcase")).unwrap();
    let left: Vec<_> = staging
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".staging"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_new_case_runs_as_it_is_and_is_not_overwritten() {
    let project = Project::new(&[]);
    let first = project.memcase(&["new", "hello", "--language", "python"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let text = project.read("cases/hello.yaml");
    let again = project.memcase(&["new", "hello", "--language", "python"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.err.contains("exists already"), "{}", again.err);
    assert_eq!(project.read("cases/hello.yaml"), text);
    assert_eq!(
        project
            .memcase(&["run", "hello", "--iterations", "240"])
            .code,
        Some(0)
    );
    assert_eq!(project.memcase(&["new", "../out"]).code, Some(2));
}

#[test]
fn without_cases_the_way_to_a_first_one_is_told() {
    let ended = Project::new(&[]).memcase(&[]);
    assert_eq!(ended.code, Some(4));
    assert!(ended.err.contains("memcase new"), "{}", ended.err);
}

#[test]
fn a_wrapper_is_measured_with_what_it_wraps() {
    let leaks = "import os\nkept = []\nos.write(4, b'\\n')\nwhile os.read(3, 1):\n    kept.append(bytes(20000))\n    os.write(4, b'\\n')\n";
    let case = "target:\n  command: \"python3 ../leaks.py; true\"\n  shell: true\nmeasure:\n  iterations: 300\nexpect: leak\n";
    let project = Project::new(&[("wrapped", case)]);
    project.write("leaks.py", leaks);
    let ended = project.memcase(&["run"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_shell_command_that_is_not_there_is_broken() {
    let case = "target:\n  language: shell\n  run: no-such-command-at-all --now\n";
    let ended = Project::new(&[("a", case)]).memcase(&["run"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended.out.contains("no-such-command-at-all"),
        "{}",
        ended.out
    );
}

#[test]
fn a_process_that_has_to_be_killed_at_its_end_is_told_of() {
    let case = "target:\n  language: python\n  setup: |\n    import threading\n    threading.Thread(target=threading.Event().wait).start()\n  run: x = 1\nmeasure:\n  iterations: 240\n";
    let project = Project::new(&[("a", case)]);
    let ended = project.memcase(&["run", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.out.contains("did not end within 2 s"),
        "{}",
        ended.out
    );
}
