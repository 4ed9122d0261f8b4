//! One run of one program.

mod counted;
mod record;
mod run;
mod types;

pub use run::Session;
pub use types::{Finished, MeasureError, SessionOptions, Stopped};
