//! Perl: one generated program around the snippet, with the case file's own lines.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::prepare::{Context, Source, target_file, tools};
use super::{Launch, PrepareError, find, tool};
use crate::case::{Case, Code, Snippet};

const DRIVER: &str = include_str!("perl/driver.pl");
const PROBE_LIMIT: Duration = Duration::from_mins(1);

/// The interpreter of a case: the one it names, else `perl` on PATH.
pub(super) fn find(case: &Case, folder: &Path) -> Result<PathBuf, PrepareError> {
    let named = tools(case).and_then(|tools| tools.interpreter.as_deref());
    let name = named.unwrap_or("perl");
    find::program(name, folder).ok_or_else(|| PrepareError::Missing {
        language: "Perl",
        program: name.to_owned(),
        remedy: match named {
            Some(_) => "correct `target.interpreter`, or leave it out to use `perl`",
            None => "install Perl 5 (Debian: perl), or name it with `target.interpreter`",
        }
        .to_owned(),
    })
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    context.refuse_packages(
        &source,
        "install the modules on the machine, or name their folder with `flags: [-I, FOLDER]`",
    )?;
    let perl = find(context.case, &context.folder)?;
    let what = format!("asking {} for its version", perl.display());
    let mut command = Command::new(&perl);
    command.args(["-e", "printf '%vd', $^V"]);
    let version = tool::run_once(&what, &mut command, PROBE_LIMIT)?;
    let driver = context.write("perl", ".pl", DRIVER)?;
    let text = match &source {
        Source::Snippet(snippet) => assemble(context, snippet, &driver),
        Source::File(target) => around_file(&target_file(target), &driver),
    };
    let path = context.write("perl", ".pl", &text)?;
    let mut launch = context.launch();
    launch.argv.push(perl.into());
    launch
        .argv
        .extend(source.tools().flags.iter().map(Into::into));
    launch.argv.push(path.into());
    launch.runtime = format!("Perl {version}");
    Ok(launch)
}

/// One file: what `setup` declares is seen by `run`, a function, and by `teardown`.
fn assemble(context: &Context, snippet: &Snippet, driver: &Path) -> String {
    let file = context.file.display();
    let code = |code: Option<&Code>| match code {
        Some(code) => format!(
            "# line {} \"{file}\"\n{}\n",
            code.line,
            code.text.trim_end()
        ),
        None => String::new(),
    };
    format!(
        "BEGIN {{ require {driver}; $0 = {name}; }}
{setup}
# line 1 \"memcase\"
;Memcase::drive(sub {{ my $iteration = $_[0];
{run}
# line 1 \"memcase\"
}});
{teardown}",
        driver = quoted(driver),
        name = quoted(&context.file),
        setup = code(snippet.setup.as_ref()),
        run = code(Some(&snippet.run)),
        teardown = code(snippet.teardown.as_ref()),
    )
}

/// A program around a file that has the functions.
fn around_file(file: &Path, driver: &Path) -> String {
    format!(
        "require {driver};
my $file = {file};
my $done = do $file;
die $@ if $@;
die \"$file cannot be read: $!\\n\" unless defined $done or defined &main::run;
die \"$file has no function `run`\\n\" unless defined &main::run;
&main::setup() if defined &main::setup;
Memcase::drive(\\&main::run);
&main::teardown() if defined &main::teardown;
",
        driver = quoted(driver),
        file = quoted(file),
    )
}

/// A path as a literal of Perl.
fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    format!("'{}'", path.replace('\\', r"\\").replace('\'', r"\'"))
}
