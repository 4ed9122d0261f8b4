//! `memcase doctor`: what it says of this machine, and of one that lacks something.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::{Ended, Project};

fn finding<'d>(document: &'d Value, name: &str) -> &'d Value {
    let findings = document["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["name"] == name);
    found.unwrap_or_else(|| panic!("nothing of {name}: {document}"))
}

fn json(ended: &Ended) -> Value {
    let mut lines = ended.json();
    assert_eq!(lines.len(), 1, "one document: {}", ended.out);
    lines.remove(0)
}

#[test]
fn the_readings_are_tried_and_nothing_is_left_behind() {
    let project = Project::new(&[]);
    let ended = project.memcase(&["doctor", "--quick", "--json"]);
    let document = json(&ended);
    assert_eq!(document["type"], "doctor");
    assert_eq!(ended.code, Some(if document["ok"] == true { 0 } else { 5 }));
    let statm = document["facts"]["kernel"]["statm_exact"].as_bool();
    assert!(statm.is_some());
    let counted = &document["facts"]["library"]["counted"];
    assert_eq!(counted["least"], counted["most"], "{counted}");
    assert!(counted["least"].as_i64().unwrap() >= 64, "{counted}");
    assert_eq!(finding(&document, "python")["status"], "ok");
    assert!(document["facts"]["languages"][0]["trial"].is_null());
    assert_eq!(fs::read_dir(project.path()).unwrap().count(), 0);
}

#[test]
fn a_leak_is_found_in_each_language_and_doing_nothing_is_no_leak() {
    let project = Project::new(&[]);
    let document = json(&project.memcase(&["doctor", "--json"]));
    for language in document["facts"]["languages"].as_array().unwrap() {
        let trial = &language["trial"];
        assert_eq!(
            trial.is_null(),
            !language["missing"].is_null(),
            "{language}"
        );
        if !trial.is_null() {
            assert_ne!(trial["null"]["verdict"], "leak", "{language}");
            assert!(trial["turn_micros"].as_f64().unwrap() > 0.0, "{language}");
        }
    }
    let python = &document["facts"]["languages"][0]["trial"];
    assert_eq!(python["leak"]["verdict"], "leak", "{python}");
    assert_eq!(python["null"]["verdict"], "stable", "{python}");
    let slope = python["leak"]["slope"].as_f64().unwrap();
    assert!((64.0..96.0).contains(&slope), "{slope}");
}

#[test]
fn what_is_missing_is_a_note_and_what_is_needed_a_problem() {
    let project = Project::new(&[]);
    let bin = project.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink("/bin/sh", bin.join("sh")).unwrap();
    // A folder below a file can not be made, whoever one is.
    project.write("file", "");
    let output = project
        .command(&["doctor", "--quick"])
        .env("PATH", &bin)
        .env_remove("VIRTUAL_ENV")
        .env_remove("JAVA_HOME")
        .env_remove("CC")
        .env("MEMCASE_DIR", project.path().join("file/below"))
        .output();
    let ended = Ended::of(output.unwrap());
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let node = "  note     node        Node cases need `node`, which was not found\n             install Node.js";
    assert!(ended.out.contains(node), "{}", ended.out);
    assert!(ended.out.contains("  ok       shell "), "{}", ended.out);
    let folder = "  problem  traces and results can not be kept in ";
    assert!(ended.out.contains(folder), "{}", ended.out);
    assert!(ended.out.contains("set MEMCASE_DIR to"), "{}", ended.out);
    assert!(ended.out.contains("\n1 problem, "), "{}", ended.out);
    assert!(!ended.out.contains('\u{1b}'), "{}", ended.out);
}
