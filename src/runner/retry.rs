//! One case with its tries: a case that fails or breaks is measured again, as often as it may be.

use super::plan::Planned;
use super::schedule::{Shared, Tried};
use crate::case::Case;
use crate::outcome::OutcomeKind;
use crate::report::{Attempt, CaseReport, Event};

/// Runs a case until it passes or has no try left, and keeps the traces and the result of the try
/// that is told: the one that passed, else the one with the strongest statement. A case with several sides has a
/// result for each that is told.
///
/// Each try has its own processes and its own time, and is one of all sides. A case that is not decided is not tried
/// again: it needs more evidence, not another chance. Events but the last, which is the caller's
/// to send with the report, go to `tell`.
pub fn run_case(
    planned: &Planned,
    shared: &Shared,
    go_on: &dyn Fn() -> bool,
    tell: &(dyn Fn(Event) + Sync),
) -> Vec<CaseReport> {
    for case in planned.told() {
        let id = case.id.0.clone();
        tell(Event::CaseStarted { id });
    }
    let first = planned.measure(0, shared, tell).into_iter();
    let mut all: Vec<Tries> = first.map(Tries::new).collect();
    for attempt in 1..=planned.retries {
        if !all.iter().any(Tries::go_on) || !go_on() {
            break;
        }
        for tries in all.iter().filter(|tries| tries.go_on()) {
            tell(Event::CaseTried {
                id: tries.told.report.id.clone(),
                attempt,
                of: planned.retries + 1,
                result: tries.latest.clone(),
            });
        }
        let next = planned.measure(attempt, shared, tell);
        let with_next = all.into_iter().zip(next);
        all = with_next.map(|(tries, next)| tries.with(next)).collect();
    }
    let keep = |mut tries: Tries| {
        if tries.told.report.side.is_none() {
            tries.told.explain(&planned.case, shared, tell);
        }
        tries.keep(&planned.case)
    };
    all.into_iter().map(keep).collect()
}

/// The tries of a case so far.
struct Tries {
    told: Tried,
    latest: Attempt,
    all: Vec<Attempt>,
}

impl Tries {
    fn new(first: Tried) -> Self {
        let latest = Attempt::of(&first.report);
        Self {
            told: first,
            all: vec![latest.clone()],
            latest,
        }
    }

    /// Whether it is tried again.
    fn go_on(&self) -> bool {
        matches!(
            self.told.report.outcome,
            OutcomeKind::Failed | OutcomeKind::Broken
        )
    }

    /// With one more, unless it was another side that had to be tried again.
    fn with(mut self, next: Tried) -> Self {
        if self.go_on() {
            self.latest = Attempt::of(&next.report);
            self.all.push(self.latest.clone());
            self.told = stronger(self.told, next);
        }
        self
    }

    fn keep(mut self, case: &Case) -> CaseReport {
        let report = &mut self.told.report;
        report.seconds = self.all.iter().map(|attempt| attempt.seconds).sum();
        if self.all.len() > 1 {
            report.flaky = report.outcome == OutcomeKind::Passed;
            report.attempts = self.all;
        }
        self.told.keep(case)
    }
}

/// The try that is told: one that passed, else what says most; of two alike the later.
fn stronger(before: Tried, next: Tried) -> Tried {
    let strength = |outcome| match outcome {
        OutcomeKind::Passed => 4,
        OutcomeKind::Failed => 3,
        OutcomeKind::Broken => 2,
        OutcomeKind::Inconclusive => 1,
        OutcomeKind::Skipped => 0,
    };
    if strength(next.report.outcome) >= strength(before.report.outcome) {
        next
    } else {
        before
    }
}
