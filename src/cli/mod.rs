//! Flags and sub-commands: the door.

mod args;
mod commands;
mod door;
mod error;
mod flags;
mod output;
mod run;
mod select;
mod settings;
mod show_config;
mod stress;

pub use door::main;
use error::CliError;
