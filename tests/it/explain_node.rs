//! `memcase explain` of cases for Node.js: lines, holders and causes.

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

/// A cache that is full from the beginning, and is the larger part of what stays, beside a leak of the same class.
const FULL: &str = "\
target:
  language: node
  setup: |
    class Entry { constructor(n) { this.n = n; } }
    const cache = new Map();
    for (let i = 0; i < 2000; i++) cache.set(-1 - i, [new Entry(i), new Array(50).fill(i)]);
    const lost = [];
  run: |
    cache.set(iteration, [new Entry(iteration), new Array(50).fill(iteration)]);
    cache.delete(cache.keys().next().value);
    lost.push([new Entry(iteration), new Array(30).fill(iteration)]);
expect: leak
measure: {iterations: 480, processes: 2}
";

#[test]
fn a_cache_that_is_full_is_not_blamed_for_a_leak_beside_it() {
    let project = Project::new(&[("full", FULL)]);
    let explanation = explained(&project, "full");
    let culprits = explanation["culprits"].as_array().unwrap();
    assert_eq!(culprits[0]["place"]["line"], 11, "{explanation:#}");
    // Two arrays with their elements, and an object.
    let blocks = culprits[0]["blocks"].as_f64().unwrap();
    assert!((4.5..=5.5).contains(&blocks), "{explanation:#}");
    let blamed =
        |culprit: &Value| culprit["place"]["line"] == 9 && culprit["share"].as_f64() > Some(0.2);
    assert!(!culprits.iter().any(blamed), "{explanation:#}");
    let chains = explanation["chains"].as_array().unwrap();
    let of_leak = |chain: &Value| way(chain).starts_with(".lost Array → []");
    assert!(
        !chains.is_empty() && chains.iter().all(of_leak),
        "{chains:#?}"
    );
    let note = explanation["notes"][0].as_str().unwrap();
    assert!(note.contains("full.yaml:9"), "{note}");
}

/// Opens two descriptors an iteration of its own, and one on the side of its server; and one more that it closes.
const OPEN: &str = "\
target:
  language: node
  setup: |
    const { closeSync, openSync } = require('fs');
    const net = require('net');
    const fine = () => closeSync(openSync('/dev/zero'));
    const server = net.createServer(() => {});
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const connect = (done) => net.connect(server.address().port, '127.0.0.1', done);
  run: |
    fine();
    openSync('/dev/null');
    await new Promise(connect);
expect: leak
measure: {iterations: 240, processes: 2, metric: fds}
";

#[test]
fn descriptors_that_stay_open_are_put_down_to_the_lines_that_open_them() {
    let project = Project::new(&[("open", OPEN)]);
    let explanation = explained(&project, "open");
    let culprits = explanation["culprits"].as_array().unwrap();
    let told = |line: u32| {
        let is_it = |culprit: &&Value| culprit["place"]["line"] == line;
        let culprit = culprits.iter().find(is_it);
        culprit.map_or(0.0, |culprit| culprit["blocks"].as_f64().unwrap())
    };
    // What is opened, the end of the connection in the client, and that in the server.
    let lines = [12, 9, 8].map(told);
    assert!(
        lines.iter().all(|many| (0.9..=1.1).contains(many)),
        "{explanation:#}"
    );
    assert_eq!(culprits.len(), 3, "{explanation:#}");
    let chains = explanation["chains"].as_array().unwrap();
    let of_node = |chain: &Value| chain["root"].as_str().unwrap().starts_with("module node:");
    assert!(!chains.iter().any(of_node), "{chains:#?}");
}
