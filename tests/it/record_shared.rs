//! What the processes of a recorded program share counts once, and what can be given up is not charged.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::record::{python, rows, summary, wait_for, with_program};
use crate::support::{Ended, Project};

const MIB: u64 = 1 << 20;

/// A recorded program that is told line by line to go on.
struct Running {
    project: Project,
    child: Child,
}

impl Running {
    fn start(text: &str, limit: &str) -> Self {
        let project = with_program(text);
        let python = python();
        let arguments = [
            &["record", "--marker", "^== (.*)", "--interval", "10ms"][..],
            &["--limit", limit, "--format", "json", "--"],
            &[&python, "program.py"],
        ];
        let child = project
            .command(&arguments.concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { project, child }
    }

    /// Waits until the record is as it should be, and lets the program go on.
    fn go(&mut self, found: impl Fn(&[Value]) -> bool) {
        wait_for(&self.project, found);
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(b"go\n").unwrap();
    }

    /// The summary, and the lines of the record.
    fn end(self) -> (Value, Vec<Value>) {
        let ended = Ended::of(self.child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let summary = summary(&ended);
        let file = summary["file"].as_str().unwrap();
        let kept = rows(&self.project.path().join(Path::new(file)));
        (summary, kept)
    }
}

fn in_phase(name: &str) -> impl Fn(&[Value]) -> bool + '_ {
    move |rows| rows.iter().any(|row| row["phase"]["name"] == name)
}

#[test]
fn shared_memory_that_children_touch_counts_once_and_passes_no_limit() {
    let mut running = Running::start(
        "import mmap, os, sys
memory = mmap.mmap(-1, 100 << 20)
def touch():
    for place in range(0, 100 << 20, 4096):
        memory[place] = 1
touch()
go, done, end = os.pipe(), os.pipe(), os.pipe()
for _ in range(3):
    if os.fork() == 0:
        os.close(end[1])
        os.read(go[0], 1)
        touch()
        os.write(done[1], b'd')
        os.read(end[0], 1)
        os._exit(0)
print('== forked', flush=True)
sys.stdin.readline()
os.write(go[1], b'go!')
for _ in range(3):
    os.read(done[0], 1)
print('== touched', flush=True)
sys.stdin.readline()
os.close(end[1])
for _ in range(3):
    os.wait()
print('== alone', flush=True)
sys.stdin.readline()
",
        "200MiB",
    );
    let children = ["1", "2", "3"];
    running.go(|rows| {
        let read = |row: &Value, child| row["each"][child][0].as_u64() > Some(0);
        rows.iter()
            .any(|row| children.iter().all(|child| read(row, child)))
    });
    running.go(in_phase("touched"));
    running.go(in_phase("alone"));
    let (summary, kept) = running.end();
    let peak = summary["peak"]["bytes"].as_u64().unwrap();
    assert!((100 * MIB..160 * MIB).contains(&peak), "{summary}");
    assert!(summary["over"].is_null(), "{summary}");
    let alone = kept
        .iter()
        .skip_while(|row| row["phase"]["name"] != "touched");
    let alone = alone.filter(|row| row["children"] == 0);
    let least = alone.filter_map(|row| row["pss"].as_u64()).max();
    assert!(least > Some(100 * MIB), "{least:?}");
}

#[test]
fn pages_of_files_are_not_charged() {
    let mut running = Running::start(
        "import mmap, sys
with open('program.py', 'r+b') as file:
    file.truncate(80 << 20)
    memory = mmap.mmap(file.fileno(), 80 << 20, prot=mmap.PROT_READ)
    sum(memory[place] for place in range(0, 80 << 20, 4096))
    print('== read', flush=True)
    sys.stdin.readline()
",
        "50MiB",
    );
    running.go(in_phase("read"));
    let (summary, _) = running.end();
    let peak = summary["peak"]["bytes"].as_u64().unwrap();
    assert!(peak > 80 * MIB, "{summary}");
    for over in ["over", "perhaps_over"] {
        assert!(summary[over].is_null(), "{summary}");
    }
}

#[test]
fn a_process_that_becomes_another_program_of_the_same_name_is_told_by_its_new_command() {
    let mut running = Running::start(
        "import os, sys
os.execv(sys.executable, [sys.executable, '-c', '''import sys
print('== new', flush=True)
sys.stdin.readline()'''])
",
        "1GiB",
    );
    running.go(in_phase("new"));
    let (summary, _) = running.end();
    let command = summary["processes"]["0"]["command"].as_str().unwrap();
    assert!(command.contains("== new"), "{summary}");
}

#[test]
fn what_is_seen_to_be_held_passes_a_limit_for_certain() {
    let mut running = Running::start(
        "import sys
x = bytearray(80 << 20)
print('== held', flush=True)
sys.stdin.readline()
",
        "50MiB",
    );
    running.go(|rows| rows.iter().any(|row| row["anon"].as_u64() > Some(80 * MIB)));
    let (summary, _) = running.end();
    // As it was when the limit was passed first.
    let held = summary["over"]["held"]["bytes"].as_u64();
    assert!(held > Some(50 * MIB), "{summary}");
}
