//! Explanations of commands that run by themselves: by count, and over time.

use serde_json::Value;

use crate::support::Project;

/// Keeps one of two blocks at each turn, tells a line of it, and takes its time.
const WORKER: &str = r#"#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char *filled(int size) { return memset(malloc(size), 7, size); }
static void *kept;
static void job(int turn) {
  kept = filled(3000);
  free(filled(5000));
}
int main(int argc, char **argv) {
  int count = atoi(argv[1]), file = open("/dev/urandom", O_RDONLY);
  char random[20000];
  for (int turn = 0; turn < count; turn++) {
    job(turn);
    if (argc > 2 && read(file, random, sizeof random) > 0) printf("line %d\n", turn), fflush(stdout);
  }
  return 0;
}
"#;

const BY_COUNT: &str = "
target: {command: [../worker, '{iterations}']}
expect: leak
measure: {iterations: 1000}
";

const BY_LINE: &str = "
target: {command: [../worker, '8000', slowly]}
expect: leak
measure: {progress: '^line', time: 60 s}
";

const INTERPRETED: &str = "
target: {command: [perl, -e, 'push @kept, \"x\" x 2000 . $_ for 1 .. shift', '{iterations}']}
expect: leak
measure: {iterations: 1000}
";

fn explained(cases: &[(&str, &str)]) -> Vec<Value> {
    let project = Project::new(cases);
    project.compile("worker", WORKER);
    let ended = project.memcase(&["explain", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let events = ended.json().into_iter();
    events.filter(|event| event["type"] == "case").collect()
}

#[test]
fn what_a_command_keeps_is_put_down_to_its_lines_by_count_and_by_line_of_output() {
    let events = explained(&[("iterations", BY_COUNT), ("lines", BY_LINE)]);
    assert_eq!(events.len(), 2);
    for event in &events {
        let why = &event["why"];
        assert_eq!(why["span"]["axis"], event["id"], "{event:#}");
        let [only] = &why["culprits"].as_array().unwrap()[..] else {
            panic!("{event:#}");
        };
        assert_eq!(only["place"]["line"], 6, "{event:#}");
        assert_eq!(only["place"]["function"], "filled");
        let callers = only["stack"].as_array().unwrap();
        let lines: Vec<_> = callers.iter().map(|place| &place["line"]).collect();
        assert_eq!(lines[..2], [6, 9], "{event:#}");
        // Its rate is in the unit of the slope: a block of 3,000 bytes takes 3,008.
        let (bytes, blocks) = (only["bytes"].as_f64(), only["blocks"].as_f64());
        let (bytes, blocks) = (bytes.unwrap(), blocks.unwrap());
        assert!((bytes / blocks - 3008.0).abs() < 1e-6, "{event:#}");
        assert!((blocks - 1.0).abs() < 0.1, "{event:#}");
        assert!(why["unexplained"].as_f64().unwrap() < 0.1, "{event:#}");
    }
}

#[test]
fn of_an_interpreter_it_is_said_that_its_own_functions_are_named() {
    let events = explained(&[("perl", INTERPRETED)]);
    let notes = events[0]["why"]["notes"].as_array().unwrap();
    let mut notes = notes.iter().filter_map(Value::as_str);
    assert!(
        notes.any(|note| note.contains("run by an interpreter")),
        "{events:#?}"
    );
}
