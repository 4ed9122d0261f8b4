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
    let allowed = SHORT.replace("measure:", "measure:\n  disturbed: allowed");
    let (verdict, notes) = run(&format!("{C}{flags}{allowed}"));
    let note = notes.iter().find(|note| note.contains("AddressSanitizer"));
    let note = note.unwrap_or_else(|| panic!("{notes:?}"));
    assert!(note.contains("resident memory decides"), "{note}");
    assert_ne!(verdict["metric"], "live");
}

#[test]
fn a_sanitizer_is_refused_unless_the_case_allows_it() {
    if !can_compile("gcc", &["-fsanitize=address"]) {
        return;
    }
    let (event, _) = run(&format!("{C}  flags: [-fsanitize=address]\n{SHORT}"));
    assert_eq!(event["outcome"], "broken");
    let reason = event["reason"].as_str().unwrap();
    assert!(
        reason.contains("is built with AddressSanitizer"),
        "{reason}"
    );
    assert!(reason.contains("measure: {disturbed: allowed}"), "{reason}");
}

#[test]
fn a_sanitizer_that_is_preloaded_is_refused() {
    let (event, _) = run(&format!("{C}  env: {{LD_PRELOAD: libasan.so.8}}\n{SHORT}"));
    assert_eq!(event["outcome"], "broken");
    let reason = event["reason"].as_str().unwrap();
    assert!(
        reason.contains("LD_PRELOAD holds AddressSanitizer"),
        "{reason}"
    );
}

#[test]
fn a_debugger_in_the_place_of_the_target_is_refused() {
    let folder = TempDir::new().unwrap();
    let debugger = folder.path().join("gdb");
    std::fs::copy("/bin/sh", &debugger).unwrap();
    let target = format!("target:\n  command: [{}, -c, exit]\n", debugger.display());
    let (event, _) = run(&target);
    assert_eq!(event["outcome"], "broken");
    let reason = event["reason"].as_str().unwrap();
    assert!(reason.contains("is run under `gdb`"), "{reason}");
}

/// A target that has another process trace it, as a debugger that attaches does, before it is ready.
const TRACED: &str = r"target:
  language: c
  prelude: |
    #include <sys/prctl.h>
    #include <sys/ptrace.h>
    #include <sys/wait.h>
    #include <unistd.h>
  setup: |
    int attached[2];
    (void)!pipe(attached);
    pid_t target = getpid();
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      char done = ptrace(PTRACE_SEIZE, target, 0, 0) == 0;
      (void)!write(attached[1], &done, 1);
      for (;;) {
        int status;
        pid_t stopped = waitpid(-1, &status, __WALL);
        if (stopped < 0) break;
        if (WIFSTOPPED(status)) ptrace(PTRACE_CONT, stopped, 0, 0);
      }
      _exit(0);
    }
    char done = 0;
    (void)!read(attached[0], &done, 1);
    if (!done) abort();
  run: free(malloc(100));
";

#[test]
fn a_target_that_another_process_traces_is_refused_unless_the_case_allows_it() {
    let (event, _) = run(&format!("{TRACED}{SHORT}"));
    assert_eq!(event["outcome"], "broken", "{event}");
    let reason = event["reason"].as_str().unwrap();
    assert!(reason.contains("the target is traced by"), "{reason}");
    let (event, _) = run(&format!("{TRACED}{SHORT}  disturbed: allowed\n"));
    assert_eq!(event["verdict"], "stable", "{event}");
}
