//! Python: finds the interpreter, asks it once what it is, writes the driver program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::prepare::{Context, Source, target_file};
use super::program::indent;
use super::service::{Packages, put_in_front};
use super::{Foreign, Launch, PrepareError, find, packages, tool};
use crate::case::{Code, Tools};
use crate::trace::Heap;

const COUNTERS: &str = include_str!("python/counters.py");
const DEBUG: &str = include_str!("python/debug.py");
const DRIVER: &str = include_str!("python/driver.py");
/// The parts of the tracer, and more; each uses what stands before it.
macro_rules! tracer {
    ($($more:literal)?) => {
        concat!(
            include_str!("python/explain/places.py"),
            include_str!("python/explain/made.py"),
            include_str!("python/explain/allocations.py"),
            include_str!("python/explain/survivors.py"),
            include_str!("python/explain/holders.py"),
            include_str!("python/explain/orders.py"),
            $(include_str!($more))?
        )
    };
}
const EXPLAIN: &str = tracer!();
/// The same for a program that memcase does not drive.
const FOLLOWS: &str = tracer!("python/explain/service.py");
/// In its place, where memray traces.
const MEMRAY: &str = concat!(
    include_str!("python/explain/places.py"),
    include_str!("python/explain/memray.py"),
);
/// What is used of memray came with 1.8.
const HAS_MEMRAY: &str = "import memray; memray.FileReader.get_temporal_allocation_records";
const PROBE: &str = include_str!("python/probe.py");
const PROBE_LIMIT: Duration = Duration::from_mins(1);

/// What an interpreter says of itself.
#[derive(Debug, Clone)]
struct Interpreter {
    /// The real executable, behind any shim.
    program: PathBuf,
    /// `cpython`, `pypy`.
    implementation: String,
    /// `3.11.7`.
    version: String,
    /// Whether pymalloc's bytes can be read.
    heap: bool,
    /// Whether the C allocator's bytes can be read.
    malloc: bool,
}

impl Interpreter {
    fn name(&self) -> &str {
        match self.implementation.as_str() {
            "cpython" => "CPython",
            other => other,
        }
    }
}

/// The interpreter of a case: the one it has `named`, a virtualenv in use, PATH.
pub(super) fn find(named: Option<&str>, folder: &Path) -> Result<PathBuf, PrepareError> {
    if let Some(name) = named {
        return find::program(name, folder).ok_or_else(|| PrepareError::Missing {
            language: "Python",
            program: name.to_owned(),
            remedy: "correct `target.interpreter`, or leave it out to use the one on PATH"
                .to_owned(),
        });
    }
    let in_use = std::env::var_os("VIRTUAL_ENV")
        .map(|place| Path::new(&place).join("bin/python"))
        .filter(|program| find::is_program(program));
    in_use
        .or_else(|| find::first_of(&["python3", "python"], folder))
        .ok_or_else(|| PrepareError::Missing {
            language: "Python",
            program: "python3".to_owned(),
            remedy: "install Python 3.8 or later, or name one with `target.interpreter`".to_owned(),
        })
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    let tools = source.tools();
    let found = find(tools.interpreter.as_deref(), &context.folder)?;
    let python_malloc = match context.case.target.env.get("PYTHONMALLOC") {
        Some(value) => value.clone(),
        None if context.case.target.clean_env => None,
        None => std::env::var("PYTHONMALLOC").ok(),
    };
    let interpreter = probe(&found, python_malloc.as_deref())?;
    let mut requires = tools.requires.clone();
    if !requires.is_empty() && context.memray.is_some_and(|memray| memray.install) {
        requires.push("memray".to_owned());
    }
    let program = if requires.is_empty() {
        interpreter.program.clone()
    } else {
        let (program, version) = (&interpreter.program, &interpreter.version);
        packages::python(context, &requires, program, version)?
    };
    if context.memray.is_some() {
        see_memray(&program)?;
    }

    let explain = match context.memray {
        Some(_) => MEMRAY,
        None if context.explained => EXPLAIN,
        None => "",
    };
    let debug = if context.debugged { DEBUG } else { "" };
    let case = literal(context, &source);
    let text = format!("CASE = {case}\n{COUNTERS}\n{explain}\n{debug}\n{DRIVER}");
    let path = context.write("python", ".py", &text)?;
    let mut launch = context.launch();
    launch.takes_explain_orders = !explain.is_empty();
    launch.tracer = context.memray.map(|_| Foreign::Driver);
    launch.argv.push(program.into());
    launch.argv.extend(tools.flags.iter().map(Into::into));
    launch.argv.push(path.into());
    let cpython = interpreter.implementation == "cpython";
    launch.runtime = format!("{} {}", interpreter.name(), interpreter.version);
    if cpython && (interpreter.heap || interpreter.malloc) {
        launch.heap = Heap::Cpython;
    }
    // Without pymalloc all that CPython allocates comes from the C allocator.
    let all_malloc = python_malloc
        .as_deref()
        .is_some_and(|name| name.starts_with("malloc"));
    launch.live_complete = cpython && interpreter.malloc && (interpreter.heap || all_malloc);
    if context.collects() {
        let words = "gc.freeze after setup and the first turn, gc.collect at every quiescent point";
        launch.reducers.push(words.to_owned());
    }
    if context.trims() {
        let words = "malloc_trim at every quiescent point";
        launch.reducers.push(words.to_owned());
    }
    Ok(launch)
}

