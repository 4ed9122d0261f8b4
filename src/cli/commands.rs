//! The commands that run nothing: list, judge, new, schema, env.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::CliError;
use super::args::{Color, EnvCommand, JudgeArgs, JudgeFormat, ListArgs, ListFormat, NewArgs};
use super::output;
use super::run::list as list_terse;
use super::select::select;
use super::traces::read_trace;
use crate::analysis;
use crate::case::{self, Case, Claim, Language, is_name, schema as case_schema};
use crate::config;
use crate::outcome::ExitCode;
use crate::report::plot::{Run, Wish, plot, scene};
use crate::report::{EVENT_VERSION, Judged, judged};
use crate::runner::artifacts::traces_at;
use crate::runtime::{self, PrepareError, environments};
use crate::trace::Trace;
use crate::units::Bytes;

/// A case as `list --format json` tells it.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    version: u32,
    id: &'a str,
    description: Option<&'a str>,
    source: Option<&'a str>,
    file: &'a Path,
    line: usize,
    tags: &'a [String],
    ignored: Option<&'a str>,
    expected: Claim,
    language: Option<Language>,
    missing: Option<String>,
}

/// `memcase list`.
pub(super) fn list(args: &ListArgs) -> Result<ExitCode, CliError> {
    let cases = select(&args.selection)?.cases;
    match args.format {
        ListFormat::Terse => return list_terse(cases.iter()),
        ListFormat::Json => list_json(&cases),
        ListFormat::Human => list_human(&cases),
    }
    .map_err(CliError::Output)?;
    Ok(ExitCode::AsClaimed)
}

