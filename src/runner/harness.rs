//! memcase as a `[[test]] harness = false` target, for `cargo test` and `cargo nextest`.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use super::artifacts::Artifacts;
use super::baseline;
use super::horizon::{Settings, under_ci};
use super::plan::Planned;
use super::retry::run_case;
use super::schedule::Shared;
use super::suite::{Options, completion};
use crate::case::{Case, CaseError, Loaded, discover};
use crate::config::{self, Config, DEFAULT_PROFILE, Given};
use crate::measure::interrupt;
use crate::measure::process::keeper;
use crate::outcome::ExitCode;
use crate::runtime;

/// Runs the cases below `root` as tests of this binary.
///
/// `root` is relative to the package. The binary takes libtest's flags: it
/// answers `--list --format terse`, and runs one test by `--exact` without reading the other
/// cases. A case that says `ignore`, and one whose interpreter or compiler is missing, is listed as ignored. An
/// inconclusive or broken case fails, with its reason: nothing passes that was not measured.
/// Under CI (`CI` is set, and not to `0` or `false`) a leak is only confirmed at the horizon, as with
/// `--strict`. Limits, budgets and retries are those of `memcase.toml`, with the profile that `MEMCASE_PROFILE` names;
/// what else a profile says of a run is libtest's or nextest's to say here. `MEMCASE_UPDATE` says what is done with baselines, as `--update` does.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     memcase::harness("cases/")
/// }
/// ```
pub fn harness(root: &str) -> std::process::ExitCode {
    keeper::enter_if_asked();
    let arguments = Arguments::from_args();
    let loaded = load(Path::new(root), &arguments);
    let cases = match loaded.and_then(|cases| plan(cases, &configuration()?)) {
        Ok(cases) => cases,
        Err(errors) => {
            complain(&errors);
            return ExitCode::Usage.into();
        }
    };
    if arguments.list {
        let _ = libtest_mimic::run(
            &arguments,
            cases.into_iter().map(|case| trial(case, None)).collect(),
        );
        return ExitCode::AsClaimed.into();
    }
    let artifacts = match Artifacts::open(Artifacts::place()) {
        Ok(artifacts) => artifacts,
        Err(error) => {
            complain(&[format!(
                "error: the folder for traces could not be made: {error}"
            )]);
            return ExitCode::Usage.into();
        }
    };
    // Without either, a Ctrl-C leaves it to the kernel to end the targets.
    runtime::stop_when(interrupt::requested);
    let _ = interrupt::install().and_then(|()| keeper::start());
    let update = match baseline::update() {
        Ok(update) => update,
        Err(error) => {
            complain(&[error]);
            return ExitCode::Usage.into();
        }
    };
    let options = Options {
        settings: Settings {
            update,
            strict: under_ci(),
            ..Settings::default()
        },
        threads: arguments.test_threads,
        ..Options::default()
    };
    let shared = Arc::new(Shared::new(&options, artifacts));
    let trials = cases
        .into_iter()
        .map(|case| trial(case, Some(&shared)))
        .collect();
    let arguments = Arguments {
        test_threads: Some(shared.in_flight),
        ..arguments
    };
    let conclusion = libtest_mimic::run(&arguments, trials);
    keeper::dismiss();
    if interrupt::requested() {
        return ExitCode::Interrupted.into();
    }
    conclusion.exit_code()
}

/// All cases below the root, or the one that is asked for by its whole name.
fn load(root: &Path, arguments: &Arguments) -> Result<Vec<Case>, Vec<String>> {
    if let (true, false, Some(id)) = (arguments.exact, arguments.list, &arguments.filter) {
        return no_mistakes(discover::load_one(root, id));
    }
    no_mistakes(discover::load(&[PathBuf::from(root)]))
}

/// The configuration for the present folder.
fn configuration() -> Result<Config, Vec<String>> {
    let here = std::env::current_dir().map_err(|error| {
        vec![format!(
            "error: the present folder can not be read: {error}"
        )]
    })?;
    match config::find(&here) {
        Ok(None) => Ok(Config::default()),
        Ok(Some(file)) => config::load(&file).map_err(|errors| {
            let errors = errors.iter();
            errors.map(|error| error.render(false)).collect()
        }),
        Err(error) => Err(vec![error.render(false)]),
    }
}

/// The cases as the profile that `MEMCASE_PROFILE` names has them.
fn plan(cases: Vec<Case>, config: &Config) -> Result<Vec<Planned>, Vec<String>> {
    let profile = std::env::var("MEMCASE_PROFILE")
        .ok()
        .filter(|name| !name.is_empty());
    let chain = config
        .chain(profile.as_deref().unwrap_or(DEFAULT_PROFILE))
        .map_err(|error| vec![format!("error: {error}")])?;
    let given = Given::new();
    let cases = cases.into_iter();
    Ok(cases
        .map(|case| Planned::new(case, &chain, &given))
        .collect())
}

fn no_mistakes(loaded: Loaded) -> Result<Vec<Case>, Vec<String>> {
    if loaded.errors.is_empty() {
        Ok(loaded.cases)
    } else {
        let render = |error: &CaseError| error.render(false);
        Err(loaded.errors.iter().map(render).collect())
    }
}

fn trial(planned: Planned, shared: Option<&Arc<Shared>>) -> Trial {
    let case = &planned.case;
    let ignored = case.ignore.is_some() || runtime::missing(case).is_some();
    let id = case.id.0.clone();
    let trial = match shared.cloned() {
        Some(shared) => Trial::ignorable_test(id, move || {
            let reports = run_case(&planned, &shared, &|| true, &|_| {});
            let nothing = || Err("nothing was measured".into());
            reports.first().map_or_else(nothing, completion)
        }),
        None => Trial::test(id, || Ok(())),
    };
    trial.with_ignored_flag(ignored)
}

fn complain<T: Display>(errors: &[T]) {
    let mut err = std::io::stderr().lock();
    for error in errors {
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(err, "{error}");
    }
}
