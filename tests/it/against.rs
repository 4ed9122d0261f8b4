//! `--against`: the cases at a git revision, measured beside the present ones.

use std::fs;

use serde_json::Value;

use crate::baselines::{CASE, fixture};
use crate::repository::{Repository, grows, script};
use crate::support::{Ended, LEAK, Project};

fn case<'e>(events: &'e [Value], id: &str) -> &'e Value {
    let is_it = |event: &&Value| event["type"] == "case" && event["id"] == id;
    events.iter().find(is_it).unwrap()
}

#[test]
fn a_revision_is_measured_with_its_own_files_and_each_case_is_told_what_became_of_it() {
    let other = CASE.replace("grow.sh", "other.sh");
    let repository = Repository::new(&[
        ("grow.yaml", CASE),
        ("grow.sh", &script("leak_linear", "1024")),
        ("deep/same.yaml", &other),
        ("deep/other.sh", &script("leak_linear", "1024")),
        ("gone.yaml", CASE),
    ]);
    // The present side is what lies there, committed or not.
    repository.write("grow.sh", &script("leak_linear", "4096"));
    repository.write("new.yaml", &CASE.replace("grow.sh", "fresh.sh"));
    repository.write("fresh.sh", &script("leak_linear", "64"));
    fs::remove_file(repository.project.path().join("sub/cases/gone.yaml")).unwrap();

    let ended = repository.ends_with(&["run", "--against", "main"], 1);
    let commit = repository.git(&["rev-parse", "main"]);
    let note = format!("note: comparing with `main` ({})", &commit[..12]);
    assert!(ended.err.contains(&note), "{}", ended.err);
    let line = ended.line("grow");
    let change = "regressed: slope of live from 1.02 KiB/iter to 4.02 KiB/iter";
    assert!(line.contains("FAILED") && line.contains(change), "{line}");
    let reason = "its slope of live rose since `main`: 4.02 KiB/iter (4.0";
    assert!(ended.out.contains(reason), "{}", ended.out);
    let again = "memcase run cases/grow.yaml --exact grow --against main --processes 5";
    assert!(ended.out.contains(again), "{}", ended.out);
    let same = ended.line("deep/same");
    assert!(
        same.contains("ok ") && same.contains(", as at `main`"),
        "{same}"
    );
    assert!(
        ended.line("new").contains(", new since `main`"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("new is new since `main`: it was not compared")
    );
    let gone = "ignored, gone: `main` has it, and the present files do not";
    assert!(ended.line("gone").contains(gone), "{}", ended.out);
    assert!(
        ended.out.contains("2 passed; 1 failed; 1 ignored"),
        "{}",
        ended.out
    );
    assert!(!repository.project.has("sub/cases/snapshots"));
    // Both sides can be judged again.
    let kept = "sub/.memcase/.beside/main/grow/trace-1.jsonl";
    assert!(repository.project.has(kept) || repository.project.has(&format!("{kept}.gz")));
}

#[test]
fn which_side_is_measured_first_alternates_from_case_to_case() {
    let line = |side: &str| {
        format!(
            "echo {side} >> \"$LOG\"\nexec '{}'\n",
            fixture("flat").display()
        )
    };
    let case = "target: {command: [sh, flat.sh]}\nmeasure: {iterations: 20, processes: 2}\n";
    let names = ["a.yaml", "b.yaml", "c.yaml"];
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (*name, case)).collect();
    let (then, now) = (line("then"), line("now"));
    files.push(("flat.sh", &then));
    let repository = Repository::new(&files);
    repository.write("flat.sh", &now);
    let log = repository.project.path().join("log");
    let mut command = repository.command(&["run", "--against", "main", "--test-threads", "1"]);
    let ended = Ended::of(command.env("LOG", &log).output().unwrap());
    assert!(ended.out.contains("running 3 tests"), "{ended:?}");
    let text = fs::read_to_string(log).unwrap();
    let sides: Vec<&str> = text.lines().collect();
    let (old, new) = (
        ["then", "then", "now", "now"],
        ["now", "now", "then", "then"],
    );
    let (first, second) = if sides[0] == "then" {
        (old, new)
    } else {
        (new, old)
    };
    assert_eq!(sides, [first, second, first].concat());
}

#[test]
fn programs_read_the_comparison_as_that_with_a_baseline() {
    let repository = grows();
    repository.write("grow.sh", &script("leak_linear", "4096"));
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let events = repository.ends_with(&["run", "--against", "HEAD", "--format", "json"], 1);
    let events = events.json();
    let grow = case(&events, "grow");
    let baseline = &grow["baseline"];
    assert_eq!(baseline["kind"], "regressed");
    assert_eq!(baseline["against"]["revision"]["name"], "HEAD");
    assert_eq!(baseline["against"]["revision"]["commit"], commit.trim());
    assert_eq!(baseline["before_folder"], ".memcase/.beside/HEAD/grow");
    assert_eq!(baseline.get("snapshot"), None);
    let live = &baseline["differences"][0];
    assert_eq!(live["of"]["slope"], "live");
    let more = live["difference"]["estimate"].as_f64().unwrap();
    assert!((more - 3072.0).abs() < 4.0, "{more}");
    assert_eq!(
        grow["side"]["flags"],
        serde_json::json!(["--against", "HEAD"])
    );
    let kept: Value =
        serde_json::from_str(&repository.project.read("sub/.memcase/grow/result.json")).unwrap();
    assert_eq!(&kept, grow);
    let xml = repository.ends_with(&["run", "--against", "HEAD", "--format", "junit"], 1);
    assert!(
        xml.out.contains("its slope of live rose since `HEAD`"),
        "{}",
        xml.out
    );
}