fn list_json(cases: &[Case]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for case in cases {
        let listed = Listed {
            kind: "listed",
            version: EVENT_VERSION,
            id: &case.id.0,
            description: case.description.as_deref(),
            source: case.source.as_deref(),
            file: &case.file,
            line: case.line,
            tags: &case.tags,
            ignored: case.ignore.as_deref(),
            expected: case.expect.claim,
            language: case.target.program.language(),
            missing: runtime::missing(case),
        };
        serde_json::to_writer(&mut out, &listed)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn list_human(cases: &[Case]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let width = cases
        .iter()
        .map(|case| case.id.0.chars().count())
        .max()
        .unwrap_or(0);
    let mut unable = 0;
    for case in cases {
        let language = case.target.program.language();
        let language = language.map_or("command", Language::name);
        let mut line = format!(
            "{:<width$}  {:<6}  {language:<7}  {}",
            case.id.0,
            case.expect.claim.name(),
            case.tags.join(", ")
        );
        if let Some(missing) = runtime::missing(case) {
            unable += 1;
            line = format!("{}  (can not run: {missing})", line.trim_end());
        }
        if let Some(reason) = &case.ignore {
            line = format!("{}  (ignored: {reason})", line.trim_end());
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    let plural = if cases.len() == 1 { "" } else { "s" };
    write!(out, "\n{} case{plural}", cases.len())?;
    if unable > 0 {
        write!(out, ", {unable} of them can not run here")?;
    }
    writeln!(out)
}

/// `memcase judge`.
pub(super) fn judge(args: &JudgeArgs) -> Result<ExitCode, CliError> {
    if args.plot && args.format == JudgeFormat::Json {
        return Err(CliError::Usage(
            "`--plot` draws for people, and JSON is for programs; leave one of them out".to_owned(),
        ));
    }
    let mut traces: Vec<Trace> = Vec::new();
    for path in &args.traces {
        let fail = |error: String| CliError::Usage(format!("`{}`: {error}", path.display()));
        let files = traces_at(path).map_err(|error| fail(error.to_string()))?;
        if files.is_empty() {
            return Err(fail("there are no traces in this folder".to_owned()));
        }
        for file in files {
            traces.push(read_trace(&file)?);
        }
    }
    traces.sort_by_key(|trace| trace.header.process);
    let id = traces
        .first()
        .map(|trace| trace.header.case.clone())
        .unwrap_or_default();
    if let Some(other) = traces.iter().find(|trace| trace.header.case != id) {
        return Err(CliError::Usage(format!(
            "the traces are of two cases, `{id}` and `{}`; judge one case at a time",
            other.header.case
        )));
    }
    let same = |pair: &[Trace]| pair[0].header.process == pair[1].header.process;
    if let Some(pair) = traces.windows(2).find(|pair| same(pair)) {
        return Err(CliError::Usage(format!(
            "two traces are of process {}; each process counts once, so give each trace once",
            pair[0].header.process
        )));
    }
    let all: Vec<&Trace> = traces.iter().collect();
    let verdict = analysis::judge(&all);
    let report = Judged::new(id, &verdict, &all);
    let mut out = io::stdout().lock();
    match args.format {
        JudgeFormat::Human => out.write_all(judged(&report).as_bytes()),
        JudgeFormat::Json => serde_json::to_writer(&mut out, &report)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n")),
    }
    .map_err(CliError::Output)?;
    if args.plot {
        let run = Run {
            name: report.id,
            traces: all,
            verdict: report.verdict,
        };
        let drawn = scene(&[run], &Wish::default()).map_or_else(
            |error| format!("{error}\n"),
            |scene| plot(&scene, output::screen(output::coloured(Color::Auto))),
        );
        write!(out, "\n{drawn}").map_err(CliError::Output)?;
    }
    Ok(ExitCode::AsClaimed)
}

/// `memcase new`.
pub(super) fn new(args: &NewArgs) -> Result<ExitCode, CliError> {
    let name = args.name.trim_end_matches(".yaml");
    if !name.split('/').all(is_name) {
        return Err(CliError::Usage(format!(
            "`{name}` can not be the name of a case; use up to 100 letters, digits, `-`, `_`, `.` and `+`, beginning with a letter or a digit, and `/` for folders"
        )));
    }
    let path = args.path.join(format!("{name}.yaml"));
    let fail = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CliError::Usage(format!(
            "`{}` exists already and was left as it is; choose another name",
            path.display()
        )),
        _ => CliError::Usage(format!(
            "`{}` could not be written: {error}",
            path.display()
        )),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(fail)?;
    file.write_all(case::template(name, args.language).as_bytes())
        .map_err(fail)?;
    let path = path.display();
    writeln!(
        io::stdout().lock(),
        "wrote {path}; run it by: memcase run {path}"
    )
    .map_err(CliError::Output)?;
    Ok(ExitCode::AsClaimed)
}

/// `memcase schema`.
pub(super) fn schema(of_config: bool) -> Result<ExitCode, CliError> {
    let schema = if of_config {
        config::schema_json()
    } else {
        case_schema::json()
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{}", schema.trim_end()).map_err(CliError::Output)?;
    Ok(ExitCode::AsClaimed)
}

/// `memcase env`.
pub(super) fn env(command: &EnvCommand) -> Result<ExitCode, CliError> {
    let fail = |error: PrepareError| CliError::Usage(error.to_string());
    let (what, found) = match command {
        EnvCommand::List => ("kept", environments::list().map_err(fail)?),
        EnvCommand::Clean => ("removed", environments::clean().map_err(fail)?),
    };
    let mut out = io::stdout().lock();
    let mut print = || -> io::Result<()> {
        for environment in &found {
            let half = if environment.complete {
                ""
            } else {
                "  (not complete)"
            };
            writeln!(
                out,
                "{}  {}  {}  {}{half}",
                environment.folder.display(),
                environment.runtime,
                Bytes(environment.bytes),
                environment.requires.join(" ")
            )?;
        }
        let bytes = Bytes(found.iter().map(|environment| environment.bytes).sum());
        let plural = if found.len() == 1 { "" } else { "s" };
        writeln!(out, "{} environment{plural} {what}, {bytes}", found.len())
    };
    print().map_err(CliError::Output)?;
    Ok(ExitCode::AsClaimed)
}
