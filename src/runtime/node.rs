//! Node.js: finds it, asks it once for its version, writes the program and its driver.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::prepare::{Context, Source, target_file};
use super::program::Text;
use super::service::{Packages, put_in_front};
use super::{Launch, PrepareError, Segment, find, packages, tool};
use crate::case::{Code, Snippet, Tools};
use crate::trace::Heap;

const DEBUG: &str = include_str!("node/debug.js");
const DRIVER: &str = include_str!("node/driver.js");
const EXPLAIN: &str = include_str!("node/explain.js");
const MADE: &str = include_str!("node/made.js");
/// The reader of heap snapshots, by file name: its modules `require` each other.
const SNAPSHOTS: [(&str, &str); 10] = [
    (READER, include_str!("node/snapshots/main.cjs")),
    ("links.cjs", include_str!("node/snapshots/links.cjs")),
    ("owners.cjs", include_str!("node/snapshots/owners.cjs")),
    ("replaced.cjs", include_str!("node/snapshots/replaced.cjs")),
    (
        "retainers.cjs",
        include_str!("node/snapshots/retainers.cjs"),
    ),
    ("sites.cjs", include_str!("node/snapshots/sites.cjs")),
    ("snapshot.cjs", include_str!("node/snapshots/snapshot.cjs")),
    (
        "statements.cjs",
        include_str!("node/snapshots/statements.cjs"),
    ),
    (
        "survivors.cjs",
        include_str!("node/snapshots/survivors.cjs"),
    ),
    ("ways.cjs", include_str!("node/snapshots/ways.cjs")),
];
const READER: &str = "main.cjs";
/// Turns of each kind with which the driver warms itself up, in some 30 ms.
const WARM_TURNS: usize = 50;
const MODULES: &str = "node_modules";
const PROBE_LIMIT: Duration = Duration::from_mins(1);

/// The interpreter of a case: the one it has `named`, else `node` on PATH.
pub(super) fn find(named: Option<&str>, folder: &Path) -> Result<PathBuf, PrepareError> {
    let name = named.unwrap_or("node");
    find::program(name, folder).ok_or_else(|| PrepareError::Missing {
        language: "Node",
        program: name.to_owned(),
        remedy: match named {
            Some(_) => "correct `target.interpreter`, or leave it out to use `node`",
            None => "install Node.js 18 or later, or name it with `target.interpreter`",
        }
        .to_owned(),
    })
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    let found = find(source.tools().interpreter.as_deref(), &context.folder)?;
    let (program, version) = probe(&found)?;
    let requires = &source.tools().requires;
    let packages = if requires.is_empty() {
        None
    } else {
        Some(packages::node(context, requires, &program, &version)?)
    };
    let mut launch = context.launch();
    let turns = context.write("turns", ".txt", &"\n".repeat(WARM_TURNS))?;
    let mut given = match &source {
        Source::Snippet(snippet) => {
            // Imports are looked up from where the program seems to lie: beside the case,
            // or among the packages that it requires.
            let file_name = context.file.file_name().unwrap_or_default();
            let place = packages.as_deref().unwrap_or(&context.folder);
            let name = format!("{}!", place.join(file_name).display());
            let (program, segments, pieces) = assemble(context, snippet);
            launch.source_map.files.insert(name.clone(), segments);
            json!({
                "name": name,
                "file": context.file,
                "folder": context.folder,
                "packages": packages,
                "program": program,
                "pieces": pieces,
                "turns": turns,
            })
        }
        Source::File(target) => json!({ "file": target_file(target), "turns": turns }),
    };
    if context.explained {
        given["explain"] = json!(context.write("explain", ".cjs", EXPLAIN)?);
        given["made"] = json!(context.write("made", ".cjs", MADE)?);
        given["snapshots"] = json!(write_reader(context)?);
        launch.takes_explain_orders = true;
    }
    let debug = if context.debugged { DEBUG } else { "" };
    let driver = context.write("node", ".cjs", &format!("{DRIVER}{debug}"))?;
    let given = context.write("node", ".json", &given.to_string())?;
    if let Some(packages) = &packages {
        // For `require` in files beside the case.
        put_in_front(&mut launch, "NODE_PATH", packages.join(MODULES));
    }
    launch.argv.push(program.into());
    launch.argv.push("--expose-gc".into());
    launch
        .argv
        .extend(source.tools().flags.iter().map(Into::into));
    launch.argv.extend([driver.into(), given.into()]);
    launch.runtime = format!("Node.js {version}");
    launch.heap = Heap::V8;
    if context.collects() {
        let words = "young collection at every quiescent point, full ones at sparse points";
        launch.reducers.push(words.to_owned());
    }
    Ok(launch)
}

