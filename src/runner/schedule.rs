//! One case from its preparation to its report: the sequential loop of looks.

use std::time::{Duration, Instant};

use super::artifacts::{Artifacts, Staged};
use super::baseline;
use super::horizon::{Horizon, Settings, policy};
use super::memory;
use super::permits::Permits;
use super::processes::{advance, in_parallel, longest, worst};
use crate::analysis::{self, Decision, Verdict, VerdictKind};
use crate::case::{Case, Program};
use crate::measure::{MeasureError, Session, SessionOptions, Stopped, interrupt};
use crate::outcome::Outcome;
use crate::report::{CaseReport, Event};
use crate::runtime::{self, Launch};
use crate::trace::{Axis, Driver, StopReason, Trace};

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
pub(super) fn measure_case(case: &Case, shared: &Shared, tell: &(dyn Fn(Event) + Sync)) -> Tried {
    let began = Instant::now();
    let staged = match shared.artifacts.stage(&case.id.0) {
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
        horizon: baseline::reaching(case, Horizon::of(case, &shared.settings)),
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
    /// Keeps its traces and its result.
    pub(super) fn keep(self) -> CaseReport {
        let mut report = self.report;
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
    pub(super) horizon: Horizon,
}

/// How the loop of looks ended.
pub(super) struct Looked {
    pub(super) verdict: Option<Box<Verdict>>,
    pub(super) looks: Vec<u64>,
    pub(super) leak_from: u64,
    pub(super) reason: StopReason,
    /// Why there is no verdict.
    pub(super) fault: Option<Outcome>,
    /// The trace of the process without forced collections.
    pub(super) beside: Option<Trace>,
}

impl Looked {
    /// Takes over why a process stopped early.
    pub(super) fn stop(&mut self, stopped: Stopped) {
        self.reason = match stopped {
            Stopped::Died(why) => {
                self.fault = Some(Outcome::broken(why));
                StopReason::Died
            }
            Stopped::Interrupted => {
                self.fault = Some(Outcome::skipped("interrupted"));
                StopReason::Interrupted
            }
            Stopped::Memory(_) => StopReason::Memory,
            Stopped::Growth => StopReason::Growth,
            Stopped::Time => StopReason::Time,
        };
    }

    /// Nothing can be said where no iteration ended, unless the limit of memory was what ended it.
    pub(super) fn refuse_without_iteration(&mut self, n: u64, time: Duration) {
        if self.fault.is_none() && n == 0 && self.reason != StopReason::Memory {
            self.fault = Some(Outcome::broken(format!(
                "not one iteration ended within the {} s of the case; raise `measure.time`",
                time.as_secs_f64()
            )));
        }
    }
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
            Session::start(launch, options)
        })
        .into_iter()
        .collect()
    }

    /// Advances all processes from look to look until the evidence is enough.
    fn look(&self, sessions: &mut [Session]) -> Looked {
        let mut looked = Looked {
            verdict: None,
            looks: Vec::new(),
            leak_from: self.horizon.leak_from,
            reason: StopReason::Horizon,
            fault: None,
            beside: None,
        };
        let mut slope = None;
        for (k, &look) in self.horizon.looks.iter().enumerate() {
            let stops = self.advance(sessions, look, slope);
            let done = || sessions.iter().map(|session| session.trace().iterations());
            let n = done().min().unwrap_or(0).min(look);
            let next = self.horizon.looks.get(k + 1);
            match worst(stops) {
                Some(stopped) => looked.stop(stopped),
                None if next.is_some() => looked.reason = StopReason::Decided,
                None => looked.reason = StopReason::Horizon,
            }
            looked.refuse_without_iteration(n, self.horizon.budget);
            if looked.fault.is_some() || n == 0 {
                return looked;
            }
            let last = looked.reason != StopReason::Decided;
            if let Some(&next) = next
                && !last
                && n >= looked.leak_from
                && longest(sessions) < self.horizon.cheap
            {
                looked.leak_from = next;
            }
            let claim = self.case.expect.claim;
            let (verdict, decided) = match self.decide(sessions, n, last, looked.leak_from) {
                Decision::Decided(verdict) => (verdict, true),
                Decision::Continue(verdict) => (verdict, false),
            };
            let compared = n >= self.horizon.reach;
            let ends = last || (decided && compared && self.horizon.ends_with(verdict.kind, claim));
            // A look that could have ended the run and was passed over is not one that
            // `judge` should take again.
            if (ends || !decided) && looked.looks.last() != Some(&n) {
                looked.looks.push(n);
            }
            slope = Some(verdict.slope.estimate);
            self.progress(sessions, look, slope, true);
            looked.verdict = Some(verdict);
            if ends {
                return looked;
            }
        }
        looked
    }

    /// One look, and a second one after the settle probe where the probe has a say: a leak is only said
    /// of growth that a collection does not give back.
    fn decide(&self, sessions: &mut [Session], n: u64, last: bool, leak_from: u64) -> Decision {
        let policy = policy(self.case, leak_from);
        let look = |sessions: &[Session], last| {
            let traces: Vec<&Trace> = sessions.iter().map(Session::trace).collect();
            analysis::look(&traces, n, last, &policy)
        };
        let decision = look(sessions, last);
        let leak =
            matches!(&decision, Decision::Decided(verdict) if verdict.kind == VerdictKind::Leak);
        let uncollected = || {
            sessions
                .iter()
                .any(|session| !session.trace().header.collected)
        };
        let probe = leak || (last && uncollected());
        if !probe {
            return decision;
        }
        in_parallel(sessions.iter_mut().collect(), |session: &mut Session| {
            let _permit = self.shared.permits.acquire();
            // A process that dies here is found broken when it is finished.
            let _ = session.settle();
        });
        match look(sessions, last) {
            Decision::Continue(_) => look(sessions, true),
            decided @ Decision::Decided(_) => decided,
        }
    }

    /// Brings all processes to `to` iterations, side by side.
    fn advance(&self, sessions: &mut [Session], to: u64, slope: Option<f64>) -> Vec<Stopped> {
        let budget = self.horizon.budget.min(self.horizon.timeout);
        let permits = &self.shared.permits;
        let first = sessions
            .first()
            .map(|session| session.trace().header.process);
        in_parallel(sessions.iter_mut().collect(), |session: &mut Session| {
            let speaks = Some(session.trace().header.process) == first;
            advance(
                session,
                to,
                budget,
                permits,
                &mut |iteration, memory, active| {
                    if speaks {
                        (self.tell)(
                            self.progress_event(iteration, to, memory, slope, active, false),
                        );
                    }
                },
            )
        })
        .into_iter()
        .filter_map(Result::err)
        .collect()
    }

    fn progress(&self, sessions: &[Session], of: u64, slope: Option<f64>, look: bool) {
        let Some(session) = sessions.first() else {
            return;
        };
        let memory = session
            .trace()
            .get(crate::trace::Metric::Anon)
            .and_then(|series| series.values.last().copied())
            .unwrap_or(0);
        let iteration = session.trace().iterations();
        let active = longest(sessions);
        (self.tell)(self.progress_event(iteration, of, memory, slope, active, look));
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
