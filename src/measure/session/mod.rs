//! One run of one program.

mod begin;
mod counted;
mod record;
mod run;
mod tree;
mod types;

pub use run::Session;
pub use types::{Finished, MeasureError, SessionOptions, Stopped};
