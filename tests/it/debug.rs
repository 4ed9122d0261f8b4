//! `memcase debug`, as a person uses it: keys in a real terminal, the stacks of all threads, and what is refused.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use crate::record_terminal::in_terminal;
use crate::support::Project;

/// Grows by much in iteration 20 alone.
const STEP: &str = "
target:
  language: python
  setup: |
    kept = []
  run: |
    size = 400000 if iteration == 20 else 1000
    kept.append(bytearray(size))
";
const NODE: &str = "
target:
  language: node
  setup: |
    const kept = [];
  run: |
    kept.push(Buffer.alloc(1 << 20, 1));
";
const C: &str = "
target:
  language: c
  run: |
    char *p = malloc(iteration == 20 ? 400000 : 1000);
    memset(p, 1, 100);
";
const AT_20: [&str; 5] = ["debug", "--break-at", "+64KiB/iter", "--iterations", "60"];

/// Types each answer where its prompt is shown; all that was shown, and the exit code.
pub(crate) fn talk(
    project: &Project,
    arguments: &[&str],
    talk: &[(&str, &str)],
) -> (String, Option<i32>) {
    let (mut child, terminal) = in_terminal(project, arguments);
    let (all, unsaid) = exchange(&terminal, &terminal, talk);
    let code = child.wait().unwrap().code();
    assert_eq!(unsaid, None, "{all}");
    (all, code)
}

/// All that was read, and what was not said as its prompt was not shown. Once all is said, `to` is closed.
fn exchange<'a>(
    mut from: impl Read,
    to: impl Write,
    talk: &'a [(&str, &str)],
) -> (String, Option<&'a (&'a str, &'a str)>) {
    let mut all = String::new();
    let mut seen = 0;
    let mut buffer = [0; 1024];
    let mut talk = talk.iter();
    let mut next = talk.next();
    let mut to = Some(to);
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        all += &String::from_utf8_lossy(&buffer[..n]);
        while let Some((prompt, answer)) = next
            && let Some(place) = all[seen..].find(prompt)
        {
            seen += place + prompt.len();
            let open = to.as_mut().unwrap();
            open.write_all(answer.as_bytes()).unwrap();
            next = talk.next();
            if next.is_none() {
                to = None;
            }
        }
    }
    (all, next)
}

#[test]
fn pdb_is_entered_in_the_iteration_that_follows_the_crossing() {
    let project = Project::new(&[("a", STEP)]);
    let (shown, code) = talk(
        &project,
        &AT_20,
        &[
            ("(Pdb) ", "p iteration, len(kept)\n"),
            // Ctrl-C is for the debugger.
            ("(Pdb) ", "\x03"),
            ("(Pdb) ", "p 'still' + ' here'\n"),
            ("(Pdb) ", "c\n"),
        ],
    );
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("iteration 20 crossed +64.0 KiB/iter"),
        "{shown}"
    );
    assert!(shown.contains("a debugger holds references"), "{shown}");
    assert!(shown.contains("cases/a.yaml(7)run()"), "{shown}");
    assert!(shown.contains("(21, 21)"), "{shown}");
    assert!(shown.contains("still here"), "{shown}");
    assert!(shown.contains("60 iterations were run in all"), "{shown}");
}

#[test]
fn leaving_pdb_ends_the_process() {
    let project = Project::new(&[("a", STEP)]);
    let (shown, code) = talk(&project, &AT_20, &[("(Pdb) ", "q\n")]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("ended with exit code 0 in iteration 21"),
        "{shown}"
    );
    assert!(shown.contains("21 iterations were run in all"), "{shown}");
}

#[test]
fn nodes_inspector_is_told_and_ctrl_c_ends_the_wait() {
    let project = Project::new(&[("a", NODE)]);
    let (shown, code) = talk(
        &project,
        &["debug", "--break-at", "80MiB"],
        &[("ws://127.0.0.1:", "\x03")],
    );
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("interrupted"), "{shown}");
}

#[test]
fn a_case_is_looked_into_by_node_inspect_and_runs_to_its_end() {
    let project = Project::new(&[("a", NODE)]);
    let (mut child, terminal) = in_terminal(
        &project,
        &["debug", "--break-at", "80MiB", "--iterations", "100"],
    );
    let mut shown = String::new();
    let mut looked = None;
    for line in BufReader::new(terminal).lines().map_while(Result::ok) {
        if let Some(address) = line.strip_prefix("node inspect ") {
            let address = address.trim().to_owned();
            looked = Some(thread::spawn(move || look_into(&address)));
        }
        shown += &line;
    }
    assert_eq!(child.wait().unwrap().code(), Some(0), "{shown}");
    assert!(shown.contains("100 iterations were run in all"), "{shown}");
    let looked = looked.expect(&shown).join().unwrap();
    // Each iteration keeps one.
    assert!(looked.contains("behind: 0"), "{looked}");
    assert!(looked.contains("a.yaml!:7"), "{looked}");
}

