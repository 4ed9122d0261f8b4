//! Services: what is implied, and what is refused.

use memcase::case::{HttpRequest, Program, Ready, Request, ServiceTarget, Stop, StopSignal};

use crate::{read, told};

fn service(text: &str) -> ServiceTarget {
    match &read(text)[0].target.program {
        Program::Service(service) => (**service).clone(),
        other => panic!("not a service: {other:?}"),
    }
}

#[test]
fn what_is_left_out_is_implied() {
    let service = service(
        "target:\n  service:\n    command: [a, '{port}']\n    request: {url: 'http://localhost:{port}/b'}\n",
    );
    assert_eq!(service.command.argv, ["a", "{port}"]);
    assert_eq!(service.ready, Ready::Port("{port}".to_owned()));
    assert_eq!(service.stop, Stop::Signal(StopSignal::Term));
    assert_eq!(service.packages, None);
    let request = HttpRequest {
        url: "http://localhost:{port}/b".to_owned(),
        method: "GET".to_owned(),
        repeat: 1,
        parallel: 1,
        ..HttpRequest::default()
    };
    assert_eq!(service.request, Request::Http(request));
}

#[test]
fn every_key_of_a_service_is_lowered_to_what_it_means() {
    let service = service(
        "target:
  language: python
  requires: [flask]
  service:
    command: exec a
    shell: true
    ready: {port: 8000}
    request:
      url: http://127.0.0.1/
      headers: {A: 1.10}
      body: '{}'
      status: 201
      repeat: 10
      parallel: 2
    stop: {command: [b, 1]}
",
    );
    assert!(service.command.shell);
    assert_eq!(service.ready, Ready::Port("8000".to_owned()));
    assert_eq!(
        service.stop,
        Stop::Command(vec!["b".to_owned(), "1".to_owned()])
    );
    let request = HttpRequest {
        url: "http://127.0.0.1/".to_owned(),
        method: "POST".to_owned(),
        headers: vec![("A".to_owned(), "1.10".to_owned())],
        body: Some("{}".to_owned()),
        status: Some(201),
        repeat: 10,
        parallel: 2,
    };
    assert_eq!(service.request, Request::Http(request));
    let (_, tools) = service.packages.expect("it has packages");
    assert_eq!(tools.requires, ["flask"]);
}

