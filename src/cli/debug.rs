//! `memcase debug`: up to the iteration that crosses a line, then a debugger in this terminal.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::CliError;
use super::args::Selection;
use super::run::guard;
use super::select::select;
use crate::analysis::Threshold;
use crate::measure::process::Terminal;
use crate::outcome::ExitCode;
use crate::runner::debug::{Debugged, Request, debug as run, refusal};
use crate::trace::{Metric, Unit};

/// As far as a run goes that says nothing else.
const ITERATIONS: u64 = 5_000;
/// Ids that are listed where several cases are selected.
const LISTED: usize = 10;

/// `memcase debug`.
#[derive(Debug, Args)]
pub(super) struct DebugArgs {
    #[command(flatten)]
    selection: Selection,
    /// A level of memory, 300MiB; or an iteration that grows by more than that beyond the median, +64KiB/iter
    #[arg(long, value_name = "BYTES|+BYTES/iter", allow_hyphen_values = true)]
    break_at: Threshold,
    /// What is watched (default: live where it is complete, else anon)
    #[arg(long, value_name = "METRIC", value_parser = metric())]
    metric: Option<Metric>,
    /// How far it goes (default: what the case says, else 5000)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    iterations: Option<u64>,
    /// In place of a debugger, write the stacks of all threads to FILE, or to standard output, and go on
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    dump: Option<PathBuf>,
}

fn metric() -> impl TypedValueParser<Value = Metric> {
    let of_bytes = |metric: &Metric| metric.unit() == Unit::Bytes;
    let names = Metric::ALL.into_iter().filter(of_bytes).map(Metric::name);
    PossibleValuesParser::new(names).try_map(|name| {
        Metric::ALL
            .into_iter()
            .find(|metric| metric.name() == name)
            .ok_or("not a metric of memcase")
    })
}

/// Debugs.
pub(super) fn debug(args: &DebugArgs) -> Result<ExitCode, CliError> {
    let cases = select(&args.selection)?.cases;
    let [case] = cases.as_slice() else {
        let ids: Vec<&str> = cases
            .iter()
            .map(|case| case.id.0.as_str())
            .take(LISTED)
            .collect();
        let more = cases.len().saturating_sub(LISTED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        return Err(CliError::Usage(format!(
            "one case is debugged at a time, and {} are selected: {}{more}; name one with `--exact ID`",
            cases.len(),
            ids.join(", ")
        )));
    };
    if let Some(why) = refusal(case, args.dump.is_some()) {
        return Err(CliError::Usage(why));
    }
    let terminal = match &args.dump {
        Some(_) => None,
        None => Some(Terminal::open().ok_or_else(|| {
            CliError::Usage(
                "a debugger needs a terminal on standard input and output; without one, `--dump` writes the stacks \
                 of all threads"
                    .to_owned(),
            )
        })?),
    };
    let out = args.dump.as_deref().filter(|path| *path != Path::new("-"));
    let out = out.map(|path| Out::open(path).map_err(|error| unwritten(path, &error)));
    let out = out.transpose()?;
    guard();
    let request = Request {
        threshold: args.break_at,
        metric: args.metric,
        iterations: args
            .iterations
            .or(case.measure.iterations)
            .unwrap_or(ITERATIONS),
        terminal,
    };
    match run(case, &request, &say) {
        Ok(Debugged::Crossed(stacks)) => {
            if let Some(stacks) = stacks {
                write(&stacks, out)?;
            }
            Ok(ExitCode::AsClaimed)
        }
        Ok(Debugged::Never) => {
            out.into_iter().for_each(Out::discard);
            Ok(ExitCode::AsClaimed)
        }
        Ok(Debugged::Interrupted) => {
            out.into_iter().for_each(Out::discard);
            say("interrupted");
            Ok(ExitCode::Interrupted)
        }
        Err(why) => {
            out.into_iter().for_each(Out::discard);
            say(&format!("error: {}: {why}", case.id));
            Ok(ExitCode::Broken)
        }
    }
}

fn write(stacks: &[u8], out: Option<Out>) -> Result<(), CliError> {
    let Some(mut out) = out else {
        return io::stdout()
            .lock()
            .write_all(stacks)
            .map_err(CliError::Output);
    };
    let path = out.path.clone();
    // What was there before was kept until there is something to take its place; a device has no length.
    let _ = out.file.set_len(0);
    out.file
        .write_all(stacks)
        .map_err(|error| unwritten(&path, &error))?;
    say(&format!(
        "wrote the stacks of all threads to {}",
        path.display()
    ));
    Ok(())
}

/// A file that is opened before the run, so that the run is not for nothing.
struct Out {
    file: File,
    path: PathBuf,
    is_new: bool,
}

impl Out {
    fn open(path: &Path) -> io::Result<Self> {
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            is_new,
        })
    }

    /// There is nothing to be written.
    fn discard(self) {
        if self.is_new {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn unwritten(path: &Path, error: &io::Error) -> CliError {
    CliError::Usage(format!(
        "`{}` could not be written: {error}",
        path.display()
    ))
}

fn say(text: &str) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
