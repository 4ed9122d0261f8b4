//! From the words on the command line to an exit code. Errors become sentences here, once.

use std::ffi::OsString;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::{Cli, Command};
use super::{
    CliError, baselines, commands, compare, debug, doctor, merge, plot, record, report, review,
    run, show_config, watch,
};
use clap::{CommandFactory, FromArgMatches};

use crate::measure::process::keeper;
use crate::outcome::ExitCode;
use crate::runner::explain::Explain;

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Runs the program and returns its exit code.
pub fn main() -> std::process::ExitCode {
    keeper::enter_if_asked();
    std::panic::set_hook(Box::new(|panic| {
        PANICKED.store(true, Ordering::Relaxed);
        complain(&format!(
            "memcase itself failed: {panic}\nThis is a bug in memcase. Please report it with this \
             text, the command and the case."
        ));
    }));
    let code = std::panic::catch_unwind(|| dispatch(std::env::args_os().collect()))
        .unwrap_or(ExitCode::Bug);
    keeper::dismiss();
    if PANICKED.load(Ordering::Relaxed) {
        return code.max(ExitCode::Bug).into();
    }
    code.into()
}

fn dispatch(arguments: Vec<OsString>) -> ExitCode {
    let parsed = Cli::command()
        .try_get_matches_from(with_default_command(arguments))
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // A closed pipe behind `--help` is no failure.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::AsClaimed
            };
        }
    };
    let of_command = matches.subcommand().map_or(&matches, |(_, inner)| inner);
    let result = match cli.command {
        Command::Run(args) => run::run(&args, of_command, Explain::No),
        Command::Explain(args) => run::run(&args, of_command, Explain::All),
        Command::Watch(args) => watch::watch(&args, of_command),
        Command::Debug(args) => debug::debug(&args),
        Command::ShowConfig(args) => show_config::show_config(&args, of_command),
        Command::List(args) => commands::list(&args),
        Command::Judge(args) => commands::judge(&args),
        Command::Review(args) => review::review(&args),
        Command::Accept(args) => baselines::accept(&args),
        Command::Reject(args) => baselines::reject(&args),
        Command::Pending(args) => baselines::pending(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::New(args) => commands::new(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::Plot(args) => plot::plot(&args),
        Command::Report(args) => report::report(&args),
        Command::Record(args) => record::record(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Schema(args) => commands::schema(args.config),
        Command::Env(args) => commands::env(&args.command),
    };
    result.unwrap_or_else(|error| {
        match &error {
            CliError::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                return ExitCode::AsClaimed;
            }
            CliError::Cases(errors) => complain_of(errors, "case files"),
            CliError::Config(errors) => complain_of(errors, "the configuration"),
            CliError::Expression(shown) => {
                let _ = writeln!(std::io::stderr().lock(), "{shown}");
            }
            other => complain(&other.to_string()),
        }
        error.exit_code()
    })
}

/// `run` is what is meant where no command is named: `memcase cases/`.
fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let named = arguments.get(1).is_some_and(|first| {
        ["help", "--help", "-h", "--version", "-V"]
            .iter()
            .any(|known| first == known)
            || Cli::command()
                .get_subcommands()
                .any(|command| first == command.get_name())
    });
    if !named {
        let at = arguments.len().min(1);
        arguments.insert(at, "run".into());
    }
    arguments
}

/// All mistakes of files that are read before anything is run.
fn complain_of(errors: &[String], place: &str) {
    for error in errors {
        let _ = writeln!(std::io::stderr().lock(), "{error}");
    }
    let count = errors.len();
    let plural = if count == 1 { "" } else { "s" };
    complain(&format!(
        "{count} error{plural} in {place}; nothing was run"
    ));
}

/// A sentence on standard error.
fn complain(message: &str) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "error: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_declared_without_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_is_the_default_command() {
        let with = |line: &str| -> Vec<String> {
            with_default_command(line.split(' ').map(OsString::from).collect())
                .into_iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(with("memcase"), ["memcase", "run"]);
        assert_eq!(with("memcase cases/"), ["memcase", "run", "cases/"]);
        assert_eq!(with("memcase --strict"), ["memcase", "run", "--strict"]);
        assert_eq!(with("memcase list"), ["memcase", "list"]);
        assert_eq!(with("memcase --help"), ["memcase", "--help"]);
    }
}
