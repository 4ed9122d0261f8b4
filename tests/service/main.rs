//! Long-lived programs: real servers that leak, do not, die, say no, hang, and refuse to end.

#![expect(clippy::unwrap_used, reason = "in a test a failure may panic")]

mod project;
mod verdicts;

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::project::{Project, case, get, reason, run};

const SHORT: &str = "measure: {processes: 1, iterations: 20}";

/// Whether all was asked as it should be: the verdict on so few iterations does not matter.
fn assert_exercised(event: &Value) {
    assert_ne!(event["outcome"], "broken", "{event:#}");
    assert_eq!(event["iterations"], 20, "{event:#}");
}

fn assert_broken(event: &Value, words: &str) {
    assert_eq!(event["outcome"], "broken", "{event:#}");
    assert!(reason(event).contains(words), "{event:#}");
}

#[test]
fn a_service_that_dies_keeps_what_was_measured_and_its_last_words() {
    let (event, project) = run(&case(&get("die?i={iteration}"), SHORT));
    assert_broken(&event, "the target ended with exit code 3 in iteration 5");
    assert_eq!(event["iterations"], 5);
    assert!(
        event["output"].as_str().unwrap().contains("going down"),
        "{event:#}"
    );
    let trace = event["traces"][0].as_str().unwrap();
    assert!(project.path().join(".memcase/a").join(trace).is_file());
}

#[test]
fn an_answer_with_another_status_is_told_with_its_first_words() {
    let (event, _) = run(&case(&get("refuse?i={iteration}"), SHORT));
    assert_broken(&event, "in iteration 5 GET http://127.0.0.1:");
    assert_broken(
        &event,
        "/refuse?i=5 was answered with 418 I'm a teapot, where 200 to 299 is expected; the answer begins: `I am a teapot`",
    );
}

#[test]
fn a_request_has_the_method_fields_body_and_status_of_the_case() {
    let request = r#"
      url: "http://127.0.0.1:{port}/echo?i={iteration}"
      method: PUT
      headers: {X-Iteration: "{iteration}"}
      body: '{"n": {iteration}}'
      status: 201"#;
    assert_exercised(&run(&case(request, SHORT)).0);
    let (event, _) = run(&case(&request.replace("201", "200"), SHORT));
    assert_broken(
        &event,
        "was answered with 201 Created, where 200 is expected",
    );
}

#[test]
fn requests_are_repeated_and_on_their_way_together() {
    let request = |route: &str, parallel: u32| {
        format!("{{url: 'http://127.0.0.1:{{port}}/{route}', repeat: 4, parallel: {parallel}}}")
    };
    assert_exercised(&run(&case(&request("count?i={iteration}", 1), SHORT)).0);
    // Each waits in the server for another one.
    assert_exercised(&run(&case(&request("together", 2), SHORT)).0);
}

#[test]
fn a_command_may_make_the_request_and_is_not_measured() {
    // It holds more than the server ever does.
    let client = r#"
import sys, urllib.request
held = b"x" * (200 << 20)
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/refuse?i={sys.argv[2]}")
"#;
    let text = case(
        "{command: [python3, client.py, '{port}', '{iteration}']}",
        "limits: {peak: 150 MiB}\nmeasure: {processes: 1, iterations: 4}",
    );
    let project = Project::new(&text);
    fs::write(project.path().join("client.py"), client).unwrap();
    let run = ["run", "--format", "json", "a.yaml"];
    let event = &project.events(&run)[0];
    assert_ne!(event["outcome"], "broken", "{event:#}");
    assert_ne!(event["outcome"], "failed", "{event:#}");
    assert_eq!(event["iterations"], 4, "{event:#}");
    fs::write(
        project.path().join("a.yaml"),
        text.replace("iterations: 4", "iterations: 20"),
    )
    .unwrap();
    let event = &project.events(&run)[0];
    assert_broken(
        event,
        "in iteration 5 the command of the request ended with exit code 1; it wrote: ",
    );
    assert_broken(event, "HTTP Error 418");
}

