//! The loop of looks: all processes advance side by side until the evidence is enough.

use std::time::Duration;

use super::horizon::policy;
use super::processes::{advance, in_parallel, longest, worst};
use super::schedule::CaseRun;
use crate::analysis::{self, Decision, Verdict, VerdictKind};
use crate::measure::{Session, Stopped};
use crate::outcome::Outcome;
use crate::trace::{StopReason, Trace};

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
    /// Nothing is said yet of a run that is looked at once, at its end.
    pub(super) fn once(n: u64, reason: StopReason) -> Self {
        Self {
            verdict: None,
            looks: vec![n],
            leak_from: n,
            reason,
            fault: None,
            beside: None,
        }
    }

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

    /// From now on a leak is only said at the furthest look: each that may say it has its share of the errors.
    /// What was seen by the rule until now is not seen again by `judge`.
    fn wait_for(&mut self, furthest: u64) {
        let before = self.leak_from;
        self.looks.retain(|&n| n < before);
        self.leak_from = furthest;
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
    /// The verdict of a run that is looked at once, at its end.
    pub(super) fn verdict_at(&self, traces: &[&Trace], n: u64) -> Box<Verdict> {
        match analysis::look(traces, n, true, &policy(self.case, n)) {
            Decision::Decided(verdict) | Decision::Continue(verdict) => verdict,
        }
    }

    /// Advances all processes from look to look until the evidence is enough.
    pub(super) fn look(&self, sessions: &mut [Session]) -> Looked {
        let mut looked = Looked {
            looks: Vec::new(),
            ..Looked::once(self.horizon.leak_from, StopReason::Horizon)
        };
        let mut slope = None;
        let mut stages = self.horizon.stages().peekable();
        while let Some(look) = stages.next() {
            let stops = self.advance(sessions, look, slope);
            let done = || sessions.iter().map(|session| session.trace().iterations());
            let n = done().min().unwrap_or(0).min(look);
            let next = stages.peek().copied();
            let at_horizon = look >= self.horizon.last();
            match worst(stops) {
                Some(stopped) => looked.stop(stopped),
                None if next.is_none() || (at_horizon && !self.has_more(sessions)) => {
                    looked.reason = StopReason::Horizon;
                }
                None => looked.reason = StopReason::Decided,
            }
            looked.refuse_without_iteration(n, self.horizon.budget);
            if looked.fault.is_some() || n == 0 {
                return looked;
            }
            let last = looked.reason != StopReason::Decided;
            if let Some(next) = next
                && !last
                && !at_horizon
                && n >= looked.leak_from
                && longest(sessions) < self.horizon.cheap
            {
                looked.leak_from = next.min(self.horizon.last());
            }
            let claim = self.case.expect.claim;
            let (verdict, decided) = match self.decide(sessions, n, last, looked.leak_from) {
                Decision::Decided(verdict) => (verdict, true),
                Decision::Continue(verdict) => (verdict, false),
            };
            let compared = n >= self.horizon.reach;
            let may_end = at_horizon || self.horizon.ends_with(verdict.kind, claim);
            let ends = last || (decided && compared && may_end);
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
            if at_horizon {
                looked.wait_for(self.horizon.furthest());
            }
        }
        looked
    }

    /// Whether a case that is open at a horizon can be run twice as far. Not where garbage may be held: the settle probe of
    /// the horizon gives it back, and what the program does then is another run.
    fn has_more(&self, sessions: &[Session]) -> bool {
        let garbage = |session: &Session| session.trace().header.may_hold_garbage();
        self.horizon.has_time_for_more(longest(sessions)) && !sessions.iter().any(garbage)
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
        let uncollected = |session: &Session| !session.trace().header.collected;
        let probe = leak || (last && sessions.iter().any(uncollected));
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
}
