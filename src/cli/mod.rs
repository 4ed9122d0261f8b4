//! Flags and sub-commands: the door.

mod args;
mod baseline_args;
mod baselines;
mod commands;
mod compare;
mod debug;
mod doctor;
mod door;
mod error;
mod flags;
mod merge;
mod output;
mod plot;
mod record;
mod report;
mod reports;
mod review;
mod revision;
mod run;
mod select;
mod settings;
mod show_config;
mod shown;
mod sides;
mod stress;
mod traces;
mod watch;

pub use door::main;
use error::CliError;
