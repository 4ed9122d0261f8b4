//! The two cases of a language, through the same path as `run`.

use std::path::Path;
use std::time::Duration;

use super::cases::{leaked, pair};
use crate::case::{Case, Language};
use crate::doctor::{Installed, Measured, Trial};
use crate::report::CaseReport;
use crate::runner::artifacts::{Artifacts, traces_of};
use crate::runner::horizon::Settings;
use crate::runner::plan::Planned;
use crate::runner::retry::run_case;
use crate::runner::schedule::Shared;
use crate::runner::suite::Options;
use crate::runtime;

/// Iterations of a trial: enough for 64 bytes in every language, and few.
const ITERATIONS: u64 = 960;
/// Time of a trial.
const TIME: Duration = Duration::from_secs(20);

/// What all trials share: how a run goes about its cases, in a folder of its own.
pub(super) fn shared(folder: &Path) -> Result<Shared, std::io::Error> {
    let options = Options {
        settings: Settings {
            iterations: Some(ITERATIONS),
            time: Some(TIME),
            ..Settings::default()
        },
        ..Options::default()
    };
    Ok(Shared::new(&options, Artifacts::open(folder.to_owned())?))
}

/// What there is of a language; with `shared`, measured as well.
pub(super) fn installed(language: Language, folder: &Path, shared: Option<&Shared>) -> Installed {
    let mut found = Installed {
        language,
        program: None,
        missing: None,
        runtime: None,
        broken: None,
        trial: None,
    };
    let (leak, null) = match pair(language, folder) {
        Ok(both) => both,
        Err(why) => {
            found.broken = Some(why);
            return found;
        }
    };
    match runtime::program(&null) {
        Ok(program) => found.program = program,
        Err(error) => {
            found.missing = Some(error.to_string());
            return found;
        }
    }
    let ready = runtime::prepare(&null, folder, &|_| {});
    match ready {
        Ok(launch) => found.runtime = Some(launch.runtime),
        Err(error) => found.broken = Some(error.to_string().trim_end().to_owned()),
    }
    if let (Some(shared), None) = (shared, &found.broken) {
        found.trial = Some(Trial {
            leak: measured(measure(leak, shared).as_ref()),
            leaked: leaked(language),
            ..of_nothing(measure(null, shared).as_ref())
        });
    }
    found
}

fn measure(case: Case, shared: &Shared) -> Option<CaseReport> {
    let planned = Planned {
        case,
        retries: 0,
        group: None,
        sides: None,
    };
    run_case(&planned, shared, &|| true, &|_| {}).pop()
}

fn measured(report: Option<&CaseReport>) -> Measured {
    let Some(report) = report else {
        return Measured::default();
    };
    let verdict = &report.verdict;
    let output = report.output.as_deref().unwrap_or_default();
    let said = match (verdict.verdict, output.trim().lines().last()) {
        (None, Some(last)) => format!("{}: {last}", report.reason),
        _ => report.reason.clone(),
    };
    Measured {
        verdict: verdict.verdict,
        reason: said,
        slope: verdict.slope.map(|slope| slope.estimate),
        detection_limit: verdict.detection_limit,
        iterations: verdict.iterations,
        seconds: report.seconds,
    }
}

/// The trial with all that the case tells that does nothing.
fn of_nothing(report: Option<&CaseReport>) -> Trial {
    let traces = report.and_then(|report| traces_of(report).ok());
    let turns = traces.iter().flatten().filter_map(|trace| {
        let ending = trace.ending.as_ref()?;
        (ending.iterations > 0).then(|| ending.micros as f64 / ending.iterations as f64)
    });
    Trial {
        leaked: 0,
        leak: Measured::default(),
        null: measured(report),
        // The quickest process: the others had to share their cores.
        turn_micros: turns.min_by(f64::total_cmp),
    }
}
