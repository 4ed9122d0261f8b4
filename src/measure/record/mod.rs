//! Any program, over time, with all its processes: run as it would be without memcase, and read beside it.

mod held;
mod lines;
mod one;
mod parts;
mod recorder;
mod relay;
mod signals;
mod status;
mod terminal;

pub use parts::Row;
pub use recorder::{Options, RecordError, Recorded, Seen, end_as, record};