#[test]
fn a_service_that_is_never_ready_is_broken_and_what_was_awaited_is_told() {
    for (mode, ready, words) in [
        (
            "silent",
            "{port: '{port}'}",
            "within 2 s (limits.timeout): nothing listens on port ",
        ),
        (
            "silent",
            "{output: '^listening'}",
            "within 2 s (limits.timeout): no line of its output matched `^listening`",
        ),
        (
            "silent",
            "{url: 'http://127.0.0.1:{port}/'}",
            "/ got no answer: Connection refused",
        ),
        (
            "loud",
            "{url: 'http://127.0.0.1:{port}/refuse?i=5'}",
            "/refuse?i=5 was answered with 418",
        ),
        (
            "hasty",
            "{port: '{port}'}",
            "the target ended with exit code 1 before its first iteration",
        ),
    ] {
        let text = format!(
            "target:\n  service:\n    command: [python3, server.py, '{{port}}', {mode}]\n    ready: {ready}\n    request: {}\nlimits: {{timeout: 2 s}}\n{SHORT}\n",
            get("")
        );
        let (event, _) = run(&text);
        assert_broken(&event, words);
        let said = match mode {
            "silent" => "thinking",
            "hasty" => "no configuration",
            _ => "listening",
        };
        assert!(
            event["output"].as_str().unwrap().contains(said),
            "{event:#}"
        );
    }
}

#[test]
fn a_service_may_say_by_its_output_or_a_url_that_it_is_ready() {
    for ready in [
        "{output: '^listen'}",
        "{url: 'http://127.0.0.1:{port}/clean'}",
    ] {
        let text = format!(
            "target:\n  service:\n    command: [python3, server.py, '']\n    ready: {ready}\n    request: {}\n{SHORT}\n",
            get("clean")
        );
        assert_exercised(&run(&text).0);
    }
}

#[test]
fn a_service_that_does_not_end_when_told_to_is_killed_and_that_is_told() {
    let text = case(&get("clean"), SHORT).replace("'{port}']", "'{port}', deaf]");
    let (event, _) = run(&text);
    let notes = event["notes"].to_string();
    assert!(
        notes.contains("process 1 did not end within 5 s of SIGTERM"),
        "{event:#}"
    );
    let other = text.replace("    request", "    stop: SIGINT\n    request");
    let (event, _) = run(&other);
    assert!(
        !event["notes"].to_string().contains("did not end"),
        "{event:#}"
    );
}

#[test]
fn a_command_may_stop_a_service() {
    let stop = |command: &str| {
        let with = format!("    stop: {{command: [{command}]}}\n    request");
        run(&case(&get("clean"), SHORT).replace("    request", &with)).0
    };
    let event = stop("sh, -c, 'kill -INT $(cat pid)'");
    assert_exercised(&event);
    assert!(!event["notes"].to_string().contains("killed"), "{event:#}");
    let event = stop("sh, -c, 'echo not today; exit 4'");
    let notes = event["notes"].to_string();
    assert!(
        notes.contains("ended with exit code 4; it wrote: not today"),
        "{event:#}"
    );
}

#[test]
fn a_port_that_another_program_has_is_told_before_it_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (event, _) = run(&case(&get("clean"), SHORT).replace("{port}", &port));
    assert_broken(
        &event,
        &format!("port {port} is open before the service was started"),
    );
}

#[test]
fn an_interrupt_ends_a_request_that_takes_its_time() {
    let project = Project::new(&case(&get("slow"), SHORT));
    // Opening its other end waits for the server to have been asked.
    let pipe = project.path().join("asked");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let mut child = project
        .memcase(&["run", "a.yaml"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    fs::read(&pipe).unwrap();
    let mut kill = Command::new("kill");
    kill.arg("-INT").arg(child.id().to_string());
    assert!(kill.status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}

#[test]
fn a_service_that_passes_its_memory_is_told_as_such() {
    let text = case(
        "{url: 'http://127.0.0.1:{port}/leak', repeat: 1000}",
        "limits: {memory: 60 MiB}\nmeasure: {processes: 1, iterations: 100}",
    );
    let (event, _) = run(&text);
    assert_eq!(event["outcome"], "failed", "{event:#}");
    assert_eq!(event["limit"]["kind"], "memory", "{event:#}");
}
