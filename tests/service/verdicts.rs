//! What is found on servers in Python and Node.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;

use serde_json::Value;

use crate::project::{Project, case, get, reason, run};

#[test]
fn a_route_that_leaks_and_one_that_does_not_are_told_apart() {
    // All that Python allocates is counted then, to the byte.
    let more = "env: {PYTHONMALLOC: malloc}";
    // What `http.server` keeps while it warms up is no part of the claim.
    let measure = "limits: {slope: 512 B}\nmeasure: {iterations: 480, time: 3 min}";
    for (route, verdict) in [("leak", "leak"), ("clean", "stable")] {
        let (event, project) = run(&case(
            &get(route),
            &format!("  {more}\nexpect: {verdict}\n{measure}"),
        ));
        assert_eq!(event["verdict"], verdict, "{event:#}");
        assert_eq!(event["outcome"], "passed", "{event:#}");
        if verdict == "leak" {
            let slope = event["slope"]["estimate"].as_f64().unwrap();
            assert!((6000.0..6300.0).contains(&slope), "{event:#}");
        }
        let judged = &project.events(&["judge", "--format", "json", ".memcase/a"])[0];
        for key in ["verdict", "metric", "slope", "iterations", "findings"] {
            assert_eq!(judged[key], event[key], "{key}");
        }
    }
}

#[test]
fn with_a_port_of_its_own_choice_one_process_runs_after_the_other() {
    // Free now, and nobody else of this machine is given it so soon.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let more = "expect: leak\nmeasure: {processes: 2, iterations: 480, time: 3 min}";
    let text = case(&get("leak"), more).replace("{port}", &port);
    let project = Project::new(&format!("name: a\n{text}---\nname: b\n{text}"));
    let run = ["run", "--format", "json", "a.yaml"];
    for event in project.events(&run) {
        assert_eq!(event["verdict"], "leak", "{event:#}");
        assert_eq!(event["processes"], 2, "{event:#}");
        let id = event["id"].as_str().unwrap();
        let judged = project.events(&["judge", "--format", "json", &format!(".memcase/{id}")]);
        assert_eq!(judged[0]["slope"], event["slope"]);
    }
}

/// Whether a case says that its interpreter is not here. That is told past the capture of output.
fn is_missing(event: &Value) -> bool {
    let missing = event["outcome"] == "broken" && reason(event).contains("was not found");
    if missing {
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "skipped: {}", reason(event));
    }
    missing
}

#[test]
fn a_server_in_node_that_leaks_and_one_that_does_not_are_told_apart() {
    const SERVER: &str = r"
const kept = [];
require('node:http')
  .createServer((request, response) => {
    if (request.url === '/leak') kept.push([request, new Array(1000).fill(0)]);
    response.end('ok');
  })
  .listen(process.env.MEMCASE_PORT, '127.0.0.1');
";
    // Each collection is a full one, and the young objects have little room.
    let flags = "--gc-global, --max-semi-space-size=1";
    for (route, verdict) in [("leak", "leak"), ("clean", "stable")] {
        let text = format!(
            "target:\n  service:\n    command: [node, {flags}, server.js]\n    request: {{url: 'http://127.0.0.1:{{port}}/{route}'}}\nexpect: {verdict}\nlimits: {{slope: 512 B}}\nmeasure: {{time: 3 min}}\n"
        );
        let project = Project::new(&text);
        fs::write(project.path().join("server.js"), SERVER).unwrap();
        let event = &project.events(&["run", "--format", "json", "a.yaml"])[0];
        if is_missing(event) {
            return;
        }
        assert_eq!(event["verdict"], verdict, "{event:#}");
        assert_eq!(event["outcome"], "passed", "{event:#}");
    }
}
