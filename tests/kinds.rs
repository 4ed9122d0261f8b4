//! What a leak is made of: one real program for each kind, and the words that are said of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

/// Name, target with settings of `measure`, the kind that is expected, and a word of the explanation.
const PROGRAMS: &[(&str, &str, &str, &str)] = &[
    (
        "heap-of-c",
        "{language: c, run: 'char *volatile p = malloc(100); (void)p;'}",
        "heap",
        "not freed",
    ),
    (
        "heap-of-python",
        "{language: python, setup: 'x = []', run: 'x.append(bytes(1000))'}",
        "heap",
        "kept alive",
    ),
    (
        "native-of-python",
        "{language: python, setup: 'import ctypes; c = ctypes.CDLL(None)', run: 'c.malloc(500)'}",
        "native",
        "native code",
    ),
    (
        "mappings-of-python",
        "{language: python, setup: 'import mmap; x = []', run: 'm = mmap.mmap(-1, 8192, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); m[0] = 1; m[4096] = 1; x.append(m)'}",
        "outside-malloc",
        "malloc did not hand out",
    ),
    (
        "stacks-of-c",
        "{language: c, prelude: \"#include <pthread.h>\\nstatic void *f(void *p) { return p; }\", run: 'pthread_t t; pthread_create(&t, 0, f, 0);'}",
        "outside-malloc",
        "stacks",
    ),
    (
        "pages-pinned-in-c",
        "{language: c, setup: 'static size_t size = 8192;', run: 'char *a = malloc(size), *b = malloc(size), *volatile kept; memset(a, 1, size); kept = realloc(a, 16); kept = realloc(b, 16); (void)kept; size += 64;'}",
        "heap",
        "not freed",
    ),
    (
        "never-given-back-in-c",
        "{language: c, prelude: '#include <malloc.h>', setup: 'mallopt(M_TRIM_THRESHOLD, 1 << 30); mallopt(M_MMAP_THRESHOLD, 32 << 20); static size_t size = 4096;', run: 'char *volatile a = malloc(size); memset((char *)a, 1, size); free((char *)a); size += 4096;'} #trim",
        "fragmentation",
        "hardly more is in use",
    ),
    (
        "shared-memory-of-python",
        "{language: python, setup: 'import mmap; x = []', run: 'm = mmap.mmap(-1, 8192); m[0] = 1; m[4096] = 1; x.append(m)'}",
        "shared-memory",
        "unlink",
    ),
    (
        "descriptors-of-python",
        "{language: python, setup: 'import socket; x = []', run: 'x.append(socket.socket())'}",
        "descriptors",
        "400 more `socket`",
    ),
    (
        "threads-of-python",
        "{language: python, setup: 'import threading; e = threading.Event()', run: 'threading.Thread(target=e.wait, daemon=True).start()'}",
        "threads",
        "400 more",
    ),
    (
        "buffers-of-node",
        "{language: node, setup: 'const kept = [];', run: 'kept.push(Buffer.alloc(20000, 1));'}",
        "heap",
        "kept alive",
    ),
    (
        "handles-of-java",
        "{language: java, prelude: \"import java.util.*;\\nimport java.util.zip.*;\\nstatic List<Object> kept = new ArrayList<>();\", run: 'Deflater d = new Deflater(); d.setInput(new byte[64]); d.deflate(new byte[9]); kept.add(d);'}",
        "native",
        "native code",
    ),
];

/// Java is the one language here that not every developer has.
fn programs()
-> impl Iterator<Item = &'static (&'static str, &'static str, &'static str, &'static str)> {
    let java = Command::new("javac").arg("-version").output().is_ok();
    PROGRAMS
        .iter()
        .filter(move |(_, target, ..)| java || !target.contains("language: java"))
}

#[test]
fn each_kind_of_leak_is_named_and_explained_and_judged_alike_from_its_traces() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, target, ..) in programs() {
        let trim = !target.ends_with("#trim");
        let text = format!(
            "target: {target}\nexpect: leak\nmeasure: {{iterations: 400, time: 60 s, trim: {trim}}}\n"
        );
        fs::write(folder.path().join(format!("{name}.yaml")), text).expect("a case can be written");
    }
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("memcase starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut events: BTreeMap<String, Value> = BTreeMap::new();
    for line in run(&["run", ".", "--format", "json"]).lines() {
        let event: Value = serde_json::from_str(line).expect("each line is an event");
        if event["type"] == "case" {
            let id = event["id"].as_str().expect("a case has an id");
            events.insert(id.to_owned(), event);
        }
    }
    let mut complaints = String::new();
    for (name, _, kind, word) in programs() {
        let event = &events[*name];
        let said = event["explanation"].to_string();
        if event["outcome"] != "passed" || event["kind"] != *kind || !said.contains(word) {
            let _ = writeln!(
                complaints,
                "{name} should be {kind} with `{word}`: {event}\n"
            );
            continue;
        }
        let traces: Vec<String> = event["traces"]
            .as_array()
            .expect("traces are kept")
            .iter()
            .map(|trace| format!(".memcase/{name}/{}", trace.as_str().unwrap_or_default()))
            .collect();
        let mut arguments = vec!["judge", "--format", "json"];
        arguments.extend(traces.iter().map(String::as_str));
        let judged: Value = serde_json::from_str(&run(&arguments)).expect("a verdict is an event");
        for key in ["verdict", "kind", "explanation", "slope"] {
            if judged[key] != event[key] {
                let _ = writeln!(complaints, "{name}: {key} is judged {}", judged[key]);
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn cycles_that_wait_for_the_collector_are_told_and_bounded() {
    const CYCLE: &str = "a = N(); a.me = a; a.data = bytes(2000)";
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let case = |name: &str, setup: &str, run: &str, more: &str| {
        let target = format!("{{language: python, setup: \"{setup}\", run: '{run}'}}");
        let text = format!("target: {target}\nmeasure: {{iterations: 400, time: 60 s}}\n{more}");
        fs::write(folder.path().join(format!("{name}.yaml")), text).expect("a case can be written");
    };
    let class = "class N: pass";
    let off = "import gc; gc.disable()\\nclass N: pass";
    case("collected", class, CYCLE, "");
    case("bounded", class, CYCLE, "limits: {garbage: 100 KiB}\n");
    case("never", off, CYCLE, "");
    case("allowed", off, CYCLE, "expect: {cyclic-garbage: allowed}\n");
    case("none", class, "a = N(); a.data = bytes(2000)", "");
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", ".", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .expect("memcase starts");
    let mut seen = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let event: Value = serde_json::from_str(line).expect("each line is an event");
        if event["type"] == "case" {
            let id = event["id"].as_str().expect("a case has an id").to_owned();
            let rate = event["garbage"]["rate"].as_f64().unwrap_or(0.0);
            let outcome = event["outcome"].as_str().unwrap_or_default().to_owned();
            seen.insert(id, (outcome, rate > 2000.0 && rate < 2300.0));
        }
    }
    let passed = |garbage| ("passed".to_owned(), garbage);
    let failed = ("failed".to_owned(), true);
    let expected = [
        ("allowed", passed(true)),
        ("bounded", failed.clone()),
        ("collected", passed(true)),
        ("never", failed),
        ("none", passed(false)),
    ];
    let expected = expected.map(|(name, outcome)| (name.to_owned(), outcome));
    assert_eq!(seen, BTreeMap::from(expected));
}
