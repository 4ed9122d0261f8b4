//! What an explanation must not blame: what takes another's place, what is closed again, and names that mislead.

use serde_json::Value;

use crate::explain_node::explained_with;
use crate::support::Project;

/// A ring that is full from the beginning, and a list that grows.
const RING: &str = "\
target:
  language: python
  setup: |
    import collections
    ring = collections.deque((bytearray(3000) for _ in range(3000)), maxlen=3000)
    small = []
  run: |
    ring.append(bytearray(3000))
    small.append(bytes(200))
expect: leak
measure: {iterations: 480, processes: 2}
";

/// The same in C.
const RING_IN_C: &str = "\
target:
  language: c
  prelude: |
    static char *ring[3000];
    static char *volatile last;
    static void fill(int at) { ring[at] = malloc(3000); }
  setup: |
    for (int i = 0; i < 3000; i++) fill(i);
  run: |
    int at = iteration % 3000;
    free(ring[at]);
    ring[at] = malloc(3000);
    last = malloc(200);
expect: leak
measure: {iterations: 480, processes: 2}
";

/// Descriptors that stay come from a call without an event of its own, and of a file that is removed; others are closed
/// again.
const DESCRIPTORS: &str = "\
target:
  language: python
  setup: |
    import os, tempfile
    def fine():
        with open('/dev/zero'): pass
  run: |
    fine()
    os.dup(0)
    os.unlink(tempfile.mkstemp()[1])
    fine()
expect: leak
measure: {iterations: 240, processes: 2}
";

/// Its handlers are as many as before, one of them grows; a property of what is kept must not be run.
const NAMES: &str = "\
target:
  language: python
  setup: |
    class Proxy:
        @property
        def __class__(self): raise RuntimeError('do not look')
    class View:
        def __init__(self): self.cache = {}
    handlers = {'/': View()}
  run: handlers['/'].cache[iteration] = Proxy(), bytearray(300)
expect: leak
measure: {iterations: 480, processes: 2}
";

/// The explanation of a case that is named `case`.
fn explained(case: &str) -> Value {
    let project = Project::new(&[("case", case)]);
    let explanation = explained_with(&project, "case", &[]);
    assert!(explanation["failed"].is_null(), "{explanation:#}");
    explanation
}

/// The lines that are named.
fn lines(explanation: &Value) -> Vec<u64> {
    let culprits = explanation["culprits"].as_array().unwrap();
    let line = |culprit: &Value| culprit["place"]["line"].as_u64().unwrap();
    culprits.iter().map(line).collect()
}

#[test]
fn a_full_ring_is_not_blamed_for_what_it_replaces() {
    for (case, grows, replaces) in [(RING, 9, 8), (RING_IN_C, 13, 12)] {
        let explanation = explained(case);
        assert_eq!(lines(&explanation), [grows], "{explanation:#}");
        let note = explanation["notes"][0].as_str().unwrap();
        assert!(note.contains(&format!("case.yaml:{replaces}")), "{note}");
        let cause = explanation["cause"].as_str().unwrap_or_default();
        assert!(!cause.contains("ring"), "{cause}");
    }
}

#[test]
fn a_descriptor_that_is_closed_again_is_no_leak_of_the_line_that_opens_it() {
    let explanation = explained(DESCRIPTORS);
    assert_eq!(lines(&explanation), [9, 10], "{explanation:#}");
    // What the tracer keeps of it is no part of what grows.
    assert_eq!(
        explanation["chains"],
        serde_json::json!([]),
        "{explanation:#}"
    );
}

#[test]
fn a_name_alone_makes_no_cause_and_no_code_of_the_case_is_run() {
    let explanation = explained(NAMES);
    let cause = explanation["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("`handlers['/'].cache`, a dict"),
        "{cause}"
    );
}
