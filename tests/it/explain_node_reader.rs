//! The reader of heap snapshots of Node.js by itself: what it tells of snapshots and profiles that are written for it.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::explain_node::way;

/// A snapshot of a case's function, whose variable `kept` is an array of these items. The array has something of Node
/// itself, which has another number each time.
fn snapshot(items: Range<usize>) -> String {
    const NATIVE: usize = 8;
    const SYNTHETIC: usize = 9;
    const CLOSURE: usize = 5;
    const OBJECT: usize = 3;
    let strings = [
        "",
        "run",
        "system / Context",
        "kept",
        "Array",
        "Item",
        "context",
        "Node / Environment",
    ];
    // Type, name, number, size and count of edges of each; two columns that are not read.
    let mut nodes = vec![SYNTHETIC, 0, 1, 0, 1, 0, 0];
    nodes.extend([CLOSURE, 1, 3, 64, 1, 0, 0]);
    nodes.extend([OBJECT, 2, 5, 32, 1, 0, 0]);
    let count = items.len();
    nodes.extend([OBJECT, 4, 7, 16, count + 1, 0, 0]);
    // Type, name or number, and where it leads to.
    let mut edges = vec![1, 1, 7, 3, 6, 14, 0, 3, 21];
    for (at, item) in items.clone().enumerate() {
        nodes.extend([OBJECT, 5, 9 + 2 * item, 24, 0, 0, 0]);
        edges.extend([1, at, 7 * (4 + at)]);
    }
    nodes.extend([NATIVE, 7, 2_000_000_000 + 2 * items.end, 500, 0, 0, 0]);
    edges.extend([3, 7, 7 * (4 + count)]);
    let meta = json!({
        "node_fields": ["type", "name", "id", "self_size", "edge_count", "trace_node_id", "detachedness"],
        "node_types": [[
            "hidden", "array", "string", "object", "code", "closure", "regexp", "number", "native", "synthetic"
        ]],
        "edge_types": [["context", "element", "property", "internal", "hidden", "shortcut", "weak"]],
    });
    let counts = json!({"meta": meta, "node_count": 5 + count, "edge_count": 4 + count});
    format!(
        "{{\"snapshot\":{counts},\n\"nodes\":{},\n\"edges\":{},\n\"locations\":[7,5,2,0],\n\"strings\":{}}}",
        json!(nodes),
        json!(edges),
        json!(strings)
    )
}

/// A heap profile with so many items that were made by one function, or by one of Node that it called.
fn profile(items: usize, called: Option<&str>) -> String {
    let frame = |name: &str, url: &str, line: i32| json!({"functionName": name, "url": url, "lineNumber": line});
    let called = called
        .map(|name| json!({"id": 3, "callFrame": frame(name, "node:buffer", 390), "children": []}));
    let maker = if called.is_some() { 3 } else { 2 };
    let make = json!({
        "id": 2,
        "callFrame": frame("make", "/c/x.yaml!", 6),
        "children": called.into_iter().collect::<Vec<_>>(),
    });
    let head = json!({"id": 1, "callFrame": frame("(root)", "", -1), "children": [make]});
    json!({"head": head, "samples": vec![json!({"size": 24, "nodeId": maker}); items]}).to_string()
}

/// What the reader finds in a window in which an item is made in each half.
fn read(called: Option<&str>, statements: &Value) -> Value {
    read_all(
        [0..0, 0..1, 0..2],
        [1, 2].map(|items| profile(items, called)),
        statements,
    )
}

/// What the reader finds of these items at the begin, the middle and the end, and of two profiles.
fn read_all(items: [Range<usize>; 3], profiles: [String; 2], statements: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let mut number = 0;
    let mut numbered = |text: &str| {
        number += 1;
        write(&format!("written-{number}"), text)
    };
    let snapshots = items.map(|items| numbered(&snapshot(items)));
    let profiles = profiles.map(|text| numbered(&text));
    let findings = folder.path().join("findings.json");
    let input = json!({
        "given": {"name": "/c/x.yaml!", "file": "/c/x.yaml", "folder": "/c", "driver": "/d.cjs"},
        "window": [0, 1, 2],
        "snapshots": snapshots,
        "profiles": profiles,
        "interval": 8,
        "findings": findings,
        "statements": statements,
        "scripts": {"5": "/c/x.yaml!"},
    });
    let input = write("input.json", &input.to_string());
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtime/node/snapshots/main.cjs");
    let ran = Command::new("node")
        .arg(reader)
        .arg(input)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    serde_json::from_str(&fs::read_to_string(findings).unwrap()).unwrap()
}

