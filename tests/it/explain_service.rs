//! Explanations of services: by the tracer of Python in the service itself, and by its call paths.

use serde_json::Value;

use crate::support::Project;

/// Keeps what it is sent, in a variable of its module.
const SERVER: &str = "\
import http.server, os
import marked
kept = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kept.append(bytes(3000))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(('127.0.0.1', int(os.environ['MEMCASE_PORT'])), Handler).serve_forever()
";

const SERVICE: &str = "
target:
  service:
    command: [python3, ../server.py]
    request: {url: 'http://127.0.0.1:{port}/'}
  env: {PYTHONPATH: ../own}
expect: leak
measure: {iterations: 240, processes: 2}
";

fn explained(project: &Project) -> Value {
    let ended = project.memcase(&["explain", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut events = ended.json().into_iter();
    events.find(|event| event["type"] == "case").unwrap()
}

#[test]
fn a_service_in_python_is_traced_by_its_lines_and_keeps_its_own_sitecustomize() {
    let project = Project::new(&[("service", SERVICE)]);
    project.write("server.py", SERVER);
    // Without it the server can not start.
    let own = "import sys, types; sys.modules['marked'] = types.ModuleType('marked')\n";
    project.write("own/sitecustomize.py", own);
    let event = explained(&project);
    let why = &event["why"];
    assert_eq!(why["tracers"][0], "tracemalloc", "{event:#}");
    let place = &why["culprits"][0]["place"];
    assert_eq!(
        (&place["file"], &place["line"]),
        (&"server.py".into(), &6.into()),
        "{event:#}"
    );
    assert_eq!(place["function"], "Handler.do_GET");
    let cause = why["cause"].as_str().unwrap_or_default();
    assert!(cause.starts_with("`kept`, a list"), "{event:#}");
    assert_eq!(why["chains"][0]["root"], "module __main__");
}

/// Answers one request after the other, and loses a block with each.
const IN_C: &str = r#"#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static void *session(void) { return memset(malloc(200), 7, 200); }
static void *last;
int main(void) {
  int listening = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("MEMCASE_PORT")))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listening, (struct sockaddr *)&at, sizeof at) != 0 || listen(listening, 16) != 0) return 1;
  for (;;) {
    char request[4096];
    const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    int asked = accept(listening, 0, 0);
    if (read(asked, request, sizeof request) > 0) {
      last = session();
      if (write(asked, answer, strlen(answer)) < 0) return 1;
    }
    close(asked);
  }
}
"#;

#[test]
fn a_compiled_service_is_explained_by_its_call_paths() {
    let case = SERVICE.replace("[python3, ../server.py]", "[../server]");
    let project = Project::new(&[("service", &case)]);
    project.compile("server", IN_C);
    let event = explained(&project);
    let culprits = event["why"]["culprits"].as_array().unwrap();
    let place = &culprits[0]["place"];
    assert_eq!(
        (&place["line"], &place["function"]),
        (&6.into(), &"session".into()),
        "{event:#}"
    );
    assert_eq!(culprits.len(), 1, "{event:#}");
    assert!((culprits[0]["bytes"].as_f64().unwrap() - 208.0).abs() < 1e-6);
}
