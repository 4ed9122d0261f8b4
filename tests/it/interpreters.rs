//! `--interpreter`: one in place of the cases' own, and several that are compared.

use std::process::Command;

use crate::support::{Ended, LEAK, Project, STABLE};

/// Keeps a text in a variable of its own at every iteration: 100 bytes, or 2,000 where `MORE` is set.
const SHELL: &str = "
target:
  language: shell
  setup: |
    i=0
    pad=$(printf '%0100d' 0)
    if [ -n \"$MORE\" ]; then pad=$(printf '%02000d' 0); fi
  run: |
    i=$((i + 1)); eval \"kept_$i=$pad\"
expect: leak
measure: {iterations: 480}
";

/// Interpreters below `bin/`: `python-linked` and `python-wrapped` are the same Python, and `bash-more` is a `bash` with
/// `MORE` set.
fn project(cases: &[(&str, &str)]) -> Project {
    let project = Project::new(cases);
    project.write(
        "make.sh",
        "set -e\nmkdir bin\npython=$(python3 -c 'import sys; print(sys.executable)')\n\
         ln -s \"$python\" bin/python-linked\n\
         printf '#!/bin/sh\\nexec \"%s\" \"$@\"\\n' \"$python\" > bin/python-wrapped\n\
         printf '#!/bin/sh\\nMORE=1 exec bash \"$@\"\\n' > bin/bash-more\n\
         chmod 755 bin/python-wrapped bin/bash-more\n",
    );
    let made = Command::new("sh")
        .arg("make.sh")
        .current_dir(project.path())
        .status();
    assert!(made.unwrap().success());
    project
}

fn run(interpreters: &[&str], others: &[&str]) -> Vec<String> {
    let flags = interpreters.iter().flat_map(|one| ["--interpreter", one]);
    let flags = ["run"].into_iter().chain(flags);
    flags
        .chain(others.iter().copied())
        .map(str::to_owned)
        .collect()
}

fn ends_with(project: &Project, arguments: &[String], code: i32) -> Ended {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    project.ends_with(&arguments, code)
}

#[test]
fn cases_are_run_with_each_interpreter_and_compared_with_the_first() {
    let project = project(&[("kept", LEAK), ("other", SHELL)]);
    project.write("cases/kept.yaml", &format!("{LEAK}expect: leak\n"));
    let both = ["bin/python-linked", "bin/python-wrapped"];
    let listed = ends_with(&project, &run(&both, &["--list"]), 0);
    let ids = "kept[python-linked]: test\nkept[python-wrapped]: test\nother: test\n";
    assert_eq!(listed.out, ids);
    let ended = ends_with(&project, &run(&both, &[]), 0);
    let untouched = "note: `--interpreter` does not touch cases that are not in python; they are run as always: other\n";
    assert_eq!(ended.err, untouched);
    let first = ended.line("kept[python-linked]");
    assert!(
        first.contains("leak as claimed") && !first.contains("python-wrapped"),
        "{first}"
    );
    let second = ended.line("kept[python-wrapped]");
    assert!(second.contains(", as with `python-linked`"), "{second}");
    assert!(ended.out.contains("running 3 tests") && ended.out.contains("3 passed"));
    for id in ["kept[python-linked]", "kept[python-wrapped]", "other"] {
        assert!(project.has(&format!(".memcase/{id}/result.json")), "{id}");
    }
    assert!(!project.has("cases/snapshots") && !project.has(".memcase/.beside"));
}

#[test]
fn one_that_needs_more_than_the_first_fails_the_case() {
    let project = project(&[("kept", SHELL)]);
    let flags = ["bash", "bin/bash-more"];
    let ended = ends_with(&project, &run(&flags, &["--format", "json"]), 1);
    let events = ended.json();
    let of = |id: &str| {
        let is_it = |event: &&serde_json::Value| event["type"] == "case" && event["id"] == id;
        events.iter().find(is_it).unwrap()
    };
    let (first, second) = (of("kept[bash]"), of("kept[bash-more]"));
    assert_eq!(first["outcome"], "passed");
    assert!(first["baseline"].is_null());
    assert_eq!(first["side"]["case"], "kept");
    assert_eq!(first["side"]["interpreter"], "bash");
    assert_eq!(second["outcome"], "failed");
    assert_eq!(second["baseline"]["kind"], "regressed");
    assert_eq!(second["baseline"]["against"]["interpreter"]["name"], "bash");
    let more = &second["baseline"]["differences"][0]["difference"]["estimate"];
    assert!((more.as_f64().unwrap() - 1900.0).abs() < 40.0, "{more}");
    let reason = second["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("its slope of live is more than with `bash`: "),
        "{reason}"
    );
    assert!(reason.contains(" with `bash`"), "{reason}");

    let less = ends_with(&project, &run(&["bin/bash-more", "bash"], &[]), 0);
    let told = "kept[bash] improved: its slope of live is less than with `bash-more`";
    assert!(less.out.contains(told), "{}", less.out);
}

#[test]
fn a_missing_one_is_told_as_always_whether_it_is_the_first_or_not() {
    let project = project(&[("flat", STABLE)]);
    for flags in [
        ["bin/python-linked", "python-of-nowhere"],
        ["python-of-nowhere", "bin/python-linked"],
    ] {
        let ended = ends_with(&project, &run(&flags, &[]), 5);
        let missing = ended.line("flat[python-of-nowhere]");
        let why = "BROKEN  Python cases need `python-of-nowhere`, which was not found";
        assert!(missing.contains(why), "{missing}");
        let there = ended.line("flat[python-linked]");
        assert!(there.contains("ok "), "{there}");
        let compared = there.contains("not comparable with `python-of-nowhere`");
        assert_eq!(compared, flags[0] == "python-of-nowhere", "{there}");
    }
}

#[test]
fn one_alone_stands_in_place_of_those_of_the_cases() {
    let named = STABLE.replace(
        "language: python",
        "language: python\n  interpreter: python-of-nowhere",
    );
    let project = project(&[("named", &named), ("kept", SHELL)]);
    let ended = ends_with(&project, &run(&["bin/python-wrapped"], &["named"]), 0);
    assert!(ended.line("named").contains("ok "), "{}", ended.out);
    assert!(ended.err.is_empty(), "{}", ended.err);
    let other = ends_with(
        &project,
        &run(&["bin/python-wrapped", "shell=bin/bash-more"], &["kept"]),
        0,
    );
    let slope = other.line("kept");
    assert!(slope.contains("+2."), "{slope}");
}

#[test]
fn only_the_sides_of_a_case_that_fails_are_tried_again() {
    let project = project(&[("kept", SHELL)]);
    let flags = ["bash", "bin/bash-more"];
    let arguments = run(&flags, &["--retries", "1", "--format", "json"]);
    let events = ends_with(&project, &arguments, 1).json();
    let tried: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "case-tried")
        .collect();
    assert_eq!(tried.len(), 1, "{tried:?}");
    assert_eq!(tried[0]["id"], "kept[bash-more]");
    let attempts = |id: &str| {
        let is_it = |event: &&serde_json::Value| event["type"] == "case" && event["id"] == id;
        let case = events.iter().find(is_it).unwrap();
        (
            case["attempts"].as_array().unwrap().len(),
            case["flaky"].clone(),
        )
    };
    assert_eq!(attempts("kept[bash-more]"), (2, false.into()));
    assert_eq!(attempts("kept[bash]"), (0, false.into()));
}

#[test]
fn mistakes_in_the_flag_are_told_and_nothing_is_run() {
    let project = project(&[("flat", STABLE)]);
    for (flags, why, code) in [
        (
            vec!["bin/snake"],
            "does not tell which language it speaks",
            2,
        ),
        (vec!["python="], "names no program", 2),
        (vec!["python3", "python3"], "is given twice", 2),
        (
            vec!["node"],
            "is for cases in node, and none of the selected cases is",
            4,
        ),
    ] {
        let ended = ends_with(&project, &run(&flags, &[]), code);
        assert!(ended.err.contains(why) && ended.out.is_empty(), "{ended:?}");
    }
    let both = run(&["python3", "bin/python-linked"], &["--update=new"]);
    let ended = ends_with(&project, &both, 2);
    assert!(ended.err.contains("leave out `--update`"), "{}", ended.err);
}
