//! One case from its preparation to its report: the sequential loop of looks.

use std::time::{Duration, Instant};

use super::artifacts::{Artifacts, Staged};
use super::baseline::{self, With, reaching};
use super::explain::explain;
use super::horizon::{Horizon, Settings};
use super::memory;
use super::permits::Permits;
use super::processes::in_parallel;
use crate::case::{Case, Program};
use crate::measure::process::disturbance;
use crate::measure::{MeasureError, Session, SessionOptions, interrupt};
use crate::outcome::Outcome;
use crate::report::{CaseReport, Event};
use crate::runtime::{self, Launch};
use crate::trace::{Axis, Driver};

/// Growth of one process that ends a run, whatever the machine has.
const GROWTH_CAP: u64 = 2 << 30;

/// What a command that never answered may have needed.
const NOT_SPOKEN: &str = "; a command that does not speak the step protocol is measured over time by `measure: {driver: clock}`, or by the count that it takes with `{iterations}` among its arguments";

/// What all cases of a run share.
#[derive(Debug)]
pub struct Shared {
    /// What the command line sets.
    pub settings: Settings,
    /// Cores.
    pub permits: Permits,
    /// Where artifacts go.
    pub artifacts: Artifacts,
    /// Cases in flight.
    pub in_flight: usize,
    /// Bytes of memory of the machine.
    pub memory: u64,
}

/// A case that was measured once, and what is not yet kept of it.
pub(super) struct Tried {
    pub(super) report: CaseReport,
    staged: Option<Staged>,
}

/// Measures one case. Events but the last, which is the caller's to send with the report, go to `tell`.
pub(super) fn measure_case(
    case: &Case,
    shared: &Shared,
    with: With<'_>,
    tell: &(dyn Fn(Event) + Sync),
) -> Tried {
    let began = Instant::now();
    let staged = match shared.artifacts.stage(&with.place(case)) {
        Ok(staged) => staged,
        Err(error) => {
            let folder = shared.artifacts.root().display();
            let reason = format!("the folder `{folder}` can not be written to: {error}");
            return Tried {
                report: CaseReport::new(case, Outcome::broken(reason)),
                staged: None,
            };
        }
    };
    let run = CaseRun {
        case,
        shared,
        tell,
        staged: &staged,
        with,
        horizon: reaching(case, with, Horizon::of(case, &shared.settings)),
    };
    let mut report = run.run();
    report.seconds = began.elapsed().as_secs_f64();
    report.folder = Some(staged.target().to_owned());
    Tried {
        report,
        staged: Some(staged),
    }
}

impl Tried {
    /// Adds why it grows, where that is asked for.
    pub(super) fn explain(&mut self, case: &Case, shared: &Shared, tell: &(dyn Fn(Event) + Sync)) {
        if let Some(staged) = &self.staged {
            explain(case, shared, staged, &mut self.report, tell);
        }
    }

    /// Keeps its traces and its result, and settles what becomes of its baseline.
    pub(super) fn keep(self, case: &Case) -> CaseReport {
        let mut report = self.report;
        baseline::settle(case, &mut report);
        let kept = self.staged.map(|staged| staged.publish(&report));
        if let Some(Err(error)) = kept {
            report.folder = None;
            let note = format!("its traces and its result could not be kept: {error}");
            report.verdict.notes.push(note);
        }
        report
    }
}

pub(super) struct CaseRun<'a> {
    pub(super) case: &'a Case,
    pub(super) shared: &'a Shared,
    pub(super) tell: &'a (dyn Fn(Event) + Sync),
    pub(super) staged: &'a Staged,
    pub(super) with: With<'a>,
    pub(super) horizon: Horizon,
}

