//! `memcase watch`: what is run again when files change, and what is told of it.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{LEAK, Project, STABLE};

/// A line that does not come in this time does not come.
const PATIENCE: Duration = Duration::from_mins(4);

pub(crate) const C_STABLE: &str = "
target:
  language: c
  run: |
    free(malloc(1000));
measure: {iterations: 240}
";

pub(crate) const C_LEAK: &str = "
target:
  language: c
  run: |
    memset(malloc(5000), 1, 5000);
measure: {iterations: 240}
";

/// memcase that watches, and the lines of its output.
pub(crate) struct Watching {
    child: Child,
    lines: Receiver<String>,
    shown: String,
}

impl Watching {
    pub(crate) fn begin(project: &Project, arguments: &[&str]) -> Self {
        let mut command = project.command(&[&["watch"], arguments].concat());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines() {
                if tell.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            shown: String::new(),
        }
    }

    /// What is shown until a line holds this, with that line.
    fn until(&mut self, part: &str) -> String {
        let mut text = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|e| panic!("{part}: {e}\n{}", self.shown));
            for text in [&mut text, &mut self.shown] {
                *text += &line;
                *text += "\n";
            }
            if line.contains(part) {
                return text;
            }
        }
    }

    fn interrupt(&self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
    }

    /// Ends it, as Ctrl-C does.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.interrupt();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Python case that tells a pipe when it is at work, and goes on for minutes; the pipe.
pub(crate) fn endless(project: &Project) -> (String, std::path::PathBuf) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let pipe = project.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let case = format!(
        "
target:
  language: python
  setup: |
    import time
    open('{}', 'w').write('x')
  run: |
    time.sleep(0.01)
limits: {{timeout: 20 min}}
measure: {{iterations: 1000000, time: 20 min}}
",
        pipe.display()
    );
    (case, pipe)
}

/// Waits until a process is at work; as long as the pipe is open no other has to wait.
pub(crate) fn at_work(pipe: &std::path::Path) -> File {
    let mut pipe = File::open(pipe).unwrap();
    pipe.read_exact(&mut [0]).unwrap();
    pipe
}

#[test]
fn a_leak_that_is_fixed_is_told_with_its_slopes_and_confirmed() {
    let project = Project::new(&[("a", LEAK), ("b", C_STABLE)]);
    let mut watching = Watching::begin(&project, &[]);
    let first = watching.until("watching 2 cases");
    assert!(
        first.contains("1 of 2 cases is as claimed; not as claimed: a\n"),
        "{first}"
    );
    assert!(first.contains("confirming in normal mode: a\n"), "{first}");
    assert!(
        first.contains("(intervals overlap): confirmed\n"),
        "{first}"
    );
    assert!(!first.contains("since the last run"), "{first}");

    project.write("cases/a.yaml", STABLE);
    let second = watching.until("watching 2 cases");
    assert!(
        second.contains("cases/a.yaml changed: running 1 of 2 in fast mode\n"),
        "{second}"
    );
    let line = second
        .lines()
        .find(|line| line.starts_with("    a: "))
        .unwrap();
    assert!(line.starts_with("    a: leak → stable, slope 4."), "{line}");
    assert!(
        line.ends_with(" KiB/iter → 0 B/iter (intervals apart): fixed"),
        "{line}"
    );
    assert!(
        second.contains("1 fixed; 2 of 2 cases are as claimed\n"),
        "{second}"
    );
    assert!(
        second.contains("confirming in normal mode: a\n"),
        "{second}"
    );
    assert!(!second.contains("    b: "), "{second}");
    assert_eq!(watching.end(), Some(0));
    assert!(project.path().join(".memcase/a/result.json").is_file());
    assert!(project.read(".memcase/run.jsonl").contains("\"a\""));
}

