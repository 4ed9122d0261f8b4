//! `memcase watch`: runs cases again when their files change, and says what became of each.

mod args;
mod files;
mod laps;
mod watching;

pub(super) use args::WatchArgs;
pub(super) use watching::watch;