impl CaseRun<'_> {
    fn run(&self) -> CaseReport {
        let building = |message: &str| {
            (self.tell)(Event::EnvBuilding {
                id: self.case.id.0.clone(),
                message: message.to_owned(),
            });
        };
        let launch = match runtime::prepare(self.case, &self.staged.work(), &building) {
            Ok(launch) => launch,
            Err(_) if interrupt::requested() => {
                return self.report(Outcome::skipped("interrupted"));
            }
            Err(error) => return self.report(Outcome::broken(error.to_string())),
        };
        if let Some(what) = disturbance(&launch).filter(|_| !self.case.measure.disturbed) {
            return self.report(Outcome::broken(format!(
                "{what}; measure it without, or write `measure: {{disturbed: allowed}}`"
            )));
        }
        let mut report = match self.case.measure.driver {
            Driver::Step => self.step(&launch),
            Driver::Ramp => self.ramp(&launch),
            Driver::Clock => self.clock(&launch),
        };
        report.runtime = Some(launch.runtime);
        report
    }

    fn step(&self, launch: &Launch) -> CaseReport {
        let alone = launch.service.as_ref().is_some_and(|one| !one.own_port);
        if alone {
            return self.one_by_one(launch);
        }
        match self.start(launch) {
            Ok(mut sessions) => {
                let run = self.calibrated(&mut sessions);
                let mut looked = run.look(&mut sessions);
                let finished = in_parallel(sessions, Session::finish);
                looked.beside = run.beside(launch, &mut looked);
                run.conclude(looked, finished, launch)
            }
            Err(error) => self.not_started(&error, launch),
        }
    }

    /// Whether the target is a program of its own, that perhaps never heard of the protocol.
    fn may_not_speak(&self) -> bool {
        matches!(self.case.target.program, Program::Command(_))
    }

    pub(super) fn report(&self, outcome: Outcome) -> CaseReport {
        CaseReport::new(self.case, outcome)
    }

    pub(super) fn not_started(&self, error: &MeasureError, launch: &Launch) -> CaseReport {
        let mut report = self.report(match error {
            MeasureError::Interrupted => Outcome::skipped("interrupted"),
            MeasureError::Setup { reason, .. } if self.may_not_speak() => {
                Outcome::broken(format!("{reason}{NOT_SPOKEN}"))
            }
            other => Outcome::broken(other.to_string()),
        });
        memory::at_start(error, &mut report);
        if let MeasureError::Setup { output, .. } | MeasureError::Memory { output, .. } = error {
            report.output = Some(launch.source_map.translate(output));
        }
        report
    }

    /// What each process may grow by: all that run at once may take a quarter of the memory.
    pub(super) fn growth_cap(&self) -> u64 {
        let in_flight = self.shared.in_flight as u64 * u64::from(self.horizon.processes);
        GROWTH_CAP.min(self.shared.memory / 4 / in_flight.max(1))
    }

    /// How one of its processes is measured.
    pub(super) fn options(&self, process: u32) -> SessionOptions {
        let measure = &self.case.measure;
        SessionOptions {
            case: self.case.id.0.clone(),
            process,
            timeout: self.horizon.timeout,
            growth_cap: self.growth_cap(),
            horizon: self.horizon.last(),
            collect: measure.collect.unwrap_or(true),
            trim: measure.trim.unwrap_or(true),
            batch: self.horizon.batch,
            children: measure.children.unwrap_or(true),
            memory: memory::cap(self.case),
            log: self.staged.log(process),
        }
    }

    /// Starts all processes; where one fails, ends the others.
    fn start(&self, launch: &Launch) -> Result<Vec<Session>, MeasureError> {
        let all = (1..=self.horizon.processes)
            .map(|process| self.options(process))
            .collect();
        in_parallel(all, |options| {
            let _permit = self.shared.permits.acquire();
            let session = Session::start(launch, options)?;
            let tracer = session.tracer().filter(|_| !self.case.measure.disturbed);
            tracer.map_or(Ok(session), |tracer| Err(MeasureError::Traced { tracer }))
        })
        .into_iter()
        .collect()
    }

    pub(super) fn progress_event(
        &self,
        iteration: u64,
        of: u64,
        memory: u64,
        slope: Option<f64>,
        active: Duration,
        look: bool,
    ) -> Event {
        Event::CaseProgress {
            id: self.case.id.0.clone(),
            axis: Axis::Iterations,
            iteration,
            of,
            memory,
            slope,
            seconds_left: self.horizon.budget.saturating_sub(active).as_secs_f64(),
            look,
        }
    }
}
