//! `--tracer`: heaptrack and memray in the place of memcase's own tracer of native memory, and where they can not be.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::explain::NATIVE;
use crate::explain_node::explained_with;
use crate::support::{LEAK, Project};

/// Native memory and objects, in a case that brings memray.
const PYTHON: &str = "\
target:
  language: python
  requires: [memray]
  setup: |
    kept = []
    def keep(number):
        kept.append(bytes(1000 + number % 7))
  run: |
    keep(iteration)
    x = [str(n) for n in range(100)]
expect: leak
measure: {iterations: 480, processes: 2}
";

/// Blocks of C by a way that has no line of Python.
const UNSEEN: &str = "\
target:
  language: python
  setup: |
    import ctypes
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
  run: libc.malloc(5000)
expect: leak
measure: {iterations: 480, processes: 2}
";

fn has(program: &str) -> bool {
    let has = Command::new(program).arg("--version").output().is_ok();
    if !has {
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "skipped: there is no {program} here");
    }
    has
}

/// The one file of a tracer that is kept.
fn kept(explanation: &Value) -> &str {
    let files = explanation["files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{explanation:#}");
    files[0]["path"].as_str().unwrap()
}

fn notes(explanation: &Value) -> String {
    let notes = explanation["notes"].as_array().unwrap().iter();
    notes
        .map(|note| note.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// An interpreter of its own, which has no packages.
fn bare_python(project: &Project) -> PathBuf {
    let folder = project.path().join("bare");
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--without-pip"]).arg(&folder);
    assert!(make.status().unwrap().success());
    folder.join("bin/python3")
}

#[test]
fn heaptrack_names_the_lines_to_the_byte_and_its_own_reader_reads_what_is_kept() {
    if !has("heaptrack") || !has("heaptrack_print") {
        return;
    }
    let project = Project::new(&[("native", NATIVE)]);
    let explanation = explained_with(&project, "native", &["--tracer", "heaptrack"]);
    let tracer = explanation["tracers"][0].as_str().unwrap();
    assert!(tracer.starts_with("heaptrack 1."), "{tracer}");
    let culprits = explanation["culprits"].as_array().unwrap().iter();
    let told = culprits.map(|culprit| {
        let line = culprit["place"]["line"].as_u64().unwrap();
        (line, culprit["bytes"].as_f64().unwrap())
    });
    assert_eq!(told.collect::<Vec<_>>(), [(6, 112.0), (11, 48.0)]);
    assert_eq!(explanation["unexplained"], 0.0);

    let kept = project.path().join(kept(&explanation));
    assert!(kept.ends_with("native/heaptrack.gz"), "{}", kept.display());
    let read = Command::new("heaptrack_print").arg(&kept).output().unwrap();
    assert!(read.status.success());
    let read = String::from_utf8_lossy(&read.stdout).into_owned();
    assert!(read.contains("cases/native.yaml:6"), "{read}");
    // A run without it leaves none of it behind.
    explained_with(&project, "native", &["--tracer", "memcase"]);
    assert!(!kept.exists());
}

#[test]
fn memray_names_the_line_of_python_and_its_own_reader_reads_what_is_kept() {
    let project = Project::new(&[("python", PYTHON)]);
    let explanation = explained_with(&project, "python", &["--tracer", "memray"]);
    assert_eq!(explanation["tracers"][0], "tracemalloc");
    let tracer = explanation["tracers"][1].as_str().unwrap();
    assert!(tracer.starts_with("memray 1."), "{explanation:#}");
    let culprit = &explanation["culprits"][0];
    assert_eq!(culprit["place"]["file"], "cases/python.yaml");
    assert_eq!(culprit["place"]["line"], 7);
    let functions = culprit["stack"].as_array().unwrap().iter();
    let native = functions
        .filter(|place| place["owner"] == "language")
        .count();
    assert!(native > 0, "{culprit:#}");
    let unexplained = explanation["unexplained"].as_f64().unwrap();
    let share = culprit["share"].as_f64().unwrap();
    assert!(unexplained < 0.03 && share < 1.05, "{explanation:#}");
    // Who keeps the objects is told by the language's own tracer.
    assert_eq!(explanation["chains"][0]["links"][0]["by"], ".kept");

    let kept = project.path().join(kept(&explanation));
    assert!(kept.ends_with("python/memray.bin"), "{}", kept.display());
    let script = format!(
        "target:\n  language: python\n  requires: [memray]\n  setup: |\n    import memray\n    \
         with memray.FileReader({kept:?}) as reader:\n        print('records:', reader.metadata.total_allocations)\n  \
         run: pass\nmeasure: {{iterations: 240, processes: 1}}\n"
    );
    project.write("cases/reads.yaml", &script);
    let ended = project.memcase(&["run", "reads"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let log = project.read(".memcase/reads/process-1.log");
    let records = log.trim().strip_prefix("records: ").unwrap();
    assert!(records.parse::<u64>().unwrap() > 400, "{log}");
}

#[test]
fn a_tracer_that_is_not_there_is_told_with_its_remedy_and_no_other_takes_its_place() {
    let project = Project::new(&[]);
    let python = bare_python(&project);
    let case = LEAK.replace(
        "  setup",
        &format!("  interpreter: {}\n  setup", python.display()),
    );
    project.write("cases/leak.yaml", &format!("{case}expect: leak\n"));
    let explain = |tracer: &str, path: &str| {
        let arguments = ["explain", "--format", "json", "--tracer", tracer];
        let output = project
            .command(&arguments)
            .env("PATH", path)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut events = out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let event = events.find(|event| event["type"] == "case").unwrap();
        event["why"].clone()
    };

    let empty = project.path().join("bin");
    fs::create_dir(&empty).unwrap();
    let why = explain("heaptrack", empty.to_str().unwrap());
    assert_eq!(why["tracers"], serde_json::json!(["tracemalloc"]));
    let told =
        "native memory was not traced by heaptrack: heaptrack was not found on PATH; install it";
    assert!(notes(&why).contains(told), "{why:#}");

    fs::write(empty.join("heaptrack"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(empty.join("heaptrack"), fs::Permissions::from_mode(0o755)).unwrap();
    let why = explain("heaptrack", empty.to_str().unwrap());
    let told = "/bin/heaptrack has no libheaptrack_preload.so and heaptrack_interpret";
    assert!(notes(&why).contains(told), "{why:#}");

    let why = explain("memray", empty.to_str().unwrap());
    let told =
        "has no memray 1.8 or later; `pip install memray` for it, or write `requires: [memray]`";
    assert!(notes(&why).contains(told), "{why:#}");
}

#[test]
fn memray_is_refused_for_what_is_not_python_and_a_tracer_without_an_explanation() {
    let project = Project::new(&[("native", NATIVE)]);
    let why = explained_with(&project, "native", &["--tracer", "memray"]);
    let told =
        "memray traces Python alone, and the case is not in Python; use `--tracer heaptrack`";
    assert!(why["failed"].as_str().unwrap().starts_with(told), "{why:#}");

    let refused = project.memcase(&["run", "--tracer", "heaptrack"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let told = "`--tracer` belongs to an explanation; give `--explain` too";
    assert!(refused.err.contains(told), "{}", refused.err);
    let unknown = project.memcase(&["explain", "--tracer", "valgrind"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

#[test]
fn what_no_tracer_explains_is_looked_at_by_the_one_that_is_installed_and_told_so() {
    if !has("heaptrack") {
        return;
    }
    let project = Project::new(&[]);
    let python = bare_python(&project);
    let case = UNSEEN.replace(
        "  setup",
        &format!("  interpreter: {}\n  setup", python.display()),
    );
    project.write("cases/unseen.yaml", &case);
    let why = explained_with(&project, "unseen", &[]);
    let told = "heaptrack was tried too, and is not taken: it accounts for 0 % of the growth, and memcase's own \
                tracers for 0 %";
    assert!(notes(&why).contains(told), "{why:#}");
    assert!(kept(&why).ends_with("unseen/heaptrack.gz"));
    let own = explained_with(&project, "unseen", &["--tracer", "memcase"]);
    assert_eq!(own["files"], serde_json::json!([]), "{own:#}");
    assert!(!notes(&own).contains("heaptrack"), "{own:#}");
}
