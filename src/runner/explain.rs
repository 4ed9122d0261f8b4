//! The second run of a case, under the tracer of its language: how far it goes, and what is read from disk for it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::artifacts::{DUMP, Staged, is_dump};
use super::ended::Ended;
use super::schedule::Shared;
use crate::analysis::VerdictKind;
use crate::case::{Case, Claim};
use crate::explain::{
    Explanation, Findings, Made, Measured, Place, Surroundings, accounted, lines, native_findings,
    weigh,
};
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
pub(super) const GROWTH: f64 = 256.0 * 1024.0 * 1024.0;
/// The part of the slope that, once it is accounted for by the language's own tracer, is enough.
pub(super) const ENOUGH: f64 = 0.7;
/// How long the tracer may take for what it does at the end, and a program that runs by itself.
pub(super) const PATIENCE: Duration = Duration::from_mins(3);

/// Which cases are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Explain {
    /// None.
    #[default]
    No,
    /// Those that fail because they grow.
    Failed,
    /// All that grow, or may grow, whatever the case claims.
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
        // What is bounded has nothing to be explained.
        Explain::All => {
            let is_open = report.verdict.verdict == Some(VerdictKind::Inconclusive);
            grows || is_open || creeps(case, report)
        }
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
        Ok(findings) => {
            let mut why = weighed(case, findings, report, shared.settings.lines);
            keep_files(staged, shared.settings.keep_dump, &mut why);
            report.why = Some(why);
        }
        Err(why) => {
            report.why = Some(Explanation {
                failed: Some(why),
                ..Explanation::default()
            });
        }
    }
}

/// Whether it grows for certain, though by less than what is called a leak, where a leak is claimed.
fn creeps(case: &Case, report: &CaseReport) -> bool {
    let above_nothing = report.verdict.slope.is_some_and(|slope| slope.low > 0.0);
    case.expect.claim == Claim::Leak && above_nothing
}

/// Runs the tracers: that of the language, and that of the C allocator where there is none, or where much
/// stays unexplained.
fn traced(
    case: &Case,
    shared: &Shared,
    staged: &Staged,
    report: &CaseReport,
    building: &dyn Fn(&str),
) -> Result<Vec<Findings>, String> {
    let run = Run {
        case,
        shared,
        staged,
        report,
    };
    if case.measure.driver != Driver::Step {
        shared.settings.tracer.refuse_by_itself()?;
        return Ok(vec![run.by_itself(building)?]);
    }
    let launch = runtime::prepare_explained(case, &staged.work(), building)
        .map_err(|error| error.to_string())?;
    let mut findings = Vec::new();
    if launch.takes_explain_orders {
        findings.extend(run.by_language(launch)?);
        let is_enough = accounted(&findings, measured(report)).is_none_or(|part| part >= ENOUGH);
        if !findings.is_empty() && is_enough && !shared.settings.tracer.is_named() {
            return Ok(findings);
        }
        building("explaining what its language does not see");
    }
    run.native(findings, building)
}

/// What is run to be explained.
pub(super) struct Run<'a> {
    pub(super) case: &'a Case,
    pub(super) shared: &'a Shared,
    pub(super) staged: &'a Staged,
    pub(super) report: &'a CaseReport,
}

impl Run<'_> {
    pub(super) fn start(&self, launch: &Launch, tracer: &str) -> Result<Session, String> {
        let log = self.staged.work().join(format!("explained-{tracer}.log"));
        let options = SessionOptions {
            trim: false,
            ..SessionOptions::not_measured(self.case, PATIENCE, log)
        };
        Session::start(launch, options).map_err(|error| error.to_string())
    }

    /// The tracer of the language: a part of the driver, which is told when the window begins and ends.
    /// None where no process of the program has one.
    fn by_language(&self, mut launch: Launch) -> Result<Option<Findings>, String> {
        if let Some(kind) = self.report.verdict.metric.and_then(Made::kind_of) {
            let variable = Some(kind.into());
            launch.env.insert("MEMCASE_COUNTED".into(), variable);
        }
        if self.shared.settings.keep_dump {
            let dump = self.staged.work().join(DUMP.trim_end_matches('.'));
            let variable = Some(dump.into_os_string());
            launch.env.insert("MEMCASE_DUMP".into(), variable);
        }
        self.by_driver(launch, "language")
    }

    /// A tracer in the driver, by its name in files.
    pub(super) fn by_driver(
        &self,
        mut launch: Launch,
        tracer: &str,
    ) -> Result<Option<Findings>, String> {
        let written = self.staged.work().join(format!("findings-{tracer}.json"));
        let variable = Some(written.clone().into_os_string());
        launch.env.insert("MEMCASE_FINDINGS".into(), variable);
        let _permit = self.shared.permits.acquire();
        let mut session = self.start(&launch, tracer)?;
        if !session.takes_orders() {
            session.finish();
            return Ok(None);
        }
        let orders = [Order::Begin, Order::Half, Order::End];
        let followed = self.follow(&mut session, |session, at| {
            session.order(orders[at]).map_err(Ended::Stopped)
        });
        ended(followed, session, &launch)?;
        let text = fs::read_to_string(&written)
            .map_err(|error| format!("its tracer did not write down what it found ({error})"))?;
        let mut findings = serde_json::from_str(&text)
            .map_err(|error| format!("what its tracer wrote can not be read ({error})"))?;
        each_place(&mut findings, |place| {
            let line = usize::try_from(place.line).unwrap_or_default();
            if let Some((file, line)) = launch.source_map.place(&place.file, line) {
                place.file = file.display().to_string();
                place.line = u32::try_from(line).unwrap_or_default();
            }
        });
        Ok(Some(findings))
    }

    /// The call paths of blocks that stay, kept by a library in the process.
    pub(super) fn by_call_paths(&self, mut launch: Launch) -> Result<Findings, String> {
        launch.traces_stacks = true;
        let _permit = self.shared.permits.acquire();
        let mut session = self.start(&launch, "native")?;
        let mut traced = None;
        let followed = self.follow(&mut session, |session, at| {
            session.mark().map_err(Ended::Undone)?;
            if at == 2 {
                traced = Some(session.traced().map_err(Ended::Undone)?);
            }
            Ok(())
        });
        ended(followed, session, &launch)?;
        let traced = traced.ok_or("the window was not gone through to its end")?;
        Ok(native_findings(
            &traced,
            &Surroundings::of(self.case, &launch),
        ))
    }

    /// Brings the process to the end of its window, and calls `at` at its begin, its middle and its end.
    pub(super) fn follow(
        &self,
        session: &mut Session,
        mut at: impl FnMut(&mut Session, usize) -> Result<(), Ended>,
    ) -> Result<(), Ended> {
        let verdict = &self.report.verdict;
        let slope = verdict.slope.map_or(0.0, |slope| slope.estimate.max(0.0));
        // So many iterations in a half that all together grows as much as it may.
        let may_be = if slope > 0.0 {
            (GROWTH / 3.0 / slope) as u64
        } else {
            HALF
        };
        let half = HALF.min(may_be).max(SHORTEST);
        let began = verdict.began.unwrap_or(0).min(HALF);
        let warm_up = WARM_UP.max(began).min(half);
        go(session, warm_up, SHORTEST)?;
        at(session, 0)?;
        let done = go(session, half, SHORTEST)?;
        at(session, 1)?;
        go(session, done, done)?;
        at(session, 2)
    }
}

