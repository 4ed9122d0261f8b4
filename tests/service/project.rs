//! A folder with a case on a server that can do many things, and memcase run in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// `server.py PORT [MODE]`: a route for each thing that a server may do.
const SERVER: &str = r#"
import os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

kept, both, asked = [], threading.Barrier(2), 0

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(*self.handle_route(b""))

    def do_PUT(self):
        self.answer(*self.handle_route(self.rfile.read(int(self.headers["Content-Length"]))))

    do_POST = do_PUT

    def handle_route(self, body):
        global asked
        url = urlsplit(self.path)
        i = int(parse_qs(url.query).get("i", ["0"])[0])
        if url.path == "/leak":
            kept.append(bytes(6000))
        elif url.path == "/die" and i == 5:
            print("going down", flush=True)
            os._exit(3)
        elif url.path == "/refuse" and i == 5:
            return 418, b"I am a\nteapot"
        elif url.path == "/together":
            both.wait(30)
        elif url.path == "/count":
            asked += 1
            if not 4 * i < asked <= 4 * i + 4:
                return 500, b"asked %d times by iteration %d" % (asked, i)
        elif url.path == "/echo":
            said = (self.command, body.decode(), self.headers["X-Iteration"])
            if said != ("PUT", '{"n": %d}' % i, str(i)):
                return 400, repr(said).encode()
            return 201, b""
        elif url.path == "/slow":
            open("asked", "w").close()
            time.sleep(600)
        return 200, b"ok"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

open("pid", "w").write(str(os.getpid()))
mode = sys.argv[2] if len(sys.argv) > 2 else ""
if mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "silent":
    print("thinking", flush=True)
    time.sleep(600)
if mode == "hasty":
    sys.exit("no configuration")
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1] or os.environ["MEMCASE_PORT"])), Handler)
print("listening", flush=True)
server.serve_forever()
"#;

pub(crate) struct Project(TempDir);

impl Project {
    pub(crate) fn new(case: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("server.py"), SERVER).unwrap();
        fs::write(folder.path().join("a.yaml"), case).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn memcase(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memcase"));
        command.args(arguments).current_dir(self.path());
        for name in ["CI", "MEMCASE_DIR", "CARGO_TARGET_DIR", "http_proxy"] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn events(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.memcase(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|event| event["outcome"].is_string() || event["type"] == "verdict")
            .collect();
        assert!(
            !events.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        events
    }
}

/// What became of a case; the traces are kept as long as the project is.
pub(crate) fn run(case: &str) -> (Value, Project) {
    let project = Project::new(case);
    let event = project
        .events(&["run", "--format", "json", "a.yaml"])
        .remove(0);
    (event, project)
}

/// A case on `server.py`, with requests as given.
pub(crate) fn case(request: &str, more: &str) -> String {
    format!(
        "target:\n  service:\n    command: [python3, server.py, '{{port}}']\n    request: {request}\n{more}\n"
    )
}

pub(crate) fn get(route: &str) -> String {
    format!("{{url: 'http://127.0.0.1:{{port}}/{route}'}}")
}

/// Why a case became what it did.
pub(crate) fn reason(event: &Value) -> &str {
    event["reason"].as_str().unwrap_or_default()
}
