//! A folder with cases, and memcase run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Grows by 5 KB an iteration.
pub(crate) const LEAK: &str = "
target:
  language: python
  setup: |
    kept = []
  run: |
    kept.append(bytearray(5000))
measure: {iterations: 240}
";

/// Grows by nothing.
pub(crate) const STABLE: &str = "
target:
  language: python
  run: |
    x = [1] * 100
measure: {iterations: 240}
";

/// Holds 64 MiB for a moment in one iteration.
pub(crate) const SPIKE: &str = "
target:
  language: python
  run: |
    x = b'x' * (64 << 20) if iteration == 150 else None
    x = None
expect: spike
measure: {iterations: 200}
";

/// Raises in iteration 10.
pub(crate) const CRASH: &str = "
target:
  language: python
  run: |
    if iteration == 10:
        raise ValueError('no more')
";

/// Too few iterations for any verdict.
pub(crate) const TOO_SHORT: &str = "
target:
  language: python
  setup: |
    kept = []
  run: |
    kept.append(bytearray(5000 if iteration % 2 else 1))
measure: {iterations: 4}
";

/// Needs an interpreter that is nowhere.
pub(crate) const NO_INTERPRETER: &str = "
target:
  language: python
  interpreter: python-of-nowhere
  run: |
    pass
";

/// A folder with cases in `cases/`, away from any Cargo project.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    pub(crate) fn new(cases: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Self { folder };
        for (id, text) in cases {
            project.write(&format!("cases/{id}.yaml"), text);
        }
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Makes a program of C with its lines, in the folder.
    pub(crate) fn compile(&self, name: &str, code: &str) {
        let source = format!("{name}.c");
        self.write(&source, code);
        let compiled = Command::new("cc")
            .args(["-g", "-O0", "-o", name, &source])
            .current_dir(self.path())
            .status();
        assert!(compiled.unwrap().success());
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(self.path());
        quiet(&mut command);
        command
    }

    pub(crate) fn memcase(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_memcase"))
}

/// Takes away what the surroundings say about output, place and strictness.
pub(crate) fn quiet(command: &mut Command) {
    for name in [
        "CI",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "CARGO_TARGET_DIR",
    ] {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MEMCASE_") {
            command.env_remove(name);
        }
    }
}

/// How a run of memcase ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The line of a case.
    pub(crate) fn line(&self, id: &str) -> &str {
        self.out
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(id))
            .unwrap_or_else(|| panic!("no line for {id}:\n{}\n{}", self.out, self.err))
    }

    /// All lines as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        self.out.lines().map(parse).collect()
    }
}