/// Writes the reader of heap snapshots into a folder of its own; tells the module to be started.
fn write_reader(context: &Context) -> Result<PathBuf, PrepareError> {
    let text: String = SNAPSHOTS.iter().map(|(_, text)| *text).collect();
    let folder = context.name("snapshots", "", &text);
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut modules = SNAPSHOTS.iter();
        modules.try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
    });
    written.map_err(|error| PrepareError::Io {
        what: format!("writing {}", folder.display()),
        error,
    })?;
    Ok(folder.join(READER))
}

/// The packages of a service, where `require` finds them, with the programs that they bring.
pub(super) fn packages_of(context: &Context, tools: &Tools) -> Result<Packages, PrepareError> {
    let found = find(tools.interpreter.as_deref(), &context.folder)?;
    let (program, version) = probe(&found)?;
    let modules = packages::node(context, &tools.requires, &program, &version)?.join(MODULES);
    let mut folders = vec![("PATH", modules.join(".bin")), ("NODE_PATH", modules)];
    if let (Some(_), Some(folder)) = (&tools.interpreter, program.parent()) {
        folders.insert(0, ("PATH", folder.to_owned()));
    }
    Ok(Packages {
        folders,
        runtime: format!("Node.js {version}"),
    })
}

/// The snippet as one function: what `setup` binds is seen by `run` and `teardown`, and
/// what `run` binds is its own. Also each piece by itself, to check its syntax.
fn assemble(context: &Context, snippet: &Snippet) -> (String, Vec<Segment>, Vec<Value>) {
    let case_text = std::fs::read_to_string(&context.file).unwrap_or_default();
    let head = if awaits(&snippet.run.text) {
        "async (iteration) =>"
    } else {
        "(iteration) =>"
    };
    let mut text = Text::default();
    text.own("(async function (require, __dirname, __filename, memcase) {");
    if let Some(setup) = &snippet.setup {
        text.code(setup, &case_text);
    }
    text.own(&format!(";await memcase({head} {{"));
    text.code(&snippet.run, &case_text);
    text.own("});");
    if let Some(teardown) = &snippet.teardown {
        text.code(teardown, &case_text);
    }
    text.own("})");
    let (program, segments) = text.finish();
    // A piece is checked on the lines it has in the program: the map then fits both.
    let first = |code: &Code| {
        let segment = segments.iter().find(|piece| piece.case_line == code.line);
        segment.map_or(code.line, |piece| piece.first)
    };
    let whole = "(async function (require, __dirname, __filename)";
    let piece = |head: &str, code: &Code| json!([head, code.text.trim_end(), first(code)]);
    let mut pieces = vec![piece(&format!("({head}"), &snippet.run)];
    for code in [&snippet.setup, &snippet.teardown].into_iter().flatten() {
        pieces.push(piece(whole, code));
    }
    (program, segments, pieces)
}

/// Whether a piece may wait. In a text or a comment the word does no harm.
fn awaits(text: &str) -> bool {
    text.contains("await")
}

/// The real executable and its version; each one is asked once.
fn probe(found: &Path) -> Result<(PathBuf, String), PrepareError> {
    static KNOWN: Mutex<BTreeMap<PathBuf, (PathBuf, String)>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = known.get(found) {
        return Ok(answer.clone());
    }
    let what = format!("asking {} for its version", found.display());
    let mut command = Command::new(found);
    command.args(["-p", "process.execPath + '\\n' + process.versions.node"]);
    let said = tool::run(&what, &mut command, PROBE_LIMIT)?;
    let lines: Vec<_> = said.lines().collect();
    let [.., program, version] = lines[..] else {
        return Err(PrepareError::Tool { what, output: said });
    };
    let major = version.split('.').next().and_then(|part| part.parse().ok());
    if major.unwrap_or(0) < 18 {
        return Err(PrepareError::Unsupported {
            what: format!("{} is Node.js {version}", found.display()),
            remedy: "memcase needs 18 or later: name one with `target.interpreter`".to_owned(),
        });
    }
    let answer = (PathBuf::from(program), version.to_owned());
    known.insert(found.to_owned(), answer.clone());
    Ok(answer)
}
