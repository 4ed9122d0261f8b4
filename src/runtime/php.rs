//! PHP: one generated program around the snippet, run by the command line interpreter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::prepare::{Context, Source, target_file, tools};
use super::program::Text;
use super::{Launch, PrepareError, Segment, find, tool};
use crate::case::{Case, Snippet};
use crate::trace::Heap;

const DRIVER: &str = include_str!("php/driver.php");
const PROBE_LIMIT: Duration = Duration::from_mins(1);
/// Errors go to standard error, once, as plain text.
const SETTINGS: [&str; 4] = [
    "display_errors=stderr",
    "log_errors=0",
    "html_errors=0",
    "error_reporting=E_ALL",
];

/// The interpreter of a case: the one it names, else `php` on PATH.
pub(super) fn find(case: &Case, folder: &Path) -> Result<PathBuf, PrepareError> {
    let named = tools(case).and_then(|tools| tools.interpreter.as_deref());
    let name = named.unwrap_or("php");
    find::program(name, folder).ok_or_else(|| PrepareError::Missing {
        language: "PHP",
        program: name.to_owned(),
        remedy: match named {
            Some(_) => "correct `target.interpreter`, or leave it out to use `php`",
            None => {
                "install PHP 8.0 or later (Debian: php-cli), or name it with `target.interpreter`"
            }
        }
        .to_owned(),
    })
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    context.refuse_packages(
        &source,
        "install them beside the case, and `require` their autoloader in `setup`",
    )?;
    let php = find(context.case, &context.folder)?;
    let driver = context.write("php", ".php", DRIVER)?;
    let flags = &source.tools().flags;
    let mut command = Command::new(&php);
    command
        .args(flags)
        .arg("-r")
        .arg("require $argv[1]; echo PHP_VERSION, ' ', (int) Memcase\\Meter::counts_malloc();")
        .arg(&driver)
        .current_dir(&context.folder);
    let what = format!("asking {} for its version", php.display());
    let said = tool::run_once(&what, &mut command, PROBE_LIMIT)?;
    let (version, counts) = said.trim().split_once(' ').unwrap_or((said.trim(), ""));
    let major = version.split('.').next().and_then(|part| part.parse().ok());
    if major.unwrap_or(0) < 8 {
        return Err(PrepareError::Unsupported {
            what: format!("{} is PHP {version}", php.display()),
            remedy: "memcase needs 8.0 or later: name one with `target.interpreter`".to_owned(),
        });
    }
    let mut launch = context.launch();
    let (text, segments) = match &source {
        Source::Snippet(snippet) => assemble(snippet, &driver),
        Source::File(target) => (around_file(&target_file(target), &driver), Vec::new()),
    };
    let path = context.write("php", ".php", &text)?;
    if !segments.is_empty() {
        let name = path.display().to_string();
        launch.source_map.files.insert(name, segments);
    }
    launch.argv.push(php.into());
    for setting in SETTINGS {
        launch.argv.extend(["-d".into(), setting.into()]);
    }
    launch.argv.extend(flags.iter().map(Into::into));
    launch.argv.push(path.into());
    launch.runtime = format!("PHP {version}");
    launch.heap = Heap::Php;
    launch.live_complete = counts == "1";
    if context.collects() {
        let words = "gc_collect_cycles at every quiescent point";
        launch.reducers.push(words.to_owned());
    }
    if context.trims() {
        let words = "gc_mem_caches, and malloc_trim where FFI is there, at every quiescent point";
        launch.reducers.push(words.to_owned());
    }
    Ok(launch)
}

/// One file: `setup` and `teardown` at its top level, `run` as a function in which the
/// variables that `setup` names are the global ones, and others are its own.
fn assemble(snippet: &Snippet, driver: &Path) -> (String, Vec<Segment>) {
    let mut text = Text::default();
    text.own("<?php");
    let mut shared = String::new();
    if let Some(setup) = &snippet.setup {
        text.code(setup, "");
        for name in variables(&setup.text) {
            shared.push_str(if shared.is_empty() {
                " global $"
            } else {
                ", $"
            });
            shared.push_str(name);
        }
        shared.push_str(if shared.is_empty() { "" } else { ";" });
    }
    let driver = quoted(driver);
    text.own(&format!(
        "; require_once {driver}; \\Memcase\\drive(function (int $iteration) {{{shared}"
    ));
    text.code(&snippet.run, "");
    text.own("\n});");
    if let Some(teardown) = &snippet.teardown {
        text.code(teardown, "");
    }
    text.finish()
}

/// The variables that a piece of code names, without those that are global everywhere.
fn variables(text: &str) -> BTreeSet<&str> {
    let of_a_name = |c: char| c == '_' || c.is_alphanumeric();
    text.split('$')
        .skip(1)
        .map(|rest| &rest[..rest.find(|c| !of_a_name(c)).unwrap_or(rest.len())])
        .filter(|name| !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty())
        .filter(|name| {
            let everywhere = name.starts_with('_') && name[1..] == name[1..].to_ascii_uppercase();
            !everywhere && !matches!(*name, "this" | "GLOBALS" | "iteration")
        })
        .collect()
}

/// A program around a file that has the functions.
fn around_file(file: &Path, driver: &Path) -> String {
    format!(
        "<?php require_once {}; \\Memcase\\from_file({});\n",
        quoted(driver),
        quoted(file)
    )
}

/// A path as a literal of PHP.
fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    format!("'{}'", path.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_setup_are_found_and_superglobals_are_not_among_them() {
        let text =
            "$a = $_SERVER['x'] . \"{$b->c}$d[0]\"; $_own = fn($é) => $this; // $ 5 $5 $GLOBALS";
        let found: Vec<_> = variables(text).into_iter().collect();
        assert_eq!(found, ["_own", "a", "b", "d", "é"]);
    }
}
