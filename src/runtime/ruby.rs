//! Ruby: finds it, asks it once for its version, writes the program and its driver.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::prepare::{Context, Source, target_file, tools};
use super::{Launch, PrepareError, find, tool};
use crate::case::{Case, Code};
use crate::trace::Heap;

const DRIVER: &str = include_str!("ruby/driver.rb");
const PROBE_LIMIT: Duration = Duration::from_mins(1);

/// The interpreter of a case: the one it names, else `ruby` on PATH.
pub(super) fn find(case: &Case, folder: &Path) -> Result<PathBuf, PrepareError> {
    let named = tools(case).and_then(|tools| tools.interpreter.as_deref());
    let name = named.unwrap_or("ruby");
    find::program(name, folder).ok_or_else(|| PrepareError::Missing {
        language: "Ruby",
        program: name.to_owned(),
        remedy: match named {
            Some(_) => "correct `target.interpreter`, or leave it out to use `ruby`",
            None => {
                "install Ruby 3.0 or later (Debian: ruby), or name it with `target.interpreter`"
            }
        }
        .to_owned(),
    })
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    context.refuse_packages(
        &source,
        "install the gems on the machine, or name their folder with `flags: [-I, FOLDER]`",
    )?;
    let ruby = find(context.case, &context.folder)?;
    let what = format!("asking {} for its version", ruby.display());
    let mut command = Command::new(&ruby);
    command.args(["-e", "puts RUBY_ENGINE, RUBY_VERSION"]);
    let said = tool::run_once(&what, &mut command, PROBE_LIMIT)?;
    let (engine, version) = said.trim().split_once('\n').unwrap_or(("", ""));
    let major = version.split('.').next().and_then(|part| part.parse().ok());
    if engine != "ruby" || major.unwrap_or(0) < 3 {
        return Err(PrepareError::Unsupported {
            what: format!("{} is {engine} {version}", ruby.display()),
            remedy: "memcase drives CRuby 3.0 or later: name one with `target.interpreter`"
                .to_owned(),
        });
    }
    let text = format!("MEMCASE = {}\n{DRIVER}", literal(context, &source));
    let path = context.write("ruby", ".rb", &text)?;
    let mut launch = context.launch();
    launch.argv.push(ruby.into());
    launch
        .argv
        .extend(source.tools().flags.iter().map(Into::into));
    launch.argv.push(path.into());
    launch.runtime = format!("Ruby {version}");
    launch.heap = Heap::Ruby;
    if context.collects() {
        let words = "minor GC at every quiescent point, full ones at sparse points";
        launch.reducers.push(words.to_owned());
    }
    if context.trims() {
        let words = "malloc_trim at every quiescent point, where fiddle is there";
        launch.reducers.push(words.to_owned());
    }
    Ok(launch)
}

/// The case as a hash of Ruby: `eval` is told the file and the line of each piece.
fn literal(context: &Context, source: &Source) -> String {
    let piece = |code: Option<&Code>| match code {
        Some(code) => format!("[{}, {}]", quoted(&code.text), code.line),
        None => "nil".to_owned(),
    };
    match source {
        Source::Snippet(snippet) => format!(
            "{{ file: {}, setup: {}, run: {}, teardown: {} }}",
            quoted(&context.file.to_string_lossy()),
            piece(snippet.setup.as_ref()),
            piece(Some(&snippet.run)),
            piece(snippet.teardown.as_ref()),
        ),
        Source::File(target) => {
            let file = target_file(target);
            format!("{{ file: {} }}", quoted(&file.to_string_lossy()))
        }
    }
}

/// A text as a literal of Ruby.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}
