//! `memcase record`: any program, over time, with all its processes.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use regex::bytes::Regex;

use super::CliError;
use super::args::duration;
use crate::measure::record::RecordError;
use crate::outcome::ExitCode;
use crate::runner::record::{Request, Unrecorded, pass_on, record_to_file};
use crate::units::Bytes;

/// `memcase record`.
#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    /// Between two samples; what is higher in between is kept all the same
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = interval)]
    interval: Duration,
    /// The file; default: one in the folder `records` of the artifacts
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A line of the program's output that matches begins a phase, named by the line or by the pattern's first group
    #[arg(long, value_name = "PATTERN", value_parser = Regex::new)]
    marker: Option<Regex>,
    /// Tell when the program would have been killed by this limit of memory: 512MiB
    #[arg(long, value_name = "BYTES")]
    limit: Option<String>,
    /// Whether a line on the terminal shows memory now; its output goes through memcase then
    #[arg(long, value_enum, default_value_t)]
    live: When,
    /// How the summary looks, which goes to standard error
    #[arg(long, value_enum, default_value_t)]
    format: RecordFormat,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<OsString>,
}

/// Formats of the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum RecordFormat {
    /// For people
    #[default]
    Human,
    /// One line of JSON
    Json,
}

/// When something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum When {
    /// On a terminal
    #[default]
    Auto,
    /// Never
    Never,
}

/// Records.
pub(super) fn record(args: &RecordArgs) -> Result<ExitCode, CliError> {
    let limit = args.limit.as_deref().map(|text| {
        text.parse::<Bytes>()
            .map(|bytes| bytes.0)
            .map_err(|error| CliError::Usage(format!("`--limit`: {error}")))
    });
    let request = Request {
        argv: args.command.clone(),
        interval: args.interval,
        file: args.output.clone(),
        marker: args.marker.clone(),
        limit: limit.transpose()?,
        live: args.live == When::Auto && can_show(),
    };
    let kept = match record_to_file(&request) {
        Ok(kept) => kept,
        Err(Unrecorded::Program(RecordError::Start { program, error })) => {
            say(&format!(
                "error: `{program}` could not be started: {error}\n"
            ));
            // What a shell, env(1) and timeout(1) say.
            let code = if error.kind() == io::ErrorKind::NotFound {
                127
            } else {
                126
            };
            end(code);
        }
        Err(error) => return Err(CliError::Usage(error.to_string())),
    };
    if !args.quiet {
        match args.format {
            RecordFormat::Human => say(&kept.report.text()),
            RecordFormat::Json => {
                let line = serde_json::to_string(&kept.report);
                say(&(line.map_err(|error| CliError::Output(error.into()))? + "\n"));
            }
        }
    }
    if let Some(incomplete) = &kept.incomplete {
        say(&format!("error: {incomplete}\n"));
    }
    match pass_on(kept.exit) {
        0 => Ok(ExitCode::AsClaimed),
        code => end(code),
    }
}

fn end(code: i32) -> ! {
    #[expect(
        clippy::exit,
        reason = "the code is the program's, and not one of memcase's own"
    )]
    std::process::exit(code)
}

/// Whether a line can be shown: on a terminal that can erase it.
fn can_show() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

fn say(text: &str) {
    // Nobody is left to be told that standard error is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// At least a millisecond: the axis of a record has no smaller places.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval < Duration::from_millis(1) {
        return Err("it must be at least 1ms".to_owned());
    }
    Ok(interval)
}
