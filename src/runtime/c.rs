//! C and C++: one generated program around the snippet, compiled by the system's compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::prepare::{Context, Source, target_file, tools};
use super::program::{hash, indent};
use super::{Launch, PrepareError, find, tool};
use crate::case::{Case, Code, FileTarget, Language, Snippet};

const DRIVER: &str = include_str!("c/driver.h");

/// What differs between C and C++.
struct Dialect {
    name: &'static str,
    ending: &'static str,
    variable: &'static str,
    compilers: &'static [&'static str],
}

const C: Dialect = Dialect {
    name: "C",
    ending: ".c",
    variable: "CC",
    compilers: &["cc", "gcc", "clang"],
};
const CPP: Dialect = Dialect {
    name: "C++",
    ending: ".cpp",
    variable: "CXX",
    compilers: &["c++", "g++", "clang++"],
};

fn dialect(case: &Case) -> &'static Dialect {
    match case.target.program.language() {
        Some(Language::Cpp) => &CPP,
        _ => &C,
    }
}

/// The compiler of a case and its first arguments: the one it names, `CC` or `CXX`, PATH.
pub(super) fn find(case: &Case, folder: &Path) -> Result<(PathBuf, Vec<String>), PrepareError> {
    let dialect = dialect(case);
    let missing = |program: &str, remedy: &str| PrepareError::Missing {
        language: dialect.name,
        program: program.to_owned(),
        remedy: remedy.to_owned(),
    };
    if let Some(name) = tools(case).and_then(|tools| tools.interpreter.as_deref()) {
        let remedy = "correct `target.interpreter`, or leave it out to use the system's compiler";
        let program = find::program(name, folder).ok_or_else(|| missing(name, remedy))?;
        return Ok((program, Vec::new()));
    }
    // As make does, the variable may hold arguments (`CC="ccache gcc"`).
    let given = std::env::var(dialect.variable).unwrap_or_default();
    let mut words = given.split_whitespace().map(str::to_owned);
    if let Some(name) = words.next() {
        let remedy = format!("correct the variable {}", dialect.variable);
        let program = find::program(&name, folder).ok_or_else(|| missing(&name, &remedy))?;
        return Ok((program, words.collect()));
    }
    let remedy = "install a compiler (Debian: build-essential), or name one with \
                  `target.interpreter`";
    find::first_of(dialect.compilers, folder)
        .map(|program| (program, Vec::new()))
        .ok_or_else(|| missing(dialect.compilers[0], remedy))
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    let dialect = dialect(context.case);
    context.refuse_packages(
        &source,
        "link libraries of the system with `flags: [-lNAME]`",
    )?;
    let (compiler, first) = find(context.case, &context.folder)?;
    let launch = context.launch();
    let text = match &source {
        Source::Snippet(snippet) => assemble(context, snippet),
        Source::File(target) => around_file(target),
    };
    let path = context.write("program", dialect.ending, &text)?;
    // A file target can change under the same name: its content takes part in the hash.
    let beside = match &source {
        Source::File(target) => context.read(&target_file(target))?,
        Source::Snippet(_) => String::new(),
    };
    let (libraries, flags): (Vec<_>, Vec<_>) = source
        .tools()
        .flags
        .iter()
        .partition(|flag| is_for_linking(flag));
    let version = tool::version(&compiler)?;
    let flags_text = source.tools().flags.join("\n");
    let key = hash(&[
        &text,
        &beside,
        &compiler.to_string_lossy(),
        &version,
        &first.join("\n"),
        &flags_text,
    ]);
    let mut command = Command::new(&compiler);
    command
        .args(first)
        .args(["-g", "-O0", "-w", "-pthread"])
        .args(flags)
        .arg("-I")
        .arg(&context.folder)
        .arg(&path)
        .args(libraries)
        .current_dir(&context.folder);
    let built = context.build(dialect.name, &key, command, &launch.source_map)?;
    Ok(context.native(launch, built, version))
}

/// Whether an argument is a library, which the linker must meet after the code.
fn is_for_linking(flag: &str) -> bool {
    let has = |ending| {
        Path::new(flag)
            .extension()
            .is_some_and(|found| found == ending)
    };
    let file = !flag.starts_with('-') && (has("a") || has("o") || has("so"));
    file || flag.starts_with("-l") || flag.starts_with("-L")
}

/// The snippet within `main`: what `setup` declares is seen by `run` and `teardown`.
fn assemble(context: &Context, snippet: &Snippet) -> String {
    let case_text = std::fs::read_to_string(&context.file).unwrap_or_default();
    let code = |code: Option<&Code>| match code {
        Some(code) => placed(code, &case_text, &context.file),
        None => String::new(),
    };
    format!(
        "{DRIVER}{prelude}
#line 1 \"memcase\"
int main(void) {{
memcase_begin();
{setup}
#line 1 \"memcase\"
memcase_answer();
for (long memcase_left, memcase_next = 0; (memcase_left = memcase_turn()) > 0; memcase_answer()) {{
while (memcase_left-- > 0) {{
long iteration = memcase_next++;
(void)iteration;
memcase_slot.iterations = memcase_next;
do {{
{run}
#line 1 \"memcase\"
}} while (0);
}}
}}
{teardown}
#line 1 \"memcase\"
return 0;
}}
",
        prelude = code(snippet.prelude.as_ref()),
        setup = code(snippet.setup.as_ref()),
        run = code(Some(&snippet.run)),
        teardown = code(snippet.teardown.as_ref()),
    )
}

/// A program around a file that has the functions.
fn around_file(target: &FileTarget) -> String {
    let path = target_file(target).display().to_string();
    format!(
        "{DRIVER}
#line 1 \"memcase\"
static void run(long iteration);
__attribute__((weak)) void setup(void);
__attribute__((weak)) void teardown(void);
#include {}
#line 1 \"memcase\"
int main(void) {{
memcase_begin();
if (setup) setup();
memcase_answer();
for (long memcase_left, memcase_next = 0; (memcase_left = memcase_turn()) > 0; memcase_answer()) {{
while (memcase_left-- > 0) {{
memcase_slot.iterations = memcase_next + 1;
run(memcase_next++);
}}
}}
if (teardown) teardown();
return 0;
}}
",
        quoted(&path)
    )
}

/// Code under its own line and column of the case file, so that the compiler quotes it.
fn placed(code: &Code, case_text: &str, file: &Path) -> String {
    // Blanks in front of a line could change a text that goes over several lines.
    let spans_lines = code.text.contains("R\"") || code.text.contains("\\\n");
    let pad = if spans_lines {
        0
    } else {
        indent(code, case_text)
    };
    let name = quoted(&file.display().to_string());
    let mut text = format!("#line {} {name}\n", code.line);
    for line in code.text.lines() {
        if !line.is_empty() {
            text.extend(std::iter::repeat_n(' ', pad));
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// A path as a string of the preprocessor.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}
