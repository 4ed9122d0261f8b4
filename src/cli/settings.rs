//! What holds for this run: the configuration, its profile, and what flags and variables put before it.

use std::env;
use std::path::PathBuf;

use clap::ArgMatches;

use super::flags::Flags;
use super::{CliError, output};
use crate::case::{Case, CaseError};
use crate::config::{
    self, Chain, Config, Given, Inconclusive, Key, MaxFail, Mode, NoTests, RunIgnored, Value,
};
use crate::runner::horizon::under_ci;
use crate::runner::plan::Planned;

/// What holds for this run.
pub(super) struct Holds {
    pub(super) config: Config,
    profile: String,
    pub(super) given: Given,
}

impl Holds {
    /// Reads the configuration and sees that the profile is there.
    pub(super) fn read(flags: &Flags, matches: &ArgMatches) -> Result<Self, CliError> {
        let holds = Self {
            config: read_config(flags)?,
            profile: flags.profile.clone(),
            given: flags.given(matches),
        };
        holds
            .config
            .chain(&holds.profile)
            .map_err(CliError::Usage)?;
        Ok(holds)
    }

    /// The profile with those behind it.
    pub(super) fn chain(&self) -> Result<Chain<'_>, CliError> {
        self.config.chain(&self.profile).map_err(CliError::Usage)
    }

    fn of_run(&self, key: Key) -> Result<Option<Value>, CliError> {
        Ok(self.chain()?.of_run(key, &self.given).value)
    }

    pub(super) fn mode(&self) -> Result<Mode, CliError> {
        Ok(match self.of_run(Key::Mode)? {
            Some(Value::Mode(mode)) => mode,
            _ if under_ci() => Mode::Strict,
            _ => Mode::Normal,
        })
    }

    pub(super) fn test_threads(&self) -> Result<Option<usize>, CliError> {
        Ok(match self.of_run(Key::TestThreads)? {
            Some(Value::Count(count)) => Some(count as usize),
            _ => None,
        })
    }

    pub(super) fn max_fail(&self) -> Result<MaxFail, CliError> {
        Ok(match self.of_run(Key::MaxFail)? {
            Some(Value::MaxFail(max_fail)) => max_fail,
            _ => MaxFail::ALL,
        })
    }

    pub(super) fn no_tests(&self) -> Result<NoTests, CliError> {
        Ok(match self.of_run(Key::NoTests)? {
            Some(Value::NoTests(no_tests)) => no_tests,
            _ => NoTests::default(),
        })
    }

    pub(super) fn inconclusive(&self) -> Result<Inconclusive, CliError> {
        Ok(match self.of_run(Key::Inconclusive)? {
            Some(Value::Inconclusive(inconclusive)) => inconclusive,
            _ => Inconclusive::default(),
        })
    }

    pub(super) fn run_ignored(&self) -> Result<RunIgnored, CliError> {
        Ok(match self.of_run(Key::RunIgnored)? {
            Some(Value::RunIgnored(run_ignored)) => run_ignored,
            _ => RunIgnored::default(),
        })
    }

    /// The case as it is run.
    pub(super) fn plan(&self, case: Case) -> Result<Planned, CliError> {
        Ok(Planned::new(case, &self.chain()?, &self.given))
    }
}

fn read_config(flags: &Flags) -> Result<Config, CliError> {
    let refuse = |errors: &[CaseError]| {
        let colour = output::errors_coloured();
        CliError::Config(errors.iter().map(|error| error.render(colour)).collect())
    };
    let file = if let Some(file) = &flags.config_file {
        file.clone()
    } else {
        let here = env::current_dir().map_err(|error| {
            CliError::Usage(format!("the present folder can not be read: {error}"))
        })?;
        match config::find(&here) {
            Ok(Some(file)) => file
                .strip_prefix(&here)
                .map_or_else(|_| file.clone(), PathBuf::from),
            Ok(None) => return Ok(Config::default()),
            Err(error) => return Err(refuse(&[*error])),
        }
    };
    config::load(&file).map_err(|errors| refuse(&errors))
}
