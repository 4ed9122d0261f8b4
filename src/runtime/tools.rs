//! Programs on PATH that are no target and that memcase has a use for: where they are, and their versions.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{find, tool};

const LIMIT: Duration = Duration::from_secs(20);

/// A program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub program: PathBuf,
    /// The first line that it answers, or why it does not.
    pub version: Result<String, String>,
}

/// Looks for a program, and asks it.
pub fn look(name: &str, arguments: &[&str]) -> Option<Found> {
    let program = find::program(name, Path::new(""))?;
    let what = format!("asking {} for its version", program.display());
    let mut command = Command::new(&program);
    let said = tool::run(&what, command.args(arguments), LIMIT);
    Some(Found {
        version: match said {
            Ok(said) => Ok(first_line(&said)),
            Err(error) => Err(first_line(&error.to_string())),
        },
        program,
    })
}

/// Name and version of the C library: `glibc 2.36`.
pub fn c_library() -> Option<String> {
    look("getconf", &["GNU_LIBC_VERSION"])?.version.ok()
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or_default().trim().to_owned()
}
