//! Rust: one generated program around the snippet, by rustc; packages come through cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::prepare::{Context, Source, target_file, tools};
use super::program::{Text, hash};
use super::{Launch, PrepareError, find, packages, tool};
use crate::case::{Case, FileTarget, Snippet};

const DRIVER: &str = include_str!("rust/driver.rs");

/// The compiler of a case: the one it names, else `rustc` on PATH.
pub(super) fn find(case: &Case, folder: &Path) -> Result<PathBuf, PrepareError> {
    let named = tools(case).and_then(|tools| tools.interpreter.as_deref());
    let name = named.unwrap_or("rustc");
    find::program(name, folder).ok_or_else(|| PrepareError::Missing {
        language: "Rust",
        program: name.to_owned(),
        remedy: match named {
            Some(_) => "correct `target.interpreter`, or leave it out to use `rustc`",
            None => "install Rust, or name its compiler with `target.interpreter`",
        }
        .to_owned(),
    })
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    let compiler = find(context.case, &context.folder)?;
    let version = tool::version(&compiler)?;
    let requires = &source.tools().requires;
    let packages = if requires.is_empty() {
        Vec::new()
    } else {
        packages::rust(context, requires, &compiler, &version)?
    };
    let mut launch = context.launch();
    let driver = context.write("driver", ".rs", DRIVER)?;
    let (text, beside) = match &source {
        Source::Snippet(snippet) => {
            let (text, segments) = assemble(context, snippet, &driver);
            let path = context.name("program", ".rs", &text);
            let files = &mut launch.source_map.files;
            files.insert(path.display().to_string(), segments);
            (text, String::new())
        }
        Source::File(target) => {
            let path = target_file(target);
            let beside = context.read(&path)?;
            (around_file(target, &beside, &driver), beside)
        }
    };
    let path = context.write("program", ".rs", &text)?;
    let flags = &source.tools().flags;
    let key = hash(&[
        &text,
        &beside,
        &compiler.to_string_lossy(),
        &version,
        &flags.join("\n"),
        &packages.join("\n"),
    ]);
    let mut command = Command::new(&compiler);
    command
        .args(edition(flags))
        .args(["--crate-name", "case", "-Awarnings"])
        .args(["-C", "debuginfo=line-tables-only"])
        .args(&packages)
        .args(flags)
        .arg(&path)
        .current_dir(&context.folder);
    let built = context.build("Rust", &key, command, &launch.source_map)?;
    Ok(context.native(launch, built, version))
}

/// The edition, unless the case chooses one.
fn edition(flags: &[String]) -> &'static [&'static str] {
    if flags.iter().any(|flag| flag.starts_with("--edition")) {
        &[]
    } else {
        &["--edition=2024"]
    }
}

/// The snippet within `main`: what `setup` binds is seen by `run` and `teardown`. The
/// prelude comes first, where the attributes of a whole crate must stand.
fn assemble(context: &Context, snippet: &Snippet, driver: &Path) -> (String, Vec<super::Segment>) {
    let case_text = std::fs::read_to_string(&context.file).unwrap_or_default();
    let mut text = Text::default();
    if let Some(prelude) = &snippet.prelude {
        text.code(prelude, &case_text);
    }
    text.own(&format!(
        "{} fn main() {{ let mut memcase = memcase_driver::Driver::new();",
        module(driver)
    ));
    if let Some(setup) = &snippet.setup {
        text.code(setup, &case_text);
    }
    text.own("; memcase.answer(); while let Some(iteration) = memcase.iteration() { let _ = {");
    text.code(&snippet.run, &case_text);
    text.own("}; }");
    if let Some(teardown) = &snippet.teardown {
        text.code(teardown, &case_text);
    }
    text.own("}");
    text.finish()
}

/// A program around a file that has the functions.
fn around_file(target: &FileTarget, beside: &str, driver: &Path) -> String {
    let has = |name: &str| {
        let head = format!("fn {name}(");
        beside.lines().any(|line| {
            line.trim_start()
                .trim_start_matches("pub ")
                .starts_with(&head)
        })
    };
    let call = |name: &str| {
        if has(name) {
            format!("{name}();")
        } else {
            String::new()
        }
    };
    format!(
        "include!({:?});
{}
fn main() {{
    let mut memcase = memcase_driver::Driver::new();
    {}
    memcase.answer();
    while let Some(iteration) = memcase.iteration() {{
        let _ = run(iteration);
    }}
    {}
}}
",
        target_file(target).to_string_lossy(),
        module(driver),
        call("setup"),
        call("teardown"),
    )
}

/// The driver as a module of its own.
fn module(driver: &Path) -> String {
    let driver = driver.to_string_lossy();
    format!("#[path = {driver:?}] mod memcase_driver;")
}
