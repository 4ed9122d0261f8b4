//! A working folder with cases, in which a shell finds memcase on its path.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// A folder with these files.
    pub(crate) fn with(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let place = Self { folder };
        for (path, text) in files {
            place.write(&path, &text);
        }
        fs::create_dir(place.tools()).expect("a folder can be made");
        let memcase = env!("CARGO_BIN_EXE_memcase");
        symlink(memcase, place.tools().join("memcase")).expect("a link can be made");
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder in which the shell looks first.
    pub(crate) fn tools(&self) -> PathBuf {
        self.path().join("bin")
    }

    pub(crate) fn search_path(&self) -> String {
        let path = std::env::var("PATH").unwrap_or_default();
        format!("{}:{path}", self.tools().display())
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }

    /// A line or a script in the shell of a server; its surroundings are the caller's.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.path());
        command
    }
}
