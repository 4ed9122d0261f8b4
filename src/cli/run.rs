//! `memcase run`: find the cases, choose a reporter, hand over to the runner.

use std::io::Write;
use std::sync::Arc;

use indicatif::ProgressDrawTarget;

use super::CliError;
use super::args::{RunArgs, RunFormat};
use super::output;
use super::select::select;
use crate::case::Case;
use crate::measure::interrupt;
use crate::measure::process::keeper;
use crate::outcome::ExitCode;
use crate::report::{Human, Json, Layout, Live, Reporter};
use crate::runner::artifacts::Artifacts;
use crate::runner::horizon::{Settings, under_ci};
use crate::runner::suite::{self, Options};
use crate::runtime;

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
