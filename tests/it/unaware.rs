//! Commands that do not speak the protocol: by count, over time, and what is said otherwise.

use serde_json::Value;

use crate::support::Project;

/// Takes a count, and keeps as many blocks.
const RAMP_LEAK: &str = "
target:
  command:
    - python3
    - -c
    - |
      import os, sys
      kept = [bytes(1000) for _ in range(int(sys.argv[1]))]
      os._exit(0)
    - '{iterations}'
expect: leak
measure: {iterations: 1000}
";

/// Tells lines and grows by 20 KB with each.
const CLOCK_LEAK: &str = "
target:
  command:
    - python3
    - -uc
    - |
      kept = []
      for line in range(400):
          kept.append(bytes(20_000))
          for _ in range(200):
              open('/dev/urandom', 'rb').read(4096)
          print('line', line)
expect: leak
measure: {progress: '^line', time: 60 s}
";

/// The same verdict from the traces as the run gave, number for number.
fn assert_repeated(project: &Project, event: &Value, id: &str) {
    let judged = project.memcase(&["judge", "--format", "json", &format!(".memcase/{id}")]);
    let judged = &judged.json()[0];
    for key in [
        "verdict",
        "metric",
        "shape",
        "slope",
        "unit",
        "axis",
        "detection_limit",
        "iterations",
        "processes",
        "findings",
        "notes",
        "remedy",
        "curve",
    ] {
        assert_eq!(judged[key], event[key], "{key}");
    }
}

fn run(id: &str, text: &str) -> (Project, Value) {
    let project = Project::new(&[(id, text)]);
    let events = project
        .memcase(&["run", "--format", "json", "cases"])
        .json();
    let event = events.into_iter().find(|event| event["type"] == "case");
    (project, event.expect("the case has an event"))
}

#[test]
fn a_command_that_takes_a_count_is_measured_by_fresh_processes_at_many_counts() {
    let (project, event) = run("a", RAMP_LEAK);
    assert_eq!(event["outcome"], "passed", "{event}");
    assert_eq!(event["unit"], "B/iter");
    assert_eq!(
        (&event["iterations"], &event["processes"]),
        (&1000.into(), &24.into())
    );
    let slope = event["slope"]["estimate"].as_f64().unwrap();
    assert!((900.0..1300.0).contains(&slope), "{slope}");
    assert_repeated(&project, &event, "a");

    let header = |process: u32| project.read(&format!(".memcase/a/trace-{process}.jsonl"));
    assert!(header(1).contains("\"driver\":\"ramp\",\"seed\":"));
    let counts = |project: &Project| -> Vec<String> {
        let row = |process| project.read(&format!(".memcase/a/trace-{process}.jsonl"));
        (1..=24)
            .filter_map(|process| Some(row(process).lines().nth(1)?.split_once(',')?.0.to_owned()))
            .collect()
    };
    let (again, _) = run("a", RAMP_LEAK);
    assert_eq!(
        counts(&project),
        counts(&again),
        "the order comes from the case's id"
    );
    assert!(!counts(&project).is_sorted());
}

#[test]
fn a_command_that_tells_lines_is_measured_by_line() {
    let (project, event) = run("b", CLOCK_LEAK);
    assert_eq!(event["outcome"], "passed", "{event}");
    assert_eq!(
        (&event["unit"], &event["axis"]),
        (&"B/line".into(), &"lines".into())
    );
    let slope = event["slope"]["estimate"].as_f64().unwrap();
    assert!((19_000.0..22_000.0).contains(&slope), "{slope}");
    assert_repeated(&project, &event, "b");
    let judged = project.memcase(&["judge", ".memcase/b"]);
    assert!(judged.out.contains("KiB/line"), "{}", judged.out);
}

#[test]
fn a_command_measured_by_clock_is_told_of_in_seconds() {
    let text = "target: {command: [sleep, '4323']}\nmeasure: {driver: clock, time: 6 s}\n";
    let (project, event) = run("c", text);
    assert_eq!(
        (&event["unit"], &event["axis"]),
        (&"B/s".into(), &"seconds".into())
    );
    assert_repeated(&project, &event, "c");
    let out = project.memcase(&["judge", ".memcase/c"]).out;
    assert!(
        out.contains(" s in 3 processes") && out.contains("B/s"),
        "{out}"
    );
}

#[test]
fn a_command_that_never_answers_is_told_of_the_other_drivers() {
    let project = Project::new(&[("d", "target: {command: ['true']}\n")]);
    let ended = project.memcase(&["run", "cases"]);
    assert_eq!(ended.code, Some(5));
    let line = ended.line("d");
    assert!(
        line.contains("BROKEN") && line.contains("driver: clock"),
        "{line}"
    );
    assert!(line.contains("{iterations}"), "{line}");
}

#[test]
fn a_pattern_that_no_line_matches_is_broken() {
    let text = "target: {command: [sh, -c, 'cat /dev/zero | head -c 99999999 >/dev/null; echo x']}\nmeasure: {progress: '^never'}\n";
    let (_, event) = run("e", text);
    assert_eq!(event["outcome"], "broken");
    let reason = event["reason"].as_str().unwrap();
    assert!(
        reason.contains("`measure.progress`") && reason.contains("flush"),
        "{reason}"
    );
}
