//! Flags that go before what the configuration says, and the variables that go before it as well.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

use super::args::duration;
use crate::config::{Given, Inconclusive, Key, MaxFail, Mode, NoTests, Origin, RunIgnored, Value};

/// How cases are run.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(next_help_heading = "How they are run")]
pub(super) struct Flags {
    /// Profile of the configuration
    #[arg(
        short = 'P',
        long,
        value_name = "NAME",
        env = "MEMCASE_PROFILE",
        default_value = "default"
    )]
    pub(super) profile: String,
    /// The configuration (default: memcase.toml or .config/memcase.toml, here or in a folder above)
    #[arg(long, value_name = "FILE", env = "MEMCASE_CONFIG_FILE")]
    pub(super) config_file: Option<PathBuf>,
    /// Cases in flight (default: the number of cores, at least 2)
    #[arg(short = 'j', long, value_name = "N", env = "MEMCASE_TEST_THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) test_threads: Option<u16>,
    /// Further tries of a case that fails or can not be measured
    #[arg(long, value_name = "N", env = "MEMCASE_RETRIES", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(super) retries: Option<u32>,
    /// Run all cases whatever happens (the default)
    #[arg(long, alias = "nff", overrides_with_all = ["fail_fast", "max_fail"])]
    pub(super) no_fail_fast: bool,
    /// End at the first case that fails or can not be measured
    #[arg(long, alias = "ff", overrides_with_all = ["no_fail_fast", "max_fail"])]
    pub(super) fail_fast: bool,
    /// End after so many of them; with :immediate, those that are being measured end as well
    #[arg(long, value_name = "N[:immediate]|all", env = "MEMCASE_MAX_FAIL", value_parser = MaxFail::parse, overrides_with_all = ["no_fail_fast", "fail_fast"])]
    pub(super) max_fail: Option<MaxFail>,
    /// Confirm a leak only over the whole horizon (the default where CI is set)
    #[arg(long, overrides_with = "fast")]
    pub(super) strict: bool,
    /// Say a leak as soon as it may be said, from iteration 1,700 on (the default confirms it later while that is cheap)
    #[arg(long, overrides_with = "strict")]
    pub(super) fast: bool,
    /// Fresh processes of each case (default: what the case says, else 3)
    #[arg(long, value_name = "K", env = "MEMCASE_PROCESSES", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) processes: Option<u32>,
    /// The horizon in iterations (default: what the case says, else up to 5000, or 20000 while nothing can be said)
    #[arg(long, value_name = "N", env = "MEMCASE_ITERATIONS", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(super) iterations: Option<u64>,
    /// Time budget of a case, shared by its processes where cores are few (default: what the case says, else 30s)
    #[arg(long, value_name = "DURATION", env = "MEMCASE_TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,
    /// What follows where no case is selected (default: fail, exit code 4)
    #[arg(long, value_name = "WHAT", env = "MEMCASE_NO_TESTS", value_parser = words(&NO_TESTS))]
    pub(super) no_tests: Option<NoTests>,
    /// What follows from a case that is not decided (default: exit-3, where none failed)
    #[arg(long, value_name = "WHAT", env = "MEMCASE_INCONCLUSIVE", value_parser = words(&INCONCLUSIVE))]
    pub(super) inconclusive: Option<Inconclusive>,
    /// Whether cases that say `ignore` are run (default: default, they are not)
    #[arg(long, value_name = "WHICH", env = "MEMCASE_RUN_IGNORED", value_parser = words(&RUN_IGNORED))]
    pub(super) run_ignored: Option<RunIgnored>,
}

const NO_TESTS: [(&str, NoTests); 3] = [
    ("fail", NoTests::Fail),
    ("warn", NoTests::Warn),
    ("pass", NoTests::Pass),
];
const INCONCLUSIVE: [(&str, Inconclusive); 3] = [
    ("exit-3", Inconclusive::Exit3),
    ("pass", Inconclusive::Pass),
    ("fail", Inconclusive::Fail),
];
const RUN_IGNORED: [(&str, RunIgnored); 3] = [
    ("default", RunIgnored::Default),
    ("ignored-only", RunIgnored::IgnoredOnly),
    ("all", RunIgnored::All),
];

/// One of these words.
pub(super) fn words<T: Copy + Send + Sync, const N: usize>(
    all: &'static [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> + use<T, N> {
    PossibleValuesParser::new(all.map(|(word, _)| word)).try_map(|word| {
        let found = all.iter().find(|(known, _)| *known == word);
        found
            .map(|(_, value)| *value)
            .ok_or("not a word of memcase")
    })
}

impl Flags {
    /// What flags and variables set, and which of the two did.
    pub(super) fn given(&self, matches: &ArgMatches) -> Given {
        let mut given = Given::new();
        let count = |count: u32| Value::Count(count.into());
        for (id, flag, variable, key, value) in [
            (
                "test_threads",
                "--test-threads",
                "MEMCASE_TEST_THREADS",
                Key::TestThreads,
                self.test_threads.map(|threads| count(threads.into())),
            ),
            (
                "retries",
                "--retries",
                "MEMCASE_RETRIES",
                Key::Retries,
                self.retries.map(count),
            ),
            (
                "processes",
                "--processes",
                "MEMCASE_PROCESSES",
                Key::Processes,
                self.processes.map(count),
            ),
            (
                "iterations",
                "--iterations",
                "MEMCASE_ITERATIONS",
                Key::Iterations,
                self.iterations.map(Value::Count),
            ),
            (
                "time",
                "--time",
                "MEMCASE_TIME",
                Key::Time,
                self.time.map(Value::Span),
            ),
            (
                "max_fail",
                "--max-fail",
                "MEMCASE_MAX_FAIL",
                Key::MaxFail,
                self.max_fail.map(Value::MaxFail),
            ),
            (
                "no_tests",
                "--no-tests",
                "MEMCASE_NO_TESTS",
                Key::NoTests,
                self.no_tests.map(Value::NoTests),
            ),
            (
                "inconclusive",
                "--inconclusive",
                "MEMCASE_INCONCLUSIVE",
                Key::Inconclusive,
                self.inconclusive.map(Value::Inconclusive),
            ),
            (
                "run_ignored",
                "--run-ignored",
                "MEMCASE_RUN_IGNORED",
                Key::RunIgnored,
                self.run_ignored.map(Value::RunIgnored),
            ),
        ] {
            let Some(value) = value else { continue };
            let origin = match matches.value_source(id) {
                Some(ValueSource::EnvVariable) => Origin::Environment { variable },
                _ => Origin::Flag { flag },
            };
            given.insert(key, (value, origin));
        }
        // These have no variables, and a flag goes before one that sets the same.
        for (set, flag, key, value) in [
            (
                self.fail_fast,
                "--fail-fast",
                Key::MaxFail,
                Value::MaxFail(MaxFail::FIRST),
            ),
            (
                self.no_fail_fast,
                "--no-fail-fast",
                Key::MaxFail,
                Value::MaxFail(MaxFail::ALL),
            ),
            (
                self.strict,
                "--strict",
                Key::Mode,
                Value::Mode(Mode::Strict),
            ),
            (self.fast, "--fast", Key::Mode, Value::Mode(Mode::Fast)),
        ] {
            if set {
                given.insert(key, (value, Origin::Flag { flag }));
            }
        }
        given
    }
}
