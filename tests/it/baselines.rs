//! Baselines from outside: pending, accepted, compared, and what is written when.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Ended, Project};

/// A program of `fixtures/`, built once.
pub(crate) fn fixture(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_memcase")).parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build
            .args(["build", "--quiet", "--bins", "-p", "memcase-fixtures"])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success());
        folder.to_owned()
    });
    folder.join(name)
}

/// A case whose target is the same whatever program stands behind it.
pub(crate) const CASE: &str =
    "target: {command: [sh, grow.sh]}\nexpect: leak\nmeasure: {iterations: 480}\n";

/// The accepted snapshot of the case `grow`.
pub(crate) fn snapshot() -> String {
    format!(
        "cases/snapshots/grow@{}-{}.snap",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// The pending one.
pub(crate) fn waiting() -> String {
    format!("{}.new", snapshot())
}

impl Project {
    /// Puts a fixture behind the case.
    pub(crate) fn grows(&self, program: &str, arguments: &str) {
        let program = fixture(program);
        self.write(
            "cases/grow.sh",
            &format!("exec '{}' {arguments}\n", program.display()),
        );
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.path().join(path).exists()
    }

    pub(crate) fn ends_with(&self, arguments: &[&str], code: i32) -> Ended {
        let ended = self.memcase(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        ended
    }
}

/// A project whose case grows by 1,040 bytes an iteration, which is accepted.
pub(crate) fn accepted() -> Project {
    let project = Project::new(&[("grow", CASE)]);
    project.grows("leak_linear", "1024");
    project.ends_with(&["run", "--update=always"], 0);
    assert!(project.has(&snapshot()) && !project.has(&waiting()));
    project
}

#[test]
fn a_result_waits_until_it_is_accepted_and_is_then_compared_with() {
    let project = Project::new(&[("grow", CASE)]);
    project.grows("leak_linear", "1024");
    let plain = project.ends_with(&["run"], 0);
    assert!(!plain.out.contains("baseline"), "{}", plain.out);
    assert!(!project.has("cases/snapshots"));

    let new = project.ends_with(&["run", "--update=new"], 0);
    assert!(
        new.line("grow").contains(", new baseline pending"),
        "{}",
        new.out
    );
    assert!(
        new.out
            .contains("1 snapshot waits to be accepted: memcase review")
    );
    assert!(project.has(&waiting()) && !project.has(&snapshot()));
    let text = project.read(&waiting());
    assert!(project.ends_with(&["pending"], 0).out.starts_with("new "));

    project.ends_with(&["accept"], 0);
    assert_eq!(project.read(&snapshot()), text);
    assert!(!project.has(&waiting()));
    let same = project.ends_with(&["run"], 0);
    assert!(
        same.line("grow").contains(", as its baseline"),
        "{}",
        same.out
    );
    assert!(!project.has(&waiting()));

    project.grows("leak_linear", "4096");
    let more = project.ends_with(&["run"], 1);
    let line = more.line("grow");
    let change = "regressed: slope of live from 1.02 KiB/iter to 4.02 KiB/iter";
    assert!(line.contains("FAILED") && line.contains(change), "{line}");
    let reason = "its slope of live rose since the baseline: 4.02 KiB/iter (4.0";
    assert!(more.out.contains(reason), "{}", more.out);
    assert!(more.out.contains("memcase review"), "{}", more.out);
    let listed = project.ends_with(&["pending", "--json"], 0).json();
    assert_eq!(listed[0]["comparison"]["kind"], "regressed");
    assert_eq!(listed[0]["id"], "grow");
    project.ends_with(&["reject", "nothing-like-it"], 0);
    assert!(project.has(&waiting()));
    project.ends_with(&["reject", "grow"], 0);
    assert!(!project.has(&waiting()));
    assert_eq!(project.read(&snapshot()), text);

    project.grows("leak_linear", "64");
    let less = project.ends_with(&["run"], 0);
    let change = "improved: slope of live from 1.02 KiB/iter to 80.0 B/iter";
    assert!(less.line("grow").contains(change), "{}", less.out);
    assert!(less.out.contains("grow improved: its slope of live fell"));
    assert_eq!(project.read(&snapshot()), text, "nothing is taken silently");
    project.ends_with(&["accept"], 0);
    assert_ne!(project.read(&snapshot()), text);
    let same = project.ends_with(&["run"], 0);
    assert!(
        same.line("grow").contains(", as its baseline"),
        "{}",
        same.out
    );
}

#[test]
fn what_a_pending_snapshot_told_is_taken_back_when_it_no_longer_holds() {
    let project = accepted();
    project.grows("leak_linear", "4096");
    project.ends_with(&["run"], 1);
    assert!(project.has(&waiting()));
    project.grows("leak_linear", "1024");
    project.ends_with(&["run"], 0);
    assert!(!project.has(&waiting()));
}

#[test]
fn accepting_what_has_not_changed_changes_no_byte() {
    let project = accepted();
    let text = project.read(&snapshot());
    let again = project.ends_with(&["run", "--update=always"], 0);
    assert!(
        again.line("grow").contains(", as its baseline"),
        "{}",
        again.out
    );
    assert_eq!(project.read(&snapshot()), text);
    // By its words everything is written, and the slopes of this program are exact.
    project.ends_with(&["run", "--update=force"], 0);
    let slope = |text: &str| {
        text.lines()
            .find(|line| line.contains("\"live\""))
            .map(str::to_owned)
    };
    assert_eq!(slope(&project.read(&snapshot())), slope(&text));
}

#[test]
fn memory_after_setup_is_compared_too() {
    let case = "target: {command: [sh, grow.sh]}\nmeasure: {iterations: 480}\n";
    let project = Project::new(&[("grow", case)]);
    project.grows("flat", "");
    project.ends_with(&["run", "--update=always"], 0);
    project.grows("warm_up", "20 2097152");
    let more = project.ends_with(&["run", "--format", "json"], 1).json();
    let case = more.iter().find(|event| event["type"] == "case").unwrap();
    assert_eq!(case["verdict"], "stable");
    assert_eq!(case["baseline"]["kind"], "regressed");
    let of = |event: &Value, name: &str| {
        let all = event["baseline"]["differences"].as_array().unwrap();
        all.iter().find(|d| d["of"] == name).unwrap()["kind"].clone()
    };
    assert_eq!(of(case, "base"), "regressed");
    assert_eq!(of(case, "peak"), "regressed");
    let result: Value = serde_json::from_str(&project.read(".memcase/grow/result.json")).unwrap();
    assert_eq!(&result, case);
}

#[test]
fn under_ci_a_regression_fails_and_nothing_is_written() {
    let project = accepted();
    project.grows("leak_linear", "4096");
    let text = project.read(&snapshot());
    let run = |arguments: &[&str], name: &str, value: &str| {
        let mut command = project.command(arguments);
        Ended::of(command.env(name, value).output().unwrap())
    };
    for (name, value) in [("CI", "true"), ("MEMCASE_UPDATE", "no")] {
        let ended = run(&["run"], name, value);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(!project.has(&waiting()), "{name}");
    }
    assert_eq!(project.read(&snapshot()), text);
    let wrong = run(&["run"], "MEMCASE_UPDATE", "sometimes");
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    let taken = run(&["run", "--update", "always"], "CI", "true");
    assert_eq!(taken.code, Some(0), "{taken:?}");
    assert_ne!(project.read(&snapshot()), text);
}

#[test]
fn what_is_not_measured_alike_is_not_compared_and_the_case_is_judged_by_its_claim() {
    let project = accepted();
    project.write(
        "cases/grow.yaml",
        &CASE.replace("sh, grow.sh", "sh, -e, grow.sh"),
    );
    let other = project.ends_with(&["run"], 0);
    let line = other.line("grow");
    assert!(line.contains("not comparable with its baseline"), "{line}");
    let reason = "this differs from the baseline: what the case runs was changed since";
    assert!(other.out.contains(reason), "{}", other.out);
    assert!(project.has(&waiting()));
    project.write("cases/grow.yaml", &CASE.replace("480", "240"));
    let shorter = project.ends_with(&["run"], 0);
    let reason = "how long it ran: 240 iterations, then 480 iterations";
    assert!(shorter.out.contains(reason), "{}", shorter.out);
}

#[test]
fn a_run_goes_on_to_the_length_of_its_baseline() {
    let case = "target: {command: [sh, grow.sh]}\n";
    let project = Project::new(&[("grow", case)]);
    project.grows("flat", "");
    project.ends_with(&["run", "--iterations", "1200", "--update=always"], 0);
    assert!(project.read(&snapshot()).contains("\"iterations\": 1200"));
    let ended = project.ends_with(&["run"], 0);
    let line = ended.line("grow");
    assert!(line.contains(", as its baseline"), "{line}");
}

#[test]
fn a_stored_baseline_of_format_1_is_read_and_a_later_format_is_left_alone() {
    let project = Project::new(&[("grow", CASE)]);
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/baseline/stored/format-1.snap");
    let stored = fs::read_to_string(stored).unwrap();
    project.write(&waiting(), &stored);
    let listed = project.ends_with(&["pending", "--json"], 0).json();
    assert_eq!(listed[0]["now"]["slopes"]["live"]["estimate"], 1040.0);
    assert_eq!(listed[0]["now"]["surroundings"]["page"], 4096);
    project.ends_with(&["accept"], 0);
    assert_eq!(project.read(&snapshot()), stored);

    let later = stored.replace("\"format\": 1", "\"format\": 2");
    project.write(&snapshot(), &later);
    project.grows("leak_linear", "1024");
    let ended = project.ends_with(&["run", "--update=always"], 0);
    let reason = "it has format 2, and this memcase knows formats up to 1";
    assert!(ended.out.contains(reason), "{}", ended.out);
    assert_eq!(project.read(&snapshot()), later);
    assert!(!project.has(&waiting()));
}

#[test]
fn a_baseline_that_can_not_be_read_is_named_and_the_case_is_judged() {
    let project = accepted();
    let text = project.read(&snapshot());
    for broken in [
        text.replace("\"slopes\"", "<<<<<<< HEAD\n\"slopes\""),
        text.replace("---\nsource", "source"),
        "---\n---\nfrom another program\n".to_owned(),
        String::new(),
    ] {
        project.write(&snapshot(), &broken);
        let ended = project.ends_with(&["run"], 0);
        let line = ended.line("grow");
        assert!(line.contains("not comparable"), "{line}");
        assert!(ended.out.contains(&snapshot()), "{}", ended.out);
        assert!(project.has(&waiting()), "what is to replace it waits");
        project.ends_with(&["reject"], 0);
    }
}

#[test]
fn an_interrupted_run_writes_no_snapshot() {
    let endless =
        "target: {command: [sh, grow.sh]}\nmeasure: {iterations: 100000000, time: 10 min}\n";
    let project = Project::new(&[("grow", endless)]);
    project.grows("flat", "");
    let mut child = project
        .command(&["run", "--update=always", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let looked = |line: &String| line.contains("case-progress");
    assert!(
        lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| looked(&line))
    );
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!project.has("cases/snapshots"));
}

#[test]
fn nothing_half_is_left_in_the_folder_of_snapshots() {
    let project = accepted();
    project.grows("leak_linear", "4096");
    project.ends_with(&["run"], 1);
    project.ends_with(&["accept"], 0);
    let names = fs::read_dir(project.path().join("cases/snapshots")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    // What can not be put in its place leaves all as it was.
    let text = project.read(&snapshot());
    project.write(&waiting(), &text);
    fs::remove_file(project.path().join(snapshot())).unwrap();
    fs::create_dir(project.path().join(snapshot())).unwrap();
    let ended = project.ends_with(&["accept"], 2);
    assert!(ended.err.contains("could not be changed"), "{}", ended.err);
    assert_eq!(project.read(&waiting()), text);
}

#[test]
fn snapshots_without_a_case_are_named_refused_or_deleted() {
    let project = accepted();
    let gone = snapshot().replace("grow@", "gone__first@");
    let elsewhere = snapshot().replace("grow@", "of-insta@");
    project.write(&gone, &project.read(&snapshot()));
    project.write(&elsewhere, "---\nsource: a.rs\n---\nanother program's\n");
    let run = |how: &str, code| project.ends_with(&["run", "--unreferenced", how], code);
    assert!(!run("ignore", 0).err.contains("gone__first"));
    let warned = run("warn", 0).err;
    assert!(
        warned.contains("gone__first") && !warned.contains("of-insta"),
        "{warned}"
    );
    assert!(!warned.contains("grow@"), "{warned}");
    run("reject", 1);
    run("delete", 0);
    assert!(!project.has(&gone) && project.has(&elsewhere) && project.has(&snapshot()));
    run("reject", 0);
}

#[test]
fn two_folders_of_results_are_compared_case_by_case() {
    let project = Project::new(&[("grow", CASE), ("deep/other", CASE)]);
    project.write(
        "cases/deep/grow.sh",
        &format!("exec '{}'\n", fixture("flat").display()),
    );
    for (folder, size) in [("a", "1024"), ("b", "1024"), ("c", "4096")] {
        project.grows("leak_linear", size);
        let mut command = project.command(&["run", "grow"]);
        let ended = Ended::of(command.env("MEMCASE_DIR", folder).output().unwrap());
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let same = project.ends_with(&["compare", "a", "b"], 0);
    assert!(same.out.starts_with("unchanged "), "{}", same.out);
    let more = project.ends_with(&["compare", "a", "c"], 1);
    assert!(more.out.starts_with("regressed "), "{}", more.out);
    assert!(more.out.contains("4.02 KiB/iter (4.0"), "{}", more.out);
    let less = project.ends_with(&["compare", "c/grow/result.json", "a", "--json"], 0);
    assert_eq!(less.json()[0]["kind"], "improved");
    let nothing = project.ends_with(&["compare", "cases", "a"], 2);
    assert!(nothing.err.contains("holds no results"), "{}", nothing.err);
}

#[test]
fn a_harness_under_cargo_insta_marks_its_snapshots_as_referenced() {
    let project = accepted();
    let mut command = project.command(&["run"]);
    command.env(
        "INSTA_SNAPSHOT_REFERENCES_FILE",
        project.path().join("list"),
    );
    assert_eq!(Ended::of(command.output().unwrap()).code, Some(0));
    let whole = fs::canonicalize(project.path().join(snapshot())).unwrap();
    assert_eq!(project.read("list"), format!("{}\n", whole.display()));
}
