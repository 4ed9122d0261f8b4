//! Any program that speaks the step protocol itself.

use std::path::{Path, PathBuf};

use super::prepare::Context;
use super::{Launch, PrepareError, find};
use crate::case::{Case, CommandTarget, Program};

/// The program of a command: a name from PATH, a path from the case file's folder.
pub(super) fn find(case: &Case, folder: &Path) -> Result<PathBuf, PrepareError> {
    let name = match &case.target.program {
        Program::Command(command) if !command.shell => {
            command.argv.first().map_or("", String::as_str)
        }
        _ => "sh",
    };
    find::program(name, folder).ok_or_else(|| PrepareError::Missing {
        language: "command",
        program: name.to_owned(),
        remedy: "give a path from the case file's folder, or put the program on PATH".to_owned(),
    })
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let program = find(context.case, &context.folder)?;
    let mut launch = context.launch();
    launch.runtime = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    launch.argv.push(program.into());
    if let Program::Command(CommandTarget { argv, shell }) = &context.case.target.program {
        if *shell {
            launch.argv.push("-c".into());
            launch.argv.extend(argv.iter().map(Into::into));
        } else {
            launch.argv.extend(argv.iter().skip(1).map(Into::into));
        }
    }
    Ok(launch)
}
