//! Every scripting language and Java, from a case file to a verdict: a leak, a warm-up that ends,
//! garbage that is collected, and a body that keeps nothing.

#![expect(clippy::unwrap_used, reason = "in a test a failure may panic")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

use serde_json::Value;

/// The parts of a case: `prelude`, `setup`, `run`.
type Parts = [&'static str; 3];

struct Language {
    name: &'static str,
    leak: Parts,
    warm_up: Parts,
    garbage: Parts,
    flat: Parts,
}

const LANGUAGES: [Language; 5] = [
    Language {
        name: "ruby",
        leak: ["", "kept = []", "kept << 'x' * 3000"],
        warm_up: ["", "kept = {}", "kept[iteration % 150] = 'x' * 3000"],
        garbage: [
            "",
            "kept = []",
            "kept << 'x' * 3000; kept.clear if kept.size == 20",
        ],
        flat: ["", "text = 'abc'", "text.upcase"],
    },
    Language {
        name: "perl",
        leak: ["", "my @kept;", "push @kept, 'x' x 3000;"],
        warm_up: ["", "my %kept;", "$kept{$iteration % 150} = 'x' x 3000;"],
        garbage: [
            "",
            "my @kept;",
            "push @kept, 'x' x 3000; @kept = () if @kept == 20;",
        ],
        flat: ["", "my $text = 'abc';", "uc $text;"],
    },
    Language {
        name: "php",
        leak: ["", "$kept = [];", "$kept[] = str_repeat('x', 3000);"],
        warm_up: [
            "",
            "$kept = [];",
            "$kept[$iteration % 150] = str_repeat('x', 3000);",
        ],
        garbage: [
            "",
            "$kept = [];",
            "$kept[] = str_repeat('x', 3000); if (count($kept) == 20) $kept = [];",
        ],
        flat: ["", "$text = 'abc';", "strtoupper($text);"],
    },
    Language {
        name: "lua",
        leak: ["", "local kept = {}", "kept[iteration] = ('x'):rep(3000)"],
        warm_up: [
            "",
            "local kept = {}",
            "kept[iteration % 150] = ('x'):rep(3000)",
        ],
        garbage: [
            "",
            "local kept = {}",
            "kept[#kept + 1] = ('x'):rep(3000); if #kept == 20 then kept = {} end",
        ],
        flat: ["", "local text = 'abc'", "local _ = text:upper()"],
    },
    Language {
        name: "java",
        leak: [
            "import java.util.*;",
            "var kept = new ArrayList<byte[]>();",
            "kept.add(new byte[3000]);",
        ],
        warm_up: [
            "",
            "byte[][] kept = new byte[150][];",
            "kept[iteration % 150] = new byte[3000];",
        ],
        garbage: [
            "import java.util.*;",
            "var kept = new ArrayList<byte[]>();",
            "kept.add(new byte[3000]); if (kept.size() == 20) kept.clear();",
        ],
        flat: ["", "String text = \"abc\";", "text.toUpperCase();"],
    },
];

fn case(language: &str, [prelude, setup, run]: Parts, expect: &str) -> String {
    let mut text = format!("target:\n  language: {language}\n");
    for (key, code) in [("prelude", prelude), ("setup", setup), ("run", run)] {
        if !code.is_empty() {
            let _ = writeln!(text, "  {key}: |\n    {code}");
        }
    }
    text + &format!("expect: {expect}\nmeasure: {{iterations: 2000, time: 120 s}}\n")
}

/// Runs memcase in a folder; the last event of each case.
fn measure(folder: &std::path::Path) -> BTreeMap<String, Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["run", "--format", "json"])
        .arg(folder)
        .current_dir(folder)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["type"] == "case")
        .map(|event| (event["id"].as_str().unwrap().to_owned(), event))
        .collect()
}

/// Judges the four bodies of a language.
fn judged_as_they_are(name: &str) {
    let language = LANGUAGES
        .iter()
        .find(|language| language.name == name)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let claims = [
        ("leak", language.leak, "leak"),
        ("warm-up", language.warm_up, "stable"),
        ("garbage", language.garbage, "stable"),
        ("flat", language.flat, "stable"),
    ];
    for (id, parts, expect) in claims {
        let text = case(name, parts, expect);
        std::fs::write(folder.path().join(format!("{id}.yaml")), text).unwrap();
    }
    let events = measure(folder.path());
    for (id, _, expect) in claims {
        let event = &events[id];
        if is_missing(event) {
            return;
        }
        assert_eq!(event["verdict"], expect, "{name} {id}: {event}");
        assert_eq!(event["outcome"], "passed", "{name} {id}: {event}");
    }
    // A text of 3,000 bytes with what holds it, as far as its reading is exact.
    let slope = events["leak"]["slope"]["estimate"].as_f64().unwrap();
    assert!((2900.0..3700.0).contains(&slope), "{name}: {slope}");
}

/// Whether a case says that its interpreter is not here. That is told past the capture of output.
fn is_missing(event: &Value) -> bool {
    let reason = event["reason"].as_str().unwrap_or_default();
    let missing = event["outcome"] == "broken" && reason.contains("was not found");
    if missing {
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "skipped: {reason}");
    }
    missing
}

#[test]
fn ruby_is_judged_as_it_is() {
    judged_as_they_are("ruby");
}

#[test]
fn perl_is_judged_as_it_is() {
    judged_as_they_are("perl");
}

#[test]
fn php_is_judged_as_it_is() {
    judged_as_they_are("php");
}

#[test]
fn lua_is_judged_as_it_is() {
    judged_as_they_are("lua");
}

#[test]
fn java_is_judged_as_it_is() {
    judged_as_they_are("java");
}

#[test]
fn a_leak_of_java_outside_the_heap_is_found() {
    let buffers = [
        "import java.nio.ByteBuffer;",
        "ByteBuffer[] kept = new ByteBuffer[5000];",
        "kept[iteration] = ByteBuffer.allocateDirect(3000);",
    ];
    let loaders = [
        "static class P {} class L extends ClassLoader { Class<?> d(byte[] b) { return defineClass(null, b, 0, b.length); } }",
        "Class<?>[] kept = new Class<?>[5000]; byte[] code = P.class.getResourceAsStream(P.class.getName() + \".class\").readAllBytes();",
        "kept[iteration] = new L().d(code);",
    ];
    let folder = tempfile::tempdir().unwrap();
    for (id, parts) in [("buffers", buffers), ("loaders", loaders)] {
        let text = case("java", parts, "leak");
        std::fs::write(folder.path().join(format!("{id}.yaml")), text).unwrap();
    }
    let events = measure(folder.path());
    for id in ["buffers", "loaders"] {
        let event = &events[id];
        if is_missing(event) {
            return;
        }
        assert_eq!(event["verdict"], "leak", "{id}: {event}");
        let outside = event["findings"].as_array().unwrap();
        let outside = outside.iter().find(|found| found["metric"] == "external");
        assert!(
            outside.unwrap()["slope"]["low"].as_f64().unwrap() > 500.0,
            "{id}: {event}"
        );
    }
}
