//! Claim × verdict × comparison → outcome, and outcomes → exit code.

mod baseline;
mod claim;
mod exit_code;
mod garbage;
mod memory;

pub use claim::{Counts, Outcome, OutcomeKind};
pub use exit_code::ExitCode;
