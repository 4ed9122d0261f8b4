//! The second run of a case, under the tracer of its language: how far it goes, and what is read from disk for it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::artifacts::Staged;
use super::schedule::Shared;
use crate::analysis::VerdictKind;
use crate::case::{Case, Program};
use crate::explain::{Explanation, Findings, Measured, Place, weigh};
use crate::measure::{Order, Session, SessionOptions, Stopped, interrupt};
use crate::outcome::OutcomeKind;
use crate::report::{CaseReport, Event};
use crate::runtime::{self, Launch};
use crate::trace::{Driver, Unit};

/// Iterations before the window: what is loaded and cached at first is no part of a leak.
const WARM_UP: u64 = 60;
/// The longest half of a window in iterations, and the shortest.
const HALF: u64 = 1_000;
const SHORTEST: u64 = 10;
/// How long the warm-up and each half may take, while they are long enough.
const SPAN: Duration = Duration::from_secs(3);
/// How much the process may grow in the window: a tracer doubles it.
const GROWTH: f64 = 256.0 * 1024.0 * 1024.0;
/// How long the tracer may take for what it does at the end.
const PATIENCE: Duration = Duration::from_mins(3);

/// Which cases are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Explain {
    /// None.
    #[default]
    No,
    /// Those that fail because they grow.
    Failed,
    /// All that were measured.
    All,
}

/// Adds to the report why the case grows, where that is asked for.
pub(super) fn explain(
    case: &Case,
    shared: &Shared,
    staged: &Staged,
    report: &mut CaseReport,
    tell: &(dyn Fn(Event) + Sync),
) {
    let grows = report.verdict.verdict == Some(VerdictKind::Leak);
    let wanted = match shared.settings.explain {
        Explain::No => false,
        Explain::Failed => grows && report.outcome == OutcomeKind::Failed,
        Explain::All => report.verdict.verdict.is_some(),
    };
    if !wanted || interrupt::requested() {
        return;
    }
    let building = |message: &str| {
        tell(Event::EnvBuilding {
            id: case.id.0.clone(),
            message: message.to_owned(),
        });
    };
    building("explaining it in a run of its own");
    match traced(case, shared, staged, report, &building) {
        Ok(findings) => report.explanation = Some(weighed(case, findings, report)),
        Err(why) => {
            let note = format!("it could not be explained: {why}");
            report.verdict.notes.push(note);
        }
    }
}

/// Runs the tracers.
fn traced(
    case: &Case,
    shared: &Shared,
    staged: &Staged,
    report: &CaseReport,
    building: &dyn Fn(&str),
) -> Result<Vec<Findings>, String> {
    if case.measure.driver != Driver::Step || matches!(case.target.program, Program::Service(_)) {
        return Err(
            "only cases that are measured by iterations can be explained so far".to_owned(),
        );
    }
    let mut launch = runtime::prepare_explained(case, &staged.work(), building)
        .map_err(|error| error.to_string())?;
    if !launch.takes_explain_orders {
        return Err(format!("there is no tracer yet for {}", launch.runtime));
    }
    let written = staged.work().join("findings.json");
    let variable = Some(written.clone().into_os_string());
    launch.env.insert("MEMCASE_FINDINGS".into(), variable);
    let options = SessionOptions {
        case: case.id.0.clone(),
        process: 1,
        timeout: PATIENCE,
        growth_cap: u64::MAX,
        horizon: 0,
        collect: case.measure.collect.unwrap_or(true),
        trim: false,
        batch: 1,
        children: false,
        memory: None,
        log: staged.work().join("explained.log"),
    };
    let _permit = shared.permits.acquire();
    let started = Session::start(&launch, options).map_err(|error| error.to_string())?;
    follow_window(started, &launch, report)?;
    let text = fs::read_to_string(&written)
        .map_err(|error| format!("its tracer did not write down what it found ({error})"))?;
    let findings = serde_json::from_str(&text)
        .map_err(|error| format!("what its tracer wrote can not be read ({error})"))?;
    Ok(vec![findings])
}

/// Brings the process to the end of its window, giving the tracer its orders on the way.
fn follow_window(mut session: Session, launch: &Launch, report: &CaseReport) -> Result<(), String> {
    let slope = report
        .verdict
        .slope
        .map_or(0.0, |slope| slope.estimate.max(0.0));
    // So many iterations in a half that all together grows as much as it may.
    let may_be = if slope > 0.0 {
        (GROWTH / 3.0 / slope) as u64
    } else {
        HALF
    };
    let half = HALF.min(may_be).max(SHORTEST);
    let began = report.verdict.began.unwrap_or(0).min(HALF);
    let warm_up = WARM_UP.max(began).min(half.max(SHORTEST));
    let result = (|| {
        go(&mut session, warm_up, SHORTEST)?;
        session.order(Order::Begin)?;
        let done = go(&mut session, half, SHORTEST)?;
        session.order(Order::Half)?;
        go(&mut session, done, done)?;
        session.order(Order::End)
    })();
    let finished = session.finish();
    result.map_err(|stopped| match stopped {
        Stopped::Interrupted => "interrupted".to_owned(),
        Stopped::Died(why) => {
            let output = launch.source_map.translate(&finished.output);
            let last = output.lines().last().unwrap_or_default();
            if last.is_empty() {
                why
            } else {
                format!("{why}: {last}")
            }
        }
        Stopped::Time => "it did not come to an end in time".to_owned(),
        Stopped::Growth | Stopped::Memory(_) => "it grew too much under the tracer".to_owned(),
    })
}

/// Runs `most` iterations, or as many as its time allows but not less than `least`; tells how many.
fn go(session: &mut Session, most: u64, least: u64) -> Result<u64, Stopped> {
    let (first, began) = (session.completed(), Instant::now());
    let quick = session.advance(first + most, began + SPAN, &mut |_, _| {});
    if let Err(stopped) = quick {
        if stopped != Stopped::Time {
            return Err(stopped);
        }
        session.advance(first + least, began + PATIENCE, &mut |_, _| {})?;
    }
    Ok(session.completed() - first)
}

/// What was found against what was measured.
fn weighed(case: &Case, mut findings: Vec<Findings>, report: &CaseReport) -> Explanation {
    let here = std::env::current_dir().unwrap_or_default();
    let case_file = std::path::absolute(&case.file).unwrap_or_default();
    let shown = |place: &mut Place| {
        let path = Path::new(&place.file);
        if path == case_file {
            place.file = case.file.display().to_string();
        } else if let Ok(below) = path.strip_prefix(&here) {
            place.file = below.display().to_string();
        }
    };
    for one in &mut findings {
        one.sites
            .iter_mut()
            .flat_map(|site| &mut site.stack)
            .for_each(shown);
        let links = one.chains.iter_mut().flat_map(|chain| &mut chain.links);
        links.filter_map(|link| link.place.as_mut()).for_each(shown);
    }
    let verdict = &report.verdict;
    let measured = verdict
        .metric
        .zip(verdict.slope)
        .filter(|(metric, slope)| metric.unit() == Unit::Bytes && slope.estimate > 0.0)
        .filter(|_| verdict.verdict == Some(VerdictKind::Leak))
        .map(|(metric, slope)| Measured {
            metric,
            slope: slope.estimate,
        });
    weigh(&findings, measured, &source)
}

/// The line of source at a place.
fn source(place: &Place) -> Option<String> {
    let at = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let text = fs::read(&place.file).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().nth(at)?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