#[test]
fn a_save_through_another_file_or_by_removal_is_a_change_and_other_rights_are_none() {
    let project = Project::new(&[("a", C_STABLE), ("b", C_STABLE)]);
    let path = |name: &str| project.path().join("cases").join(name);
    let mut watching = Watching::begin(&project, &["--fast", "--quiet"]);
    watching.until("watching 2 cases");
    // As editors save.
    project.write("cases/.a.yaml.swp", "");
    project.write("cases/4913", "");
    fs::write(path("a.yaml.tmp"), C_LEAK).unwrap();
    fs::rename(path("a.yaml.tmp"), path("a.yaml")).unwrap();
    let told = watching.until("watching 2 cases");
    assert!(
        told.contains("\ncases/a.yaml changed: running 1 of 2"),
        "{told}"
    );
    assert!(told.contains("    a: stable → leak, "), "{told}");

    fs::set_permissions(path("b.yaml"), Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(path("a.yaml")).unwrap();
    fs::write(path("a.yaml"), C_STABLE).unwrap();
    let told = watching.until("watching 2 cases");
    assert!(
        told.contains("cases/a.yaml changed: running 1 of 2"),
        "{told}"
    );
    assert!(told.contains("    a: leak → stable, "), "{told}");
    assert_eq!(watching.end(), Some(0));
}

#[test]
fn files_and_folders_that_come_are_picked_up_and_those_that_go_drop_out() {
    let project = Project::new(&[("a", C_STABLE)]);
    let mut watching = Watching::begin(&project, &["--fast", "-q", "cases"]);
    watching.until("watching 1 case");
    project.write("cases/deep/er/b.yaml", C_LEAK);
    let told = watching.until("watching 2 cases");
    assert!(told.contains("    deep/er/b: leak, slope 4."), "{told}");
    assert!(told.contains(": new\n"), "{told}");
    project.write("cases/deep/er/b.yaml", C_STABLE);
    let told = watching.until("watching 2 cases");
    assert!(
        told.contains("1 fixed; 2 of 2 cases are as claimed"),
        "{told}"
    );
    fs::remove_dir_all(project.path().join("cases/deep")).unwrap();
    let told = watching.until("watching 1 case");
    assert!(told.contains("deep/er/b: gone\n"), "{told}");
    // All of it, as git does when it goes to another branch.
    fs::rename(project.path().join("cases"), project.path().join("away")).unwrap();
    let told = watching.until("waiting for changes");
    assert!(told.contains("a: gone\n"), "{told}");
    fs::rename(project.path().join("away"), project.path().join("cases")).unwrap();
    let told = watching.until("watching 1 case");
    assert!(told.contains("1 of 1 case is as claimed"), "{told}");
}

#[test]
fn a_source_that_a_target_may_load_touches_the_cases_of_its_language() {
    let python = "
target:
  language: python
  env: {PYTHONPATH: ../src}
  setup: |
    import library
  run: |
    library.work()
measure: {iterations: 240}
";
    let c = "
target:
  language: c
  prelude: |
    #include \"../native/work.h\"
  run: |
    work();
measure: {iterations: 240}
";
    let project = Project::new(&[("py", python), ("c", c)]);
    project.write("src/library.py", "def work(): pass\n");
    project.write("native/work.h", "static void work(void) {}\n");
    let mut watching = Watching::begin(&project, &["--fast", "-q"]);
    watching.until("watching 2 cases");
    project.write("notes.txt", "of no language");
    project.write(
        "src/library.py",
        "kept = []\ndef work(): kept.append(bytearray(5000))\n",
    );
    let told = watching.until("watching 2 cases");
    assert!(
        told.contains("src/library.py changed: running 1 of 2"),
        "{told}"
    );
    assert!(told.contains("    py: stable → leak, "), "{told}");
    let leaks = "#include <stdlib.h>\n#include <string.h>\nstatic void work(void) { memset(malloc(5000), 1, 5000); }\n";
    project.write("native/work.h", leaks);
    let told = watching.until("watching 2 cases");
    assert!(
        told.contains("native/work.h changed: running 1 of 2"),
        "{told}"
    );
    assert!(told.contains("    c: stable → leak, "), "{told}");
}

#[test]
fn a_case_that_changes_while_it_runs_begins_anew_and_no_other_change_is_lost() {
    let project = Project::new(&[("b", C_STABLE)]);
    let (endless, pipe) = endless(&project);
    project.write("cases/a.yaml", &endless);
    let mut watching = Watching::begin(&project, &["--fast", "-j2"]);
    let _pipe = at_work(&pipe);
    watching.until("test b");
    project.write("cases/b.yaml", C_LEAK);
    project.write("cases/a.yaml", C_STABLE);
    let told = watching.until("watching 2 cases");
    assert!(told.contains("running 2 of 2 in fast mode"), "{told}");
    assert!(
        told.contains("    a: stable, slope 0 B/iter: new\n"),
        "{told}"
    );
    assert!(told.contains("    b: stable → leak, "), "{told}");
    assert_eq!(watching.end(), Some(0));
}

#[test]
fn mistakes_are_told_and_the_other_cases_go_on() {
    let project = Project::new(&[("a", C_STABLE), ("b", "target: {language: cobol}\n")]);
    let mut watching = Watching::begin(&project, &["--fast", "-q"]);
    let told = watching.until("watching 1 case");
    assert!(
        told.contains("case file has an error; its cases wait"),
        "{told}"
    );
    assert!(told.contains("cases/b.yaml:1"), "{told}");
    assert!(told.contains("1 of 1 case is as claimed"), "{told}");
    project.write("cases/b.yaml", C_STABLE);
    watching.until("watching 2 cases");
    project.write("cases/a.yaml", "target: 5\n");
    let told = watching.until("watching 1 case");
    assert!(told.contains("cases/a.yaml:1"), "{told}");
    assert!(!told.contains("gone"), "{told}");
    project.write("cases/a.yaml", C_LEAK);
    let told = watching.until("watching 2 cases");
    assert!(told.contains("    a: stable → leak, "), "{told}");

    project.write("memcase.toml", "[profile.default]\nretries = 'some'\n");
    let told = watching.until("the settings stay as they were");
    assert!(told.contains("memcase.toml:2"), "{told}");
    watching.until("watching 2 cases");
    project.write("memcase.toml", "[profile.default]\nretries = 0\n");
    let told = watching.until("watching 2 cases");
    assert!(told.contains("running 2 of 2 in fast mode"), "{told}");
    assert!(
        told.contains("2 unchanged; 1 of 2 cases is as claimed; not as claimed: a\n"),
        "{told}"
    );
}

#[test]
fn a_file_that_each_run_writes_does_not_keep_it_from_its_end() {
    let writes = "
target:
  language: python
  env: {OUT: out.txt}
  setup: |
    import os, time
    open(os.environ['OUT'], 'a').write('x')
  run: |
    time.sleep(0.02)
measure: {iterations: 120, processes: 2}
";
    let project = Project::new(&[("a", writes)]);
    project.write("cases/out.txt", "");
    let mut watching = Watching::begin(&project, &["--fast", "-q"]);
    let told = watching.until("name it in .gitignore");
    assert!(
        told.contains("cases/out.txt` changes in each run"),
        "{told}"
    );
    assert!(
        told.contains("cases/out.txt changed: running 1 of 1"),
        "{told}"
    );
}

#[test]
fn a_linked_folder_is_watched_where_it_lies_and_so_is_one_that_is_looked_at() {
    for arguments in [&["link"][..], &["--poll", "20ms", "link"]] {
        let project = Project::new(&[]);
        project.write("real/a.yaml", C_STABLE);
        symlink("real", project.path().join("link")).unwrap();
        let mut watching = Watching::begin(&project, &[&["--fast", "-q"], arguments].concat());
        watching.until("watching 1 case");
        project.write("real/a.yaml", C_LEAK);
        let told = watching.until("watching 1 case");
        assert!(told.contains("    a: stable → leak, "), "{told}");
        project.write("real/b.yaml", C_STABLE);
        let told = watching.until("watching 2 cases");
        assert!(
            told.contains("    b: stable, slope 0 B/iter: new\n"),
            "{told}"
        );
    }
}
