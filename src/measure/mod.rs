//! From a program to a trace: the only stage that starts what is measured and reads its memory.
//!
//! It takes samples and keeps them. It does not import `stats` or `analysis`: it
//! cannot be tempted to judge. Everything that is particular to Linux lives in
//! `process` and `probe`.

pub mod dice;
pub mod driver;
pub mod interrupt;
pub mod kernel;
pub mod machine;
pub mod probe;
pub mod process;
pub mod record;

mod cadence;
mod lines;
mod session;

pub use session::{
    Finished, Followed, FreeRun, Image, MeasureError, Order, Session, SessionOptions, Stopped,
    Traced, Trial, follow_by_clock, run_by_clock, run_to_count,
};
