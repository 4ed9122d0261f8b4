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
    let expected = "adds `function (anonymous)` to `bus._events`";
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

/// A snapshot of a case's function, whose variable `kept` is an array of so many items.
fn snapshot(items: usize) -> String {
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
    ];
    // Type, name, number, size and count of edges of each; two columns that are not read.
    let mut nodes = vec![SYNTHETIC, 0, 1, 0, 1, 0, 0];
    nodes.extend([CLOSURE, 1, 3, 64, 1, 0, 0]);
    nodes.extend([OBJECT, 2, 5, 32, 1, 0, 0]);
    nodes.extend([OBJECT, 4, 7, 16, items, 0, 0]);
    // Type, name or number, and where it leads to.
    let mut edges = vec![1, 1, 7, 3, 6, 14, 0, 3, 21];
    for item in 0..items {
        nodes.extend([OBJECT, 5, 9 + 2 * item, 24, 0, 0, 0]);
        edges.extend([1, item, 7 * (4 + item)]);
    }
    let meta = json!({
        "node_fields": ["type", "name", "id", "self_size", "edge_count", "trace_node_id", "detachedness"],
        "node_types": [[
            "hidden", "array", "string", "object", "code", "closure", "regexp", "number", "native", "synthetic"
        ]],
        "edge_types": [["context", "element", "property", "internal", "hidden", "shortcut", "weak"]],
    });
    let counts = json!({"meta": meta, "node_count": 4 + items, "edge_count": 3 + items});
    format!(
        "{{\"snapshot\":{counts},\n\"nodes\":{},\n\"edges\":{},\n\"locations\":[7,5,2,0],\n\"strings\":{}}}",
        json!(nodes),
        json!(edges),
        json!(strings)
    )
}

/// A heap profile with so many items that were made by one function.
fn profile(items: usize) -> String {
    let frame = |name: &str, url: &str, line: i32| json!({"functionName": name, "url": url, "lineNumber": line});
    let make = json!({"id": 2, "callFrame": frame("make", "/c/x.yaml!", 6), "children": []});
    let head = json!({"id": 1, "callFrame": frame("(root)", "", -1), "children": [make]});
    json!({"head": head, "samples": vec![json!({"size": 24, "nodeId": 2}); items]}).to_string()
}

#[test]
fn the_reader_tells_what_is_new_in_each_half_and_who_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let snapshots =
        [0, 1, 2].map(|items| write(&format!("{items}.heapsnapshot"), &snapshot(items)));
    let profiles = [1, 2].map(|items| write(&format!("{items}.heapprofile"), &profile(items)));
    let findings = folder.path().join("findings.json");
    let input = json!({
        "given": {"name": "/c/x.yaml!", "file": "/c/x.yaml", "folder": "/c", "driver": "/d.cjs"},
        "window": [0, 1, 2],
        "snapshots": snapshots,
        "profiles": profiles,
        "interval": 8,
        "findings": findings,
        "statements": [],
        "scripts": {"5": "/c/x.yaml!"},
    });
    let input = write("input.json", &input.to_string());
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtime/node/snapshots.js");
    let ran = Command::new("node")
        .arg(reader)
        .arg(input)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let found: Value = serde_json::from_str(&fs::read_to_string(findings).unwrap()).unwrap();

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
