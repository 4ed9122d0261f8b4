//! `memcase report`: results as a page for a browser.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::CliError;
use super::merge::read;
use super::reports::ReportArgs;
use super::run::unwritten;
use crate::outcome::ExitCode;
use crate::runner::artifacts::Artifacts;

/// The page, where none is named.
const PAGE: &str = "report.html";

/// `memcase report`.
#[derive(Debug, Args)]
pub(super) struct PageArgs {
    /// Folders of artifacts, and files that `--report json=` wrote; several are told as one run
    /// (default: the folder of the last run here)
    #[arg(value_name = "FOLDER|FILE")]
    results: Vec<PathBuf>,
    /// Where to write the page; `-` is standard output (default: report.html in the first folder, or
    /// beside the first file)
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// Writes the page. Its exit code tells whether it was written, and not how the cases ended.
pub(super) fn report(args: &PageArgs) -> Result<ExitCode, CliError> {
    let place = Artifacts::place();
    if args.results.is_empty() && !place.is_dir() {
        return Err(CliError::Usage(format!(
            "nothing was run here yet: there is no folder `{}`; run `memcase run` first, or name a folder of artifacts or a file that `--report json=` wrote",
            place.display()
        )));
    }
    let results = if args.results.is_empty() {
        &[place][..]
    } else {
        &args.results[..]
    };
    let merged = read(results)?;
    let path = args.output.clone().unwrap_or_else(|| beside(&results[0]));
    let reports = ReportArgs::page(path.clone());
    let is_shown = reports.take_standard_output();
    let reports = reports.open(false)?;
    let Some(page) = reports.only() else {
        return Ok(ExitCode::AsClaimed);
    };
    merged.tell(false, &page).map_err(CliError::Output)?;
    if is_shown {
        return match page.closed() {
            None | Some(ErrorKind::BrokenPipe) => Ok(ExitCode::AsClaimed),
            Some(kind) => Err(CliError::Output(kind.into())),
        };
    }
    let code = unwritten(reports.finish(), ExitCode::AsClaimed);
    if code == ExitCode::AsClaimed {
        writeln!(io::stdout().lock(), "wrote {}", path.display()).map_err(CliError::Output)?;
    }
    Ok(code)
}

/// Where the page of these results is looked for.
fn beside(results: &Path) -> PathBuf {
    if results.is_dir() {
        results.join(PAGE)
    } else {
        results.with_extension("html")
    }
}