#[test]
fn a_service_without_its_parts_is_refused() {
    insta::assert_snapshot!(told(r"target:
  service: {}
"), @r"
    error: `target.service.command`: is missing
     --> a.yaml:2:3
      |
    2 |   service: {}
      |   ^^^^^^^
      |
      = help: add `command:` with the program and its arguments

    error: `target.service.request`: is missing
     --> a.yaml:2:3
      |
    2 |   service: {}
      |   ^^^^^^^
      |
      = help: add `request:` with a `url`, or with a `command` that is run in each iteration
    ");
    insta::assert_snapshot!(told(r"target:
  service:
    command: [a]
    request: {command: [b]}
"), @r"
    error: `target.service.ready`: is missing
     --> a.yaml:2:3
      |
    2 |   service:
      |   ^^^^^^^
      |
      = help: add `ready:` with a `port`, a `url` or a line of `output`
    ");
    insta::assert_snapshot!(told(r"target:
  service:
    command: a b
    ready: {port: 8000, output: x}
    request: {status: 200}
    stop: {}
"), @r#"
    error: `target.service.command`: is one text, and no shell splits it
     --> a.yaml:3:14
      |
    3 |     command: a b
      |              ^^^
      |
      = help: write `command: [a, b]`, or add `shell: true`

    error: `target.service.ready`: needs one of `port`, `url` and `output`
     --> a.yaml:4:5
      |
    4 |     ready: {port: 8000, output: x}
      |     ^^^^^
      |
      = help: write for example `ready: {port: 8000}`

    error: `target.service.request`: needs a `url` or a `command`
     --> a.yaml:5:5
      |
    5 |     request: {status: 200}
      |     ^^^^^^^
      |
      = help: write for example `request: {url: "http://127.0.0.1:{port}/"}`

    error: `target.service.stop`: names neither a signal nor a command
     --> a.yaml:6:5
      |
    6 |     stop: {}
      |     ^^^^
      |
      = help: write `stop: SIGTERM`, or `stop: {command: [PROGRAM]}`
    "#);
}

#[test]
fn what_has_no_meaning_beside_a_service_is_refused() {
    insta::assert_snapshot!(told(r"target:
  language: ruby
  run: x
  requires: [rack]
  service:
    command: [a]
    request: {command: [b], repeat: 2}
    ready: {port: 1}
measure:
  driver: clock
  batch: 2
  collect: true
"), @r"
    error: `target.run`: cannot stand beside `service`
     --> a.yaml:3:3
      |
    3 |   run: x
      |   ^^^
      |
      = help: a service is a whole program; its command, and what is asked of it, stand below `service`

    error: `target.requires`: memcase makes no environment for a service in ruby
     --> a.yaml:4:3
      |
    4 |   requires: [rack]
      |   ^^^^^^^^
      |
      = help: build the program before, and name it with `command`

    error: `target.service.request.repeat`: cannot stand beside `command`
     --> a.yaml:7:29
      |
    7 |     request: {command: [b], repeat: 2}
      |                             ^^^^^^
      |
      = help: keep either the command or the HTTP request

    error: `measure.driver`: has no meaning for a service
      --> a.yaml:10:3
       |
    10 |   driver: clock
       |   ^^^^^^
       |
       = help: remove the key: a service is measured request by request

    error: `measure.batch`: has no meaning for a service
      --> a.yaml:11:3
       |
    11 |   batch: 2
       |   ^^^^^
       |
       = help: for several requests in an iteration write `repeat` below `target.service.request`

    error: `measure.collect`: has no meaning for a service
      --> a.yaml:12:3
       |
    12 |   collect: true
       |   ^^^^^^^
       |
       = help: memcase does nothing inside of the program; remove the key
    ");
    insta::assert_snapshot!(told(r"target:
  language: python
  service:
    command: [a]
    request: {url: 'http://127.0.0.1:80/'}
measure: {progress: x}
"), @r"
    error: `target.language`: names the language of `requires`, and there is none
     --> a.yaml:2:3
      |
    2 |   language: python
      |   ^^^^^^^^
      |
      = help: remove the key: the service's `command` names its interpreter

    error: `measure.progress`: has no meaning for a service
     --> a.yaml:6:11
      |
    6 | measure: {progress: x}
      |           ^^^^^^^^
      |
      = help: remove the key: a service is measured request by request
    ");
}

#[test]
fn addresses_ports_methods_and_signals_that_are_none_are_refused() {
    insta::assert_snapshot!(told(r"target:
  service:
    command: [a]
    ready: {port: 70000}
    request:
      url: https://127.0.0.1/
      method: GE T
      headers: {'A B': c}
      repeat: 2
      parallel: 3
    stop: SIGTREM
"), @r#"
    error: `target.service.ready.port`: `70000` is not a port
     --> a.yaml:4:19
      |
    4 |     ready: {port: 70000}
      |                   ^^^^^
      |
      = help: write a number from 1 to 65535, or `"{port}"`

    error: `target.service.request.url`: `https://127.0.0.1/` is encrypted, and memcase speaks plain HTTP
     --> a.yaml:6:12
      |
    6 |       url: https://127.0.0.1/
      |            ^^^^^^^^^^^^^^^^^^
      |
      = help: let the server listen without TLS, or make the request with `command: [curl, ...]`

    error: `target.service.request.method`: `GE T` is not a method of HTTP
     --> a.yaml:7:15
      |
    7 |       method: GE T
      |               ^^^^
      |
      = help: write for example `method: PUT`

    error: `target.service.request.headers`: `A B` is not a header field of HTTP
     --> a.yaml:8:7
      |
    8 |       headers: {'A B': c}
      |       ^^^^^^^
      |
      = help: write for example `Content-Type: application/json`, on one line

    error: `target.service.request.parallel`: is 3, and an iteration has 2 of them
      --> a.yaml:10:17
       |
    10 |       parallel: 3
       |                 ^
       |
       = help: write `repeat: 3` beside it, or more

    error: `target.service.stop`: `SIGTREM` is not known here
      --> a.yaml:11:11
       |
    11 |     stop: SIGTREM
       |           ^^^^^^^
       |
       = help: write `SIGTERM`, `SIGINT`, `SIGQUIT`, `SIGHUP`, `SIGUSR1` or `SIGUSR2`
    "#);
}

#[test]
fn patterns_and_ports_that_are_none_are_refused() {
    insta::assert_snapshot!(told(r"target:
  service:
    command: [a]
    ready: {output: '('}
    request: {url: 'http://127.0.0.1:x/'}
"), @r#"
    error: `target.service.ready.output`: is not a regular expression: unclosed group
     --> a.yaml:4:21
      |
    4 |     ready: {output: '('}
      |                     ^^^
      |
      = help: write for example `^listening on `, in the syntax of the crate `regex`

    error: `target.service.request.url`: `x` is not a port
     --> a.yaml:5:20
      |
    5 |     request: {url: 'http://127.0.0.1:x/'}
      |                    ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write for example `"http://127.0.0.1:{port}/"`
    "#);
    insta::assert_snapshot!(told(r"target:
  service:
    command: [a]
    ready: {port: {port}}
    request: {url: 127.0.0.1:8000}
"), @r#"
    error: `target.service.ready`: needs one of `port`, `url` and `output`
     --> a.yaml:4:5
      |
    4 |     ready: {port: {port}}
      |     ^^^^^
      |
      = help: write for example `ready: {port: 8000}`

    error: `target.service.ready.port`: needs text, found a mapping
     --> a.yaml:4:19
      |
    4 |     ready: {port: {port}}
      |                   ^
      |
      = help: write for example `port: "{port}"`

    error: `target.service.request.url`: `127.0.0.1:8000` is not an HTTP address
     --> a.yaml:5:20
      |
    5 |     request: {url: 127.0.0.1:8000}
      |                    ^^^^^^^^^^^^^^
      |
      = help: write for example `"http://127.0.0.1:{port}/"`
    "#);
}
