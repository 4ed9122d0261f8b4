//! POSIX shells: `setup` at top level, `run` as a function, no process started by the loop.

use std::path::{Path, PathBuf};

use super::prepare::{Context, Source, target_file, tools};
use super::program::Text;
use super::{Launch, PrepareError, find};
use crate::case::{Case, Code};

const DRIVER: &str = include_str!("shell/driver.sh");

/// The shell of a case: the one it names, else `sh`.
pub(super) fn find(case: &Case, folder: &Path) -> Result<PathBuf, PrepareError> {
    let named = tools(case).and_then(|tools| tools.interpreter.as_deref());
    let name = named.unwrap_or("sh");
    find::program(name, folder).ok_or_else(|| PrepareError::Missing {
        language: "shell",
        program: name.to_owned(),
        remedy: "correct `target.interpreter`, or leave it out to use `sh`".to_owned(),
    })
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    context.refuse_packages(&source, "install them on the machine")?;
    let shell = find(context.case, &context.folder)?;
    let mut launch = context.launch();
    let (setup, run, teardown) = match &source {
        Source::Snippet(snippet) => {
            let mut piece = |name: &str, code: Option<&Code>, function: Option<&str>| {
                piece(context, &mut launch, name, code, function)
            };
            (
                piece("setup", snippet.setup.as_ref(), None)?,
                piece("run", Some(&snippet.run), Some("memcase_step"))?,
                piece("teardown", snippet.teardown.as_ref(), Some("memcase_end"))?,
            )
        }
        Source::File(target) => (
            target_file(target),
            context.write(
                "run",
                ".sh",
                "if command -v setup >/dev/null; then setup; fi\nmemcase_step() { run \"$1\"; }\n",
            )?,
            context.write(
                "teardown",
                ".sh",
                "memcase_end() { if command -v teardown >/dev/null; then teardown; fi; }\n",
            )?,
        ),
    };
    let driver = format!(
        "memcase_setup={}\nmemcase_run={}\nmemcase_teardown={}\n{DRIVER}",
        quoted(&setup),
        quoted(&run),
        quoted(&teardown)
    );
    let path = context.write("shell", ".sh", &driver)?;
    if matches!(source, Source::Snippet(_)) {
        // Some shells name the script that was started, with the line of the function.
        launch
            .source_map
            .files
            .insert(path.display().to_string(), Vec::new());
    }
    // One beside the case is the same wherever the folder is.
    let named = shell.strip_prefix(&context.folder).unwrap_or(&shell);
    launch.runtime = named.display().to_string();
    launch.argv.push(shell.into());
    launch
        .argv
        .extend(source.tools().flags.iter().map(Into::into));
    launch.argv.push(path.into());
    Ok(launch)
}

/// Writes a piece of the case, on the lines that it has in the case file.
fn piece(
    context: &Context,
    launch: &mut Launch,
    name: &str,
    code: Option<&Code>,
    function: Option<&str>,
) -> Result<PathBuf, PrepareError> {
    let mut text = Text::default();
    if let Some(function) = function {
        text.own(&format!("{function}() {{"));
    }
    match code {
        Some(code) => text.code(code, ""),
        None => text.own(":"),
    }
    if function.is_some() {
        text.own("}");
    }
    let (text, segments) = text.finish();
    let path = context.write(name, ".sh", &text)?;
    launch
        .source_map
        .files
        .insert(path.display().to_string(), segments);
    Ok(path)
}

/// A path as a word of the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}