/// Has the first Python process of a program followed that memcase does not drive.
pub(super) fn follow(context: &Context, launch: &mut Launch) -> Result<(), PrepareError> {
    let folder = context.work.join("followed");
    let file = folder.join("sitecustomize.py");
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, FOLLOWS));
    written.map_err(|error| PrepareError::Io {
        what: format!("{} can not be written", file.display()),
        error,
    })?;
    let orders = context.work.join("orders");
    launch
        .env
        .insert("MEMCASE_ORDERS".into(), Some(orders.clone().into()));
    launch.orders = Some(orders);
    launch.takes_explain_orders = true;
    put_in_front(launch, "PYTHONPATH", folder);
    Ok(())
}

/// The packages of a service, with their own interpreter and the programs that they bring.
pub(super) fn packages_of(context: &Context, tools: &Tools) -> Result<Packages, PrepareError> {
    let found = find(tools.interpreter.as_deref(), &context.folder)?;
    let interpreter = probe(&found, None)?;
    let (program, version) = (&interpreter.program, &interpreter.version);
    let own = packages::python(context, &tools.requires, program, version)?;
    let folder = own.parent().unwrap_or(&context.folder).to_owned();
    Ok(Packages {
        folders: vec![("PATH", folder)],
        runtime: format!("{} {version}", interpreter.name()),
    })
}

/// Refuses an interpreter that has no memray.
fn see_memray(program: &Path) -> Result<(), PrepareError> {
    let what = format!("asking {} for memray", program.display());
    let asked = tool::run_once(
        &what,
        Command::new(program).args(["-c", HAS_MEMRAY]),
        PROBE_LIMIT,
    );
    asked.map(drop).map_err(|_| PrepareError::Unsupported {
        what: format!("{} has no memray 1.8 or later", program.display()),
        remedy: "`pip install memray` for it, or write `requires: [memray]` in the case, so that memcase installs it"
            .to_owned(),
    })
}

/// Asks an interpreter what it is; each one is asked once.
fn probe(found: &Path, python_malloc: Option<&str>) -> Result<Interpreter, PrepareError> {
    static KNOWN: Mutex<BTreeMap<(PathBuf, Option<String>), Interpreter>> =
        Mutex::new(BTreeMap::new());
    let key = (found.to_owned(), python_malloc.map(str::to_owned));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(interpreter) = known.get(&key) {
        return Ok(interpreter.clone());
    }
    let mut command = Command::new(found);
    command.arg("-c").arg(format!("{COUNTERS}\n{PROBE}"));
    match python_malloc {
        Some(value) => command.env("PYTHONMALLOC", value),
        None => command.env_remove("PYTHONMALLOC"),
    };
    let what = format!("asking {} for its version", found.display());
    let said = tool::run(&what, &mut command, PROBE_LIMIT)?;
    let lines: Vec<_> = said.lines().collect();
    let [.., program, implementation, version, heap, malloc] = lines[..] else {
        return Err(PrepareError::Tool { what, output: said });
    };
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let version_pair = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version_pair < (3, 8) {
        return Err(PrepareError::Unsupported {
            what: format!("{} is Python {version}", found.display()),
            remedy: "memcase needs 3.8 or later: name one with `target.interpreter`".to_owned(),
        });
    }
    let interpreter = Interpreter {
        program: if program.is_empty() {
            found.to_owned()
        } else {
            program.into()
        },
        implementation: implementation.to_owned(),
        version: version.to_owned(),
        heap: heap == "1",
        malloc: malloc == "1",
    };
    known.insert(key, interpreter.clone());
    Ok(interpreter)
}

/// The case as a Python literal.
fn literal(context: &Context, source: &Source) -> String {
    let mut text = String::from("{");
    let mut entry = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}: {value}, ", quoted(name));
    };
    match source {
        Source::Snippet(snippet) => {
            let case_text = fs::read_to_string(&context.file).unwrap_or_default();
            let code = |code: Option<&Code>| match code {
                None => "None".to_owned(),
                Some(code) => format!(
                    "({}, {}, {})",
                    quoted(&code.text),
                    code.line,
                    indent(code, &case_text)
                ),
            };
            entry("file", quoted(&context.file.to_string_lossy()));
            entry("folder", quoted(&context.folder.to_string_lossy()));
            entry("setup", code(snippet.setup.as_ref()));
            entry("run", code(Some(&snippet.run)));
            entry("teardown", code(snippet.teardown.as_ref()));
        }
        Source::File(target) => {
            let path = target_file(target);
            let folder = path.parent().unwrap_or(&context.folder);
            let module = path.file_stem().unwrap_or_default();
            entry("file", quoted(&path.to_string_lossy()));
            entry("folder", quoted(&folder.to_string_lossy()));
            entry("module", quoted(&module.to_string_lossy()));
        }
    }
    text.push('}');
    text
}

/// A text as a Python string literal.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() || c == '\u{feff}' => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
