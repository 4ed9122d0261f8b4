//! One case with its tries: a case that fails or breaks is measured again, as often as it may be.

use super::plan::Planned;
use super::schedule::{Shared, Tried, measure_case};
use crate::outcome::OutcomeKind;
use crate::report::{Attempt, CaseReport, Event};

/// Runs a case until it passes or has no try left, and keeps the traces and the result of the try
/// that is told: the one that passed, else the one with the strongest statement.
///
/// Each try has its own processes and its own time. A case that is not decided is not tried
/// again: it needs more evidence, not another chance. Events but the last, which is the caller's
/// to send with the report, go to `tell`.
pub fn run_case(
    planned: &Planned,
    shared: &Shared,
    go_on: &dyn Fn() -> bool,
    tell: &(dyn Fn(Event) + Sync),
) -> CaseReport {
    let id = &planned.case.id.0;
    tell(Event::CaseStarted { id: id.clone() });
    let mut told = measure_case(&planned.case, shared, tell);
    let mut latest = Attempt::of(&told.report);
    let mut attempts = vec![latest.clone()];
    for attempt in 1..=planned.retries {
        if !is_tried_again(told.report.outcome) || !go_on() {
            break;
        }
        tell(Event::CaseTried {
            id: id.clone(),
            attempt,
            of: planned.retries + 1,
            result: latest,
        });
        let next = measure_case(&planned.case, shared, tell);
        latest = Attempt::of(&next.report);
        attempts.push(latest.clone());
        told = stronger(told, next);
    }
    told.report.seconds = attempts.iter().map(|attempt| attempt.seconds).sum();
    if attempts.len() > 1 {
        told.report.flaky = told.report.outcome == OutcomeKind::Passed;
        told.report.attempts = attempts;
    }
    told.keep(&planned.case)
}

fn is_tried_again(outcome: OutcomeKind) -> bool {
    matches!(outcome, OutcomeKind::Failed | OutcomeKind::Broken)
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