#[test]
fn what_needs_less_than_at_the_revision_is_told_and_passes() {
    let repository = grows();
    repository.write("grow.sh", &script("leak_linear", "64"));
    let ended = repository.ends_with(&["run", "--against", "main"], 0);
    let change = "improved: slope of live from 1.02 KiB/iter to 80.0 B/iter";
    assert!(ended.line("grow").contains(change), "{}", ended.out);
    let told = "comparisons:\n    grow improved: its slope of live fell since `main`";
    assert!(ended.out.contains(told), "{}", ended.out);
    assert!(!ended.out.contains("memcase review"), "{}", ended.out);
}

#[test]
fn other_code_in_the_case_is_compared_and_another_way_to_measure_is_not() {
    let repository = grows();
    let program = fixture("leak_linear");
    let direct = || {
        let program = program.display();
        format!(
            "target: {{command: ['{program}', '4096']}}\nexpect: leak\nmeasure: {{iterations: 240}}\n"
        )
    };
    // Another program, another argument, and another length, which is that of the present case.
    repository.write("grow.yaml", &direct());
    let ended = repository.ends_with(&["run", "--against", "main"], 1);
    let change = "regressed: slope of live from 1.02 KiB/iter to 4.02 KiB/iter";
    assert!(ended.line("grow").contains(change), "{}", ended.out);
    let collected = LEAK.replace("{iterations: 240}", "{iterations: 240, collect: false}");
    repository.write("kept.yaml", &format!("{collected}expect: leak\n"));
    repository.commit();
    repository.write("kept.yaml", &format!("{LEAK}expect: leak\n"));
    let ended = repository.ends_with(&["run", "--against", "main", "kept"], 0);
    let line = ended.line("kept");
    assert!(line.contains("not comparable with `main`"), "{line}");
    let reason =
        "kept incomparable: this differs from `main`: forced collection is on, and was off";
    assert!(ended.out.contains(reason), "{}", ended.out);
}

#[test]
fn a_revision_that_can_not_be_measured_says_so_and_the_case_is_judged_by_its_claim() {
    let repository = Repository::new(&[
        ("grow.yaml", CASE),
        ("grow.sh", "exit 3\n"),
        ("odd.yaml", "target: {command: [sh, grow.sh], tea: hot}\n"),
    ]);
    repository.write("grow.sh", &script("leak_linear", "1024"));
    repository.write("odd.yaml", CASE);
    let ended = repository.ends_with(&["run", "--against", "main"], 0);
    for id in ["grow", "odd"] {
        let line = ended.line(id);
        assert!(
            line.contains("ok ") && line.contains("not comparable with `main`"),
            "{line}"
        );
    }
    let died = "grow incomparable: at `main` it was not measured to its end: ";
    assert!(ended.out.contains(died), "{}", ended.out);
    let unread = "odd incomparable: at `main` it can not be measured: main:sub/cases/odd.yaml:1:";
    assert!(ended.out.contains(unread), "{}", ended.out);
    let note = "note: 1 mistake in case files at `main`; their cases are not compared";
    assert!(ended.err.contains(note), "{}", ended.err);
}

#[test]
fn baselines_are_neither_read_nor_written_and_flags_for_them_are_refused() {
    let repository = grows();
    repository.ends_with(&["run", "--update=always"], 0);
    let snapshots = repository.project.path().join("sub/cases/snapshots");
    let snapshot = fs::read_dir(&snapshots).unwrap().next().unwrap().unwrap();
    fs::write(snapshot.path(), "no snapshot at all").unwrap();
    let mut command = repository.command(&["run", "--against", "main"]);
    let ended = Ended::of(command.env("MEMCASE_UPDATE", "force").output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.line("grow").contains(", as at `main`"),
        "{}",
        ended.out
    );
    assert_eq!(
        fs::read_to_string(snapshot.path()).unwrap(),
        "no snapshot at all"
    );
    assert_eq!(fs::read_dir(&snapshots).unwrap().count(), 1);
    for flag in ["--update=no", "--unreferenced=delete"] {
        let ended = repository.ends_with(&["run", "--against", "main", flag], 2);
        let name = flag.split('=').next().unwrap();
        assert!(
            ended.err.contains(&format!("leave out `{name}`")),
            "{}",
            ended.err
        );
    }
}

#[test]
fn what_can_not_be_compared_with_is_refused_before_anything_is_run() {
    let repository = grows();
    for revision in ["nowhere", "--help", "", "main:sub"] {
        let ended = repository.ends_with(&["run", &format!("--against={revision}")], 2);
        let why = format!("has no revision `{revision}`; name a branch, a tag or a commit");
        assert!(ended.err.contains(&why), "{}", ended.err);
        assert!(ended.out.is_empty(), "{}", ended.out);
    }
    let elsewhere = Project::new(&[("grow", CASE)]);
    let outside = elsewhere.path().join("cases").display().to_string();
    let ended = repository.ends_with(&["run", "--against", "main", &outside], 2);
    assert!(
        ended.err.contains("is outside the git repository"),
        "{}",
        ended.err
    );
    let ended = elsewhere.ends_with(&["run", "--against", "main"], 2);
    assert!(
        ended.err.contains("is not in a git repository"),
        "{}",
        ended.err
    );
    let mut command = repository.command(&["run", "--against", "main"]);
    let ended = Ended::of(
        command
            .env("PATH", repository.temporary())
            .output()
            .unwrap(),
    );
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended
            .err
            .contains("needs `git`, which was not found on PATH"),
        "{}",
        ended.err
    );
    let two = ["--interpreter", "python3", "--interpreter", "python3.99"];
    let ended = repository.ends_with(&[&["run", "--against", "main"], &two[..]].concat(), 2);
    assert!(
        ended.err.contains("compares with one of them"),
        "{}",
        ended.err
    );
}
