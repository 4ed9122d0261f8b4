//! `memcase doctor`: what this machine can measure.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use super::CliError;
use super::args::Color;
use super::{output, run};
use crate::doctor::diagnose;
use crate::measure::interrupt;
use crate::outcome::ExitCode;
use crate::report::doctor_text;
use crate::runner::doctor::gather;

/// `memcase doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Leave out the languages' trial runs
    #[arg(long)]
    quick: bool,
    /// As one line of JSON
    #[arg(long)]
    json: bool,
    /// When to colour words
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

/// Looks, tries, and tells.
pub(super) fn doctor(args: &DoctorArgs) -> Result<ExitCode, CliError> {
    run::guard();
    if !args.quick && io::stderr().is_terminal() {
        let told = "measuring a leak and nothing in each language; --quick leaves it out";
        let _ = writeln!(io::stderr().lock(), "{told}");
    }
    let facts = gather(args.quick).map_err(|error| {
        CliError::Usage(format!(
            "the folder for temporary files can not be written to: {error}; set TMPDIR to another"
        ))
    })?;
    if interrupt::requested() {
        run::complain_of_interrupt("nothing is told of this machine");
        return Ok(ExitCode::Interrupted);
    }
    let diagnosis = diagnose(facts);
    let text = if args.json {
        let line = serde_json::to_string(&diagnosis);
        line.map_err(|error| CliError::Output(error.into()))? + "\n"
    } else {
        doctor_text(&diagnosis, output::coloured(args.color), output::columns())
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(CliError::Output)?;
    Ok(if diagnosis.ok {
        ExitCode::AsClaimed
    } else {
        ExitCode::Broken
    })
}
