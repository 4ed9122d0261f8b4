//! `memcase explain` of cases for Node.js: lines, holders and causes, and the reader of heap snapshots by itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Project;

/// A listener for each call, that keeps what it closes over.
const LISTENER: &str = "\
target:
  language: node
  setup: |
    const bus = new (require('events'))();
    bus.setMaxListeners(0);
  run: |
    const payload = new Array(100).fill(iteration);
    const text = String(payload).slice(0, 10);
    bus.on('close', () => payload.length);
expect: leak
measure: {iterations: 480, processes: 2}
";

/// A timer for each call.
const TIMER: &str = "\
target:
  language: node
  run: |
    const rows = new Array(100).fill(iteration);
    setInterval(() => rows, 1e9).unref();
expect: leak
measure: {iterations: 480, processes: 2}
";

fn explained(project: &Project, id: &str) -> Value {
    explained_with(project, id, &[])
}

/// Why a case grows, as `memcase explain` tells it with more flags.
pub(crate) fn explained_with(project: &Project, id: &str, flags: &[&str]) -> Value {
    let ended = project.memcase(&[&["explain", "--format", "json", id], flags].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let events = ended.json();
    let is_it = |event: &&Value| event["type"] == "case" && event["id"] == id;
    let event = events.iter().find(is_it).unwrap();
    assert!(event["why"].is_object(), "{event:#}");
    event["why"].clone()
}

/// `by kind → by kind` of a chain.
pub(crate) fn way(chain: &Value) -> String {
    let step = |link: &Value| {
        let by = link["by"].as_str().unwrap();
        let by = if by.starts_with('[') { "[]" } else { by };
        format!("{by} {}", link["kind"].as_str().unwrap())
    };
    let links = chain["links"].as_array().unwrap().iter().map(step);
    links.collect::<Vec<_>>().join(" → ")
}

#[test]
fn survivors_are_put_down_to_lines_and_a_listener_to_its_emitter() {
    let project = Project::new(&[("listener", LISTENER)]);
    let explanation = explained_with(&project, "listener", &["--keep-dump"]);
    let kept = explanation["files"][0]["path"].as_str().unwrap();
    assert!(kept.ends_with("listener/heap.heapsnapshot"), "{kept}");
    let dump: Value = serde_json::from_str(&project.read(kept)).unwrap();
    assert!(dump["snapshot"]["node_count"].as_u64().unwrap() > 1000);
    let culprits = explanation["culprits"].as_array().unwrap();
    let place = &culprits[0]["place"];
    assert_eq!(
        (&place["file"], &place["line"]),
        (&json!("cases/listener.yaml"), &json!(7)),
        "{culprits:#?}"
    );
    let source = "const payload = new Array(100).fill(iteration);";
    assert_eq!(culprits[0]["source"], source);
    let lines: Vec<_> = culprits.iter().map(|one| &one["place"]["line"]).collect();
    assert!(lines.contains(&&json!(9)), "{culprits:#?}");
    let unexplained = explanation["unexplained"].as_f64().unwrap();
    assert!(unexplained < 0.1, "{explanation:#}");

    let chain = &explanation["chains"][0];
    let expected = ".bus EventEmitter → ._events Object → .close Array → [] function (anonymous) → \
                    variable payload Array";
    assert_eq!(
        (&chain["root"], way(chain).as_str(), &chain["holder"]),
        (&json!("the case"), expected, &json!(2))
    );
    assert_eq!(chain["held"], chain["sampled"]);
    let cause = explanation["cause"].as_str().unwrap();
    let expected = "adds `function (anonymous)` to `bus._events.close`";
    assert!(cause.contains(expected), "{cause}");
}

#[test]
fn a_timer_is_held_by_the_list_of_timers_and_told_as_one_that_is_never_cleared() {
    let project = Project::new(&[("timer", TIMER)]);
    let explanation = explained(&project, "timer");
    assert_eq!(explanation["culprits"][0]["place"]["line"], 4);
    let chains = explanation["chains"].as_array().unwrap();
    let ends = |chain: &&Value| way(chain).ends_with("variable rows Array");
    let chain = chains.iter().find(ends).unwrap();
    let holder = chain["holder"].as_u64().unwrap();
    let holder = &chain["links"][usize::try_from(holder).unwrap()];
    assert_eq!(holder["kind"], "TimersList", "{chain:#}");
    let cause = explanation["cause"].as_str().unwrap();
    assert!(cause.contains("is never cleared"), "{cause}");
}

/// Modules of both kinds, of which each keeps something.
const MODULES: &str = "\
target: {language: node, file: app.mjs}
expect: leak
measure: {iterations: 480, processes: 2}
";
const APP: &str = "\
import { createRequire } from 'node:module';
import { remember } from './lib/store.mjs';
const legacy = createRequire(import.meta.url)('./lib/legacy.cjs');

export function run(iteration) {
  const entry = remember(iteration);
  legacy.log(entry.name);
}
";
const STORE: &str = "\
const entries = [];

export function remember(n) {
  const entry = { name: `n${n}`, rows: new Array(120).fill(n) };
  entries.push(entry);
  return entry;
}
";
const LEGACY: &str = "\
const seen = new Set();
exports.log = (name) => {
  const record = { name, at: new Array(40).fill(0) };
  seen.add(record);
};
";

#[test]
fn lines_and_holders_are_told_of_imported_and_required_modules() {
    let project = Project::new(&[("modules", MODULES)]);
    project.write("cases/app.mjs", APP);
    project.write("cases/lib/store.mjs", STORE);
    project.write("cases/lib/legacy.cjs", LEGACY);
    let explanation = explained(&project, "modules");
    let place = |at: usize| &explanation["culprits"][at]["place"];
    assert_eq!(
        (&place(0)["file"], &place(0)["line"]),
        (&json!("cases/lib/store.mjs"), &json!(4)),
        "{explanation:#}"
    );
    assert_eq!(
        (&place(1)["file"], &place(1)["line"]),
        (&json!("cases/lib/legacy.cjs"), &json!(3)),
        "{explanation:#}"
    );
    let chains = explanation["chains"].as_array().unwrap();
    let held = |root: &str, begin: &str| {
        let is_it = |chain: &Value| chain["root"] == root && way(chain).starts_with(begin);
        assert!(chains.iter().any(is_it), "{chains:#?}");
    };
    held("module store.mjs", ".entries Array → [] Object");
    held("module legacy.cjs", ".seen Set → an element Object");
}

/// A loop that is much too long to be stopped at each time, before the line that leaks.
const LOOP: &str = "\
target:
  language: node
  setup: |
    const kept = [];
    let sum = 0;
  run: |
    for (let i = 0; i < 300000; i++) {
      sum += i;
    }
    kept.push(new Array(100).fill(sum));
expect: leak
measure: {iterations: 240, processes: 2}
";

#[test]
fn a_long_loop_does_not_keep_the_tracer() {
    let project = Project::new(&[("loop", LOOP)]);
    let explanation = explained(&project, "loop");
    let chain = &explanation["chains"][0];
    assert_eq!(way(chain), ".kept Array → [] Array", "{explanation:#}");
    assert_eq!(explanation["failed"], Value::Null);
}

/// A snapshot of a case's function, whose variable `kept` is an array of so many items. The array has something of Node
/// itself, which has another number each time.
fn snapshot(items: usize) -> String {
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
    nodes.extend([OBJECT, 4, 7, 16, items + 1, 0, 0]);
    // Type, name or number, and where it leads to.
    let mut edges = vec![1, 1, 7, 3, 6, 14, 0, 3, 21];
    for item in 0..items {
        nodes.extend([OBJECT, 5, 9 + 2 * item, 24, 0, 0, 0]);
        edges.extend([1, item, 7 * (4 + item)]);
    }
    nodes.extend([NATIVE, 7, 2_000_000_000 + 2 * items, 500, 0, 0, 0]);
    edges.extend([3, 7, 7 * (4 + items)]);
    let meta = json!({
        "node_fields": ["type", "name", "id", "self_size", "edge_count", "trace_node_id", "detachedness"],
        "node_types": [[
            "hidden", "array", "string", "object", "code", "closure", "regexp", "number", "native", "synthetic"
        ]],
        "edge_types": [["context", "element", "property", "internal", "hidden", "shortcut", "weak"]],
    });
    let counts = json!({"meta": meta, "node_count": 5 + items, "edge_count": 4 + items});
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
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let snapshots =
        [0, 1, 2].map(|items| write(&format!("{items}.heapsnapshot"), &snapshot(items)));
    let profiles =
        [1, 2].map(|items| write(&format!("{items}.heapprofile"), &profile(items, called)));
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
