//! What may be typed behind `memcase watch`.

use std::time::Duration;

use clap::Args;

use crate::cli::args::{Color, Selection, duration};
use crate::cli::flags::Flags;

/// `memcase watch`.
#[derive(Debug, Args)]
pub(in crate::cli) struct WatchArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) flags: Flags,
    /// Only what became of each case, without the report of each run
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Clear the terminal before each run
    #[arg(short, long)]
    pub(super) clear: bool,
    /// Look for changes so often, where the kernel does not tell of them: network file systems (2s)
    #[arg(long, value_name = "INTERVAL", value_parser = interval)]
    pub(super) poll: Option<Duration>,
    /// When to colour words
    #[arg(long, value_enum, default_value_t)]
    pub(super) color: Color,
}

/// Less often than a hundred times a second: a look at all files takes its time.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval < Duration::from_millis(10) {
        return Err("it must be at least 10ms".to_owned());
    }
    Ok(interval)
}
