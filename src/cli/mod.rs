//! Flags and sub-commands: the door.

mod args;
mod commands;
mod door;
mod error;
mod output;
mod run;
mod select;

pub use door::main;
use error::CliError;
