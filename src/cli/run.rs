//! `memcase run`: find the cases, choose a reporter, hand over to the runner.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressDrawTarget;

use super::CliError;
use super::args::{RunArgs, RunFormat, Selection};
use super::output;
use crate::case::{Case, discover};
use crate::measure::interrupt;
use crate::measure::process::keeper;
use crate::outcome::ExitCode;
use crate::report::{Human, Json, Layout, Live, Reporter};
use crate::runner::artifacts::Artifacts;
use crate::runner::horizon::{Settings, under_ci};
use crate::runner::plan::Filters;
use crate::runner::suite::{self, Options};
use crate::runtime;

/// Where cases are looked for when no path is given.
const DEFAULT_ROOT: &str = "cases";

/// Cases that are selected, and the ids of those that are not.
pub(super) struct Selected {
    pub(super) cases: Vec<Case>,
    pub(super) left_out: Vec<String>,
}

/// Reads the case files that are meant and filters their cases.
pub(super) fn select(selection: &Selection) -> Result<Selected, CliError> {
    let mut paths = Vec::new();
    let mut words = selection.filters.clone();
    for word in &selection.words {
        if Path::new(word).exists() {
            paths.push(PathBuf::from(word));
        } else if looks_like_a_path(word) {
            return Err(CliError::Usage(format!(
                "`{word}` does not exist; a word that is part of an id needs no `/` at its end and no extension"
            )));
        } else {
            words.push(word.clone());
        }
    }
    if paths.is_empty() {
        if !Path::new(DEFAULT_ROOT).exists() {
            return Err(CliError::NoCase(format!(
                "there is no folder `{DEFAULT_ROOT}` here; name a file or folder with cases, or \
                 write a first one: memcase new hello --language python"
            )));
        }
        paths.push(PathBuf::from(DEFAULT_ROOT));
    }
    let loaded = discover::load(&paths);
    if !loaded.errors.is_empty() {
        let colour = output::errors_coloured();
        let errors = loaded.errors.iter();
        let errors = errors.map(|error| error.render(colour)).collect();
        return Err(CliError::Cases(errors));
    }
    for note in &loaded.notes {
        let _ = writeln!(std::io::stderr().lock(), "note: {note}");
    }
    let filters = Filters {
        words,
        exact: selection.exact,
        skip: selection.skip.clone(),
        tags: selection.tag.clone(),
        languages: selection.language.clone(),
    };
    let found = loaded.cases.len();
    let (cases, left_out) = filters.split(loaded.cases);
    if cases.is_empty() {
        return Err(CliError::NoCase(nothing_selected(found, &filters)));
    }
    Ok(Selected { cases, left_out })
}

fn looks_like_a_path(word: &str) -> bool {
    let extension = Path::new(word).extension();
    word.ends_with('/')
        || word.starts_with("./")
        || extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn nothing_selected(found: usize, filters: &Filters) -> String {
    if found == 0 {
        return "no case was found: cases are files that end in .yaml or .yml".to_owned();
    }
    let plural = if found == 1 { "" } else { "s" };
    let words = filters.words.join("`, `");
    let how = if filters.exact { "is" } else { "holds" };
    let why = if filters.words.is_empty() {
        "the flags leave out all of them".to_owned()
    } else {
        format!("no id {how} `{words}`, or other flags leave them out")
    };
    format!(
        "no case is selected of the {found} case{plural} that there are: {why}; `memcase list` shows them"
    )
}

/// Runs what is selected.
pub(super) fn run(args: &RunArgs) -> Result<ExitCode, CliError> {
    let selected = select(&args.selection)?;
    if args.list {
        return list(&selected.cases);
    }
    let terse = args.quiet || args.format == RunFormat::Terse;
    let options = Options {
        settings: Settings {
            strict: args.strict || (!args.fast && under_ci()),
            fast: args.fast,
            processes: args.processes,
            iterations: args.iterations,
            time: args.time,
            ..Settings::default()
        },
        threads: args.test_threads.map(usize::from),
        fail_fast: args.fail_fast,
        terse,
    };
    let place = Artifacts::place();
    let artifacts = Artifacts::open(place.clone()).map_err(|error| {
        CliError::Usage(format!(
            "the folder `{}` for traces could not be made: {error}; set MEMCASE_DIR to another",
            place.display()
        ))
    })?;
    guard();
    let reporter: Arc<dyn Reporter> = match args.format {
        RunFormat::Json => Arc::new(Json::new(Box::new(std::io::stdout()))),
        RunFormat::Pretty | RunFormat::Terse => {
            let live =
                (!terse && output::can_draw()).then(|| Live::new(ProgressDrawTarget::stderr()));
            let layout = Layout {
                terse,
                colour: output::coloured(args.color),
            };
            Arc::new(Human::new(
                layout,
                live,
                Box::new(std::io::stdout()),
                Box::new(std::io::stderr()),
            ))
        }
    };
    let code = suite::run(
        selected.cases,
        selected.left_out,
        &options,
        artifacts,
        &reporter,
    )
    .map_err(CliError::Output)?;
    if code == ExitCode::Interrupted && reporter.closed().is_none() {
        let _ = writeln!(
            std::io::stderr().lock(),
            "interrupted: not all cases were measured; what there is so far is in `{}`",
            place.display()
        );
    }
    match reporter.closed() {
        // Who closes the pipe has read enough.
        None | Some(std::io::ErrorKind::BrokenPipe) => Ok(code),
        Some(kind) => Err(CliError::Output(kind.into())),
    }
}

/// Sees to it that nothing survives: not an interrupt, not a kill of memcase itself.
fn guard() {
    runtime::stop_when(interrupt::requested);
    for (what, result) in [
        ("signals can not be caught", interrupt::install()),
        ("the guard process could not be started", keeper::start()),
    ] {
        if let Err(error) = result {
            let _ = writeln!(
                std::io::stderr().lock(),
                "note: {what} ({error}); a killed memcase may leave processes behind"
            );
        }
    }
}

/// `--list`, as libtest has it.
pub(super) fn list(cases: &[Case]) -> Result<ExitCode, CliError> {
    let mut out = std::io::stdout().lock();
    for case in cases {
        writeln!(out, "{}: test", case.id).map_err(CliError::Output)?;
    }
    Ok(ExitCode::AsClaimed)
}
