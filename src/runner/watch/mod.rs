//! What `memcase watch` needs of the outside: folders that are watched, what a case is made of, and a run beside them.

pub mod eyes;
pub mod ignored;
pub mod keys;
pub mod lap;
pub mod made_of;
mod poll;
pub mod settle;

use std::path::PathBuf;

use crate::report::CaseReport;

/// Something that came up, in the order in which it did.
#[derive(Debug)]
pub enum Heard {
    /// Something below a watched folder.
    Seen(Seen),
    /// A line that a person typed, without its end.
    Typed(String),
    /// A person ended the input.
    InputEnded,
    /// A case of the run has ended.
    Case(Box<CaseReport>),
    /// The run has ended; an error where its report could not be written.
    Ended(std::io::Result<()>),
}

/// A change below a watched folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// This path came, went, or has other contents.
    Path(PathBuf),
    /// More has changed than could be told.
    Anything,
}
