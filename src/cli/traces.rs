//! Traces that are named on the command line.

use std::io::Write;
use std::path::Path;

use super::CliError;
use crate::runner::artifacts;
use crate::trace::Trace;

/// Reads one; says so where its end is missing.
pub(super) fn read_trace(path: &Path) -> Result<Trace, CliError> {
    let shown = path.display();
    let trace = artifacts::read_trace(path)
        .map_err(|error| CliError::Usage(format!("`{shown}`: {error}")))?;
    if let Some(line) = trace.cut {
        // A note that can not be shown is no reason to stop.
        let _ = writeln!(
            std::io::stderr().lock(),
            "note: `{shown}`: line {line}, the last one, is cut off and was left out"
        );
    }
    Ok(trace)
}