/// Goes from the stop before the iteration into it, asks for what it keeps, and lets it go on.
fn look_into(address: &str) -> String {
    let node = Command::new("node")
        .args(["inspect", address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut node = node.unwrap();
    let (from, to) = (node.stdout.take().unwrap(), node.stdin.take().unwrap());
    let (all, unsaid) = exchange(
        from,
        to,
        &[
            ("break in ", "s\n"),
            ("break in ", "s\n"),
            (
                "break in ",
                "exec 'behind: ' + String(iteration - kept.length)\n",
            ),
            ("'behind: ", "c\n"),
        ],
    );
    node.wait().unwrap();
    assert_eq!(unsaid, None, "{all}");
    all
}

#[test]
fn gdb_is_attached_in_the_terminal_and_the_run_goes_on_behind_it() {
    let project = Project::new(&[("a", C)]);
    let (shown, code) = talk(
        &project,
        &AT_20,
        &[
            ("(gdb) ", "print 6 * 7\n"),
            ("(gdb) ", "detach\n"),
            ("(gdb) ", "quit\n"),
        ],
    );
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("$1 = 42"), "{shown}");
    assert!(shown.contains("60 iterations were run in all"), "{shown}");
}

#[test]
fn a_dump_has_the_stacks_of_all_threads_and_the_run_goes_on() {
    let threads = "
target:
  language: python
  setup: |
    import threading
    stop = threading.Event()
    def wait_for_it():
        stop.wait()
    threading.Thread(target=wait_for_it, name='beside', daemon=True).start()
    kept = []
  run: |
    kept.append(bytearray(400000 if iteration == 20 else 1000))
";
    let project = Project::new(&[("py", threads), ("js", NODE), ("c", C)]);
    let at_20 = |id| [&AT_20[..], &["--dump", "--exact", id]].concat();
    let ended = project.memcase(&at_20("py"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("Thread beside"), "{}", ended.out);
    assert!(
        ended.out.contains("in wait_for_it\n    stop.wait()"),
        "{}",
        ended.out
    );
    assert!(
        ended.err.contains("60 iterations were run in all"),
        "{}",
        ended.err
    );

    let ended = project.memcase(&at_20("c"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("in main ()"), "{}", ended.out);
    assert!(
        ended.err.contains("60 iterations were run in all"),
        "{}",
        ended.err
    );

    let to_file = [
        "debug",
        "--exact",
        "js",
        "--break-at",
        "80MiB",
        "--iterations",
        "100",
        "--dump=report.json",
    ];
    project.write("report.json", "old and longer than nothing");
    let ended = project.memcase(&to_file);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let report: serde_json::Value = serde_json::from_str(&project.read("report.json")).unwrap();
    assert!(report["javascriptStack"]["stack"].is_array(), "{report}");
}

#[test]
fn a_line_that_is_never_reached_is_told_with_the_highest_reading() {
    let project = Project::new(&[("a", STEP)]);
    let never = [
        "debug",
        "--break-at",
        "3GiB",
        "--iterations",
        "30",
        "--dump=out.txt",
    ];
    let ended = project.memcase(&never);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let told = "3.00 GiB was not reached in 30 iterations; the highest live was ";
    assert!(ended.err.contains(told), "{}", ended.err);
    assert!(!project.path().join("out.txt").exists());
    let never = [
        "debug",
        "--break-at",
        "+1GiB/iter",
        "--iterations",
        "30",
        "--dump",
    ];
    let ended = project.memcase(&never);
    assert!(ended.err.contains("(live, iteration 20)"), "{}", ended.err);
    assert_eq!(ended.out, "");
}

#[test]
fn what_can_not_be_debugged_is_refused_before_anything_is_run() {
    let project = Project::new(&[("a", STEP), ("b", C)]);
    let none = |ended: &crate::support::Ended| {
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        assert!(!project.path().join(".memcase").exists(), "{}", ended.err);
    };
    let ended = project.memcase(&["debug", "--break-at", "1MiB", "--dump"]);
    none(&ended);
    assert!(ended.err.contains("2 are selected: a, b"), "{}", ended.err);
    let ended = project.memcase(&["debug", "--break-at", "1MiB", "--exact", "a"]);
    none(&ended);
    assert!(ended.err.contains("needs a terminal"), "{}", ended.err);
    for level in ["300", "-1MiB"] {
        let ended = project.memcase(&["debug", "--break-at", level, "--exact", "a"]);
        none(&ended);
        assert!(ended.err.contains("+64KiB/iter"), "{}", ended.err);
    }
    let empty = project.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let mut command = project.command(&["debug", "--break-at", "1MiB", "--dump", "--exact", "b"]);
    let ended = crate::support::Ended::of(command.env("PATH", &empty).output().unwrap());
    none(&ended);
    assert!(ended.err.contains("apt install gdb"), "{}", ended.err);
}
