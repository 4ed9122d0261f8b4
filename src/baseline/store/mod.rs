//! Where snapshots lie and how they are written: whole or not at all.
//!
//! `insta` reads and writes them, so that the files are those that its own tools review. Each is written
//! beside its place and then put there by a rename.

mod files;
mod pending;
mod place;

pub use files::{BaselineError, remove};
pub use pending::{Found, Pending, in_folder, is_baseline, pending_in};
pub use place::{FOLDER, Place, Settled, name_of};
