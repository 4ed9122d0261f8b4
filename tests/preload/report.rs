//! What the report says where the allocator was not counted.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::target::can_compile;

/// Runs a case of one file; the event that tells of it, and its notes.
fn run(case: &str) -> (Value, Vec<String>) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("case.yaml");
    std::fs::write(&file, case).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "--format", "json"])
        .arg(&file)
        .env("MEMCASE_DIR", folder.path().join("kept"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let event = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|event| event["type"] == "case")
        .unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    let notes = event["notes"].as_array().unwrap().iter();
    let notes = notes.map(|note| note.as_str().unwrap().to_owned());
    let notes = notes.collect();
    (event, notes)
}

const C: &str = "target:\n  language: c\n  run: free(malloc(100));\n";
const SHORT: &str = "measure:\n  iterations: 240\n  processes: 2\n";

#[test]
fn a_c_case_that_is_counted_has_no_note_of_it() {
    let (verdict, notes) = run(&format!("{C}{SHORT}"));
    assert!(
        !notes.iter().any(|note| note.contains("malloc")),
        "{notes:?}"
    );
    assert_eq!(verdict["verdict"], "stable");
    assert_eq!(verdict["metric"], "live");
}

#[test]
fn a_leak_in_a_c_case_has_the_slope_of_its_block() {
    let leak = "target:\n  language: c\n  run: malloc(100);\n";
    let (verdict, _) = run(&format!("{leak}{SHORT}"));
    assert_eq!(verdict["slope"]["estimate"], 112.0);
    assert_eq!(verdict["metric"], "live");
}

#[test]
fn a_case_that_switches_it_off_is_told_what_is_read_in_its_place() {
    let (_, notes) = run(&format!("{C}  env:\n    LD_PRELOAD: null\n{SHORT}"));
    let note = notes.iter().find(|note| note.contains("not counted"));
    let note = note.unwrap_or_else(|| panic!("{notes:?}"));
    assert!(note.contains("the case removes LD_PRELOAD"), "{note}");
    assert!(note.contains("mallinfo2"), "{note}");
}

#[test]
fn a_sanitizer_leaves_the_decision_to_resident_memory() {
    if !can_compile("gcc", &["-fsanitize=address"]) {
        return;
    }
    let flags = "  flags: [-fsanitize=address]\n  env:\n    ASAN_OPTIONS: detect_leaks=0\n";
    let (verdict, notes) = run(&format!("{C}{flags}{SHORT}"));
    let note = notes.iter().find(|note| note.contains("AddressSanitizer"));
    let note = note.unwrap_or_else(|| panic!("{notes:?}"));
    assert!(note.contains("resident memory decides"), "{note}");
    assert_ne!(verdict["metric"], "live");
}
