//! A git repository with cases, and memcase run in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::baselines::{CASE, fixture};
use crate::support::{Ended, Project};

/// A repository whose cases are in the subfolder `sub`.
pub(crate) struct Repository {
    pub(crate) project: Project,
}

impl Repository {
    /// With these files below `sub/cases`, committed on `main`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self {
            project: Project::new(&[]),
        };
        fs::create_dir(repository.temporary()).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        for (name, text) in files {
            repository.write(name, text);
        }
        repository.commit();
        repository
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.project.path())
            .args([
                "-c",
                "user.name=memcase",
                "-c",
                "user.email=memcase@example.org",
            ])
            .args([
                "-c",
                "core.excludesFile=/dev/null",
                "-c",
                "commit.gpgSign=false",
            ])
            .args(arguments)
            .stderr(Stdio::inherit());
        let ended = git.output().unwrap();
        assert!(ended.status.success(), "{arguments:?}");
        String::from_utf8(ended.stdout).unwrap()
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "sub"]);
        self.git(&["commit", "--quiet", "--message", "as it is"]);
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.project.write(&format!("sub/cases/{name}"), text);
    }

    /// Where temporary folders of memcase go.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.project.path().join("temporary")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command
            .current_dir(self.project.path().join("sub"))
            .env("TMPDIR", self.temporary());
        command
    }

    pub(crate) fn ends_with(&self, arguments: &[&str], code: i32) -> Ended {
        let ended = Ended::of(self.command(arguments).output().unwrap());
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        self.is_clean();
        ended
    }

    /// Whether nothing is left of a revision: no worktree, no record of one, no folder.
    pub(crate) fn has_nothing_left(&self) -> bool {
        let worktrees = self.project.path().join(".git/worktrees");
        let records = fs::read_dir(worktrees).map_or(0, Iterator::count);
        records == 0 && fs::read_dir(self.temporary()).unwrap().count() == 0
    }

    pub(crate) fn is_clean(&self) {
        assert!(self.has_nothing_left());
        assert_eq!(self.git(&["worktree", "list"]).lines().count(), 1);
    }

    /// Starts a run that goes on for long, and waits until a side is measured.
    pub(crate) fn measuring(&self) -> Child {
        let endless =
            "target: {command: [sh, grow.sh]}\nmeasure: {iterations: 100000000, time: 10 min}\n";
        self.write("grow.yaml", endless);
        let mut child = self
            .command(&["run", "--against", "main", "--format", "json", "grow"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let looked = |line: std::io::Result<String>| line.unwrap().contains("case-progress");
        assert!(lines.by_ref().any(looked));
        assert!(!self.has_nothing_left(), "the revision is there");
        // It goes on to be read, so that the run does not end for want of a reader.
        std::thread::spawn(move || lines.for_each(drop));
        child
    }
}

/// A script that runs a fixture.
pub(crate) fn script(program: &str, arguments: &str) -> String {
    format!("exec '{}' {arguments}\n", fixture(program).display())
}

/// A repository with the case `grow`, which grows by 1,040 bytes an iteration.
pub(crate) fn grows() -> Repository {
    Repository::new(&[
        ("grow.yaml", CASE),
        ("grow.sh", &script("leak_linear", "1024")),
    ])
}