#[test]
fn the_reader_tells_what_is_new_in_each_half_and_who_keeps_it() {
    let found = read(None, &json!([]));
    // What has been there all the time is not told, whatever its number.
    assert_eq!(found["kinds"].as_array().unwrap().len(), 1, "{found:#}");
    let kind = &found["kinds"][0];
    assert_eq!(
        (&kind["name"], &kind["count"], &kind["bytes"]),
        (&json!("Item"), &json!([1, 1]), &json!([24, 24]))
    );
    // One of 24 bytes is sampled with a chance of 95 %.
    assert_eq!(found["sites"][0]["bytes"], json!([25, 25]));
    assert_eq!(
        found["sites"][0]["stack"][0],
        json!({"file": "/c/x.yaml!", "line": 7, "function": "make", "owner": "case"})
    );
    let chain = &found["chains"][0];
    assert_eq!(chain["root"], "the case");
    assert_eq!(way(chain), ".kept Array → [] Item");
    assert_eq!(
        (&chain["holder"], &chain["links"][0]["len"]),
        (&json!(0), &json!(2))
    );
}

#[test]
fn what_a_call_allocates_is_put_down_to_the_statement_that_names_it() {
    // The numbers of the items are 9 and 11.
    let statement = |line: u32, text: &str, from: u32| {
        let place = json!({"file": "/c/x.yaml!", "line": line, "function": "make", "from": 7});
        json!({"stack": [place], "text": text, "runs": 1, "ranges": [[from, from + 2]]})
    };
    let statements = json!([
        statement(8, "const rows = Buffer.alloc(1);", 8),
        statement(9, "kept.push(rows);", 10),
    ]);
    let lines = |called: Option<&str>| {
        let found = read(called, &statements);
        let sites = found["sites"].as_array().unwrap().iter();
        let line = |site: &Value| site["stack"].as_array().unwrap().last().unwrap()["line"].clone();
        sites.map(line).collect::<Vec<_>>()
    };
    assert_eq!(lines(Some("alloc")), [8]);
    assert_eq!(lines(Some("push")), [9]);
    assert_eq!(lines(Some("renamed")), [8, 9]);
    assert_eq!(lines(None), [8, 9]);
}

#[test]
fn what_takes_the_place_of_what_is_gone_is_told_apart() {
    let found = |begin: Range<usize>, end: Range<usize>| {
        let half = begin.start.midpoint(end.start)..begin.end.midpoint(end.end);
        let profiles = [1, 2].map(|items| profile(items, None));
        read_all([begin, half, end], profiles, &json!([]))
    };
    let bytes = |found: &Value, replaces: bool| -> i64 {
        let sites = found["sites"].as_array().unwrap().iter();
        let of_it = sites.filter(|site| site["replaces"] == replaces);
        of_it.map(|site| site["bytes"][0].as_i64().unwrap()).sum()
    };
    // Two of three went as two came.
    let full = found(0..3, 2..5);
    assert_eq!(
        (bytes(&full, false), bytes(&full, true)),
        (0, 25),
        "{full:#}"
    );
    assert_eq!((&full["kinds"], &full["chains"]), (&json!([]), &json!([])));
    // Two went as four came.
    let half = found(0..4, 2..8);
    assert_eq!(
        (bytes(&half, false), bytes(&half, true)),
        (13, 13),
        "{half:#}"
    );
    let kind = &half["kinds"][0];
    assert_eq!(
        (&kind["count"], &kind["bytes"]),
        (&json!([1, 1]), &json!([24, 24]))
    );
    assert_eq!(way(&half["chains"][0]), ".kept Array → [] Item");
    // None went.
    let grows = found(0..3, 0..5);
    assert_eq!(
        (bytes(&grows, false), bytes(&grows, true)),
        (25, 0),
        "{grows:#}"
    );
}

#[test]
fn the_growth_of_a_table_is_no_block() {
    // Of 24 B an iteration there are items, and the profile has twice as much.
    let profiles = [2, 4].map(|items| profile(items, None));
    let place = json!({"file": "/c/x.yaml!", "line": 8, "function": "make", "from": 7});
    let statements = json!([{"stack": [place], "text": "", "runs": 1, "ranges": [[8, 10]]}]);
    let found = read_all([0..0, 0..1, 0..2], profiles, &statements);
    let site = &found["sites"][0];
    assert_eq!(
        (&site["bytes"], &site["blocks"]),
        (&json!([51, 51]), &json!([1, 1]))
    );
}
