//! `memcase merge`: the results of several runs as those of one.

use std::io::{Write, stderr};
use std::path::PathBuf;

use clap::Args;

use super::CliError;
use super::args::{Color, RunFormat};
use super::reports::ReportArgs;
use super::run::unwritten;
use super::shown::Shown;
use crate::outcome::ExitCode;
use crate::runner::merge::{self, Merged};
use crate::runner::parts;

/// `memcase merge`.
#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// Folders of artifacts (target/memcase, .memcase), and files that `--report json=` wrote
    #[arg(required = true, value_name = "FOLDER|FILE")]
    results: Vec<PathBuf>,
    /// How the report looks
    #[arg(long, value_enum, default_value_t)]
    format: RunFormat,
    /// One character a case; the same as --format terse
    #[arg(short, long, conflicts_with = "format")]
    quiet: bool,
    #[command(flatten)]
    reports: ReportArgs,
    /// When to colour words
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

/// Reads results as those of one run, and tells of what a reader should know.
pub(super) fn read(results: &[PathBuf]) -> Result<Merged, CliError> {
    let mut all = Vec::new();
    let mut notes = Vec::new();
    for path in results {
        let mut found = parts::read(path).map_err(CliError::Usage)?;
        all.append(&mut found.parts);
        notes.append(&mut found.notes);
    }
    let merged = merge::merge(all);
    for note in notes.iter().chain(&merged.notes) {
        // A note that can not be shown is no reason to stop.
        let _ = writeln!(stderr().lock(), "note: {note}");
    }
    Ok(merged)
}

/// Puts them together.
pub(super) fn merge(args: &MergeArgs) -> Result<ExitCode, CliError> {
    let merged = read(&args.results)?;
    let shown = Shown {
        format: if args.quiet {
            RunFormat::Terse
        } else {
            args.format
        },
        message_format: args.reports.message_format,
        aside: args.reports.take_standard_output(),
        color: args.color,
    };
    let reports = args.reports.open(shown.is_for_programs())?;
    let reporter = reports.beside(shown.reporter());
    let code = merged.code;
    let terse = shown.format == RunFormat::Terse;
    merged.tell(terse, &reporter).map_err(CliError::Output)?;
    let code = unwritten(reports.finish(), code);
    match reporter.closed() {
        None | Some(std::io::ErrorKind::BrokenPipe) => Ok(code),
        Some(kind) => Err(CliError::Output(kind.into())),
    }
}