/// Ends the process, and says in a clause why its window was not gone through.
pub(super) fn ended(
    followed: Result<(), Ended>,
    session: Session,
    launch: &Launch,
) -> Result<(), String> {
    let finished = session.finish();
    followed.map_err(|ended| match ended {
        Ended::Undone(why) => why,
        Ended::Stopped(Stopped::Interrupted) => "interrupted".to_owned(),
        Ended::Stopped(Stopped::Died(why)) => {
            let output = launch.source_map.translate(&finished.output);
            match said_last(&output) {
                Some(last) => format!("{why}: {last}"),
                None => why,
            }
        }
        Ended::Stopped(Stopped::Time) => "it did not come to an end in time".to_owned(),
        Ended::Stopped(Stopped::Growth | Stopped::Memory(_)) => {
            "it grew too much under the tracer".to_owned()
        }
    })
}

/// The last line that a process wrote which is more than a frame of a call path.
fn said_last(output: &str) -> Option<&str> {
    let is_frame =
        |line: &&str| line.trim_start().starts_with("at ") && line.starts_with(['\t', ' ']);
    let mut lines = output.lines().rev();
    lines.find(|line| !line.trim().is_empty() && !is_frame(line))
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

/// Keeps the files of tracers, and says where no dump of the heap is among them that was asked for.
fn keep_files(staged: &Staged, dump: bool, why: &mut Explanation) {
    match staged.keep_files() {
        Ok(kept) => why.files = kept,
        Err(error) => why.notes.push(format!(
            "the files of the tracer could not be kept: {error}"
        )),
    }
    if dump && !why.files.iter().any(is_dump) {
        let none = "there is no heap dump to keep: the tracer of its language makes none";
        why.notes.push(none.to_owned());
    }
}

/// What was found against what was measured.
fn weighed(
    case: &Case,
    mut findings: Vec<Findings>,
    report: &CaseReport,
    by_line: bool,
) -> Explanation {
    let here = std::env::current_dir().unwrap_or_default();
    let case_file = std::path::absolute(&case.file).unwrap_or_default();
    let shown = |place: &mut Place| {
        if place.file.contains("/../")
            && let Ok(straight) = fs::canonicalize(&place.file)
        {
            place.file = straight.display().to_string();
        }
        let path = Path::new(&place.file);
        if path == case_file {
            place.file = case.file.display().to_string();
        } else if let Ok(below) = path.strip_prefix(&here) {
            place.file = below.display().to_string();
        }
    };
    for one in &mut findings {
        each_place(one, shown);
    }
    let mut explanation = weigh(&findings, measured(report), &source);
    if by_line {
        explanation.lines = lines(&findings, &source);
    }
    explanation
}

/// Changes each place that findings name.
fn each_place(findings: &mut Findings, mut change: impl FnMut(&mut Place)) {
    let sites = findings.sites.iter_mut();
    sites.flat_map(|site| &mut site.stack).for_each(&mut change);
    let made = findings.made.iter_mut();
    made.flat_map(|made| &mut made.stack).for_each(&mut change);
    let chains = findings.chains.iter_mut();
    let links = chains.flat_map(|chain| &mut chain.links);
    links
        .filter_map(|link| link.place.as_mut())
        .for_each(change);
}

/// The slope that is to be explained: of a leak, in bytes.
pub(super) fn measured(report: &CaseReport) -> Option<Measured> {
    let verdict = &report.verdict;
    let open = verdict.verdict == Some(VerdictKind::Inconclusive);
    let (metric, slope) = verdict.metric.zip(verdict.slope).filter(|_| !open)?;
    (slope.estimate > 0.0).then_some(Measured {
        metric,
        slope: slope.estimate,
    })
}

/// Whether what grows is memory.
pub(super) fn is_of_bytes(report: &CaseReport) -> bool {
    report
        .verdict
        .metric
        .is_none_or(|metric| metric.unit() == Unit::Bytes)
}

/// The line of source at a place.
fn source(place: &Place) -> Option<String> {
    let at = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let text = fs::read(&place.file).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().nth(at)?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
