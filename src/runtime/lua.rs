//! Lua: finds it, asks it once for its version, writes the program and its driver.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::prepare::{Context, Source, target_file, tools};
use super::program::Text;
use super::{Launch, PrepareError, Segment, find, tool};
use crate::case::{Case, Code, Snippet};
use crate::trace::Heap;

const DRIVER: &str = include_str!("lua/driver.lua");
const PROBE_LIMIT: Duration = Duration::from_mins(1);
/// What Lua calls the snippet in its messages; a path would be cut at 60 characters.
const NAME: &str = "memcase!";
const NAMES: [&str; 4] = ["lua", "lua5.4", "lua5.3", "lua54"];

/// The interpreter of a case: the one it names, else `lua` on PATH.
pub(super) fn find(case: &Case, folder: &Path) -> Result<PathBuf, PrepareError> {
    let missing = |name: &str, remedy: &str| PrepareError::Missing {
        language: "Lua",
        program: name.to_owned(),
        remedy: remedy.to_owned(),
    };
    if let Some(name) = tools(case).and_then(|tools| tools.interpreter.as_deref()) {
        let remedy = "correct `target.interpreter`, or leave it out to use `lua`";
        return find::program(name, folder).ok_or_else(|| missing(name, remedy));
    }
    let remedy = "install Lua 5.3 or later (Debian: lua5.4), or name it with `target.interpreter`";
    find::first_of(&NAMES, folder).ok_or_else(|| missing(NAMES[0], remedy))
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    context.refuse_packages(
        &source,
        "install them on the machine, or set `LUA_PATH` in `env`",
    )?;
    let lua = find(context.case, &context.folder)?;
    let what = format!("asking {} for its version", lua.display());
    let mut command = Command::new(&lua);
    command.args(["-e", "print(_VERSION, string.pack and 1 or 0)"]);
    let said = tool::run_once(&what, &mut command, PROBE_LIMIT)?;
    let (version, packs) = said.trim().split_once('\t').unwrap_or((said.trim(), "0"));
    if packs != "1" {
        return Err(PrepareError::Unsupported {
            what: format!("{} is {version}", lua.display()),
            remedy: "memcase needs Lua 5.3 or later: name one with `target.interpreter`".to_owned(),
        });
    }
    let mut launch = context.launch();
    let given = match &source {
        Source::Snippet(snippet) => {
            let (program, segments, pieces) = assemble(snippet);
            launch.source_map.files.insert(NAME.to_owned(), segments);
            let file = literal(&context.file.to_string_lossy());
            format!("{{ file = {file}, program = {program}, pieces = {{ {pieces} }} }}")
        }
        Source::File(target) => {
            let file = target_file(target);
            format!("{{ file = {} }}", literal(&file.to_string_lossy()))
        }
    };
    let text = format!("local MEMCASE = {given}\n{DRIVER}");
    let path = context.write("lua", ".lua", &text)?;
    launch.argv.push(lua.into());
    launch
        .argv
        .extend(source.tools().flags.iter().map(Into::into));
    launch.argv.push(path.into());
    version.clone_into(&mut launch.runtime);
    launch.heap = Heap::Lua;
    if context.collects() {
        let words =
            "full collection at every quiescent point, or at sparse ones where it takes long";
        launch.reducers.push(words.to_owned());
    }
    Ok(launch)
}

/// The snippet as one chunk: what `setup` declares is seen by `run`, a function, and by
/// `teardown`. Also each piece by itself, to check its syntax.
fn assemble(snippet: &Snippet) -> (String, Vec<Segment>, String) {
    let mut text = Text::default();
    text.own("local memcase = ...");
    if let Some(setup) = &snippet.setup {
        text.code(setup, "");
    }
    text.own("memcase(function(iteration)");
    text.code(&snippet.run, "");
    text.own("end)");
    if let Some(teardown) = &snippet.teardown {
        text.code(teardown, "");
    }
    let (program, segments) = text.finish();
    // A piece is checked on the lines it has in the program: the map then fits both.
    let first = |code: &Code| {
        let segment = segments.iter().find(|piece| piece.case_line == code.line);
        segment.map_or(code.line, |piece| piece.first)
    };
    let pieces: Vec<_> = [
        Some(&snippet.run),
        snippet.setup.as_ref(),
        snippet.teardown.as_ref(),
    ]
    .into_iter()
    .flatten()
    .map(|code| {
        let padded = "\n".repeat(first(code) - 1) + code.text.trim_end();
        literal(&padded)
    })
    .collect();
    (literal(&program), segments, pieces.join(", "))
}

/// A text as a literal of Lua.
fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\{:03}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
