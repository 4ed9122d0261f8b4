//! Whether what waits for the collector is more than the case allows.

use super::claim::{Outcome, OutcomeKind};
use crate::analysis::Garbage;
use crate::case::{Claim, Expectation, Limits};
use crate::units::Bytes;

impl Outcome {
    /// The same, unless a case that claims to be stable leaves more reference cycles than it may:
    /// above `limits.garbage`, or any where the collector that frees them is off.
    #[must_use]
    pub fn with_garbage(
        self,
        expect: &Expectation,
        limits: &Limits,
        garbage: Option<&Garbage>,
    ) -> Self {
        let Some(garbage) = garbage else { return self };
        let claimed = self.kind == OutcomeKind::Passed && expect.claim == Claim::Stable;
        if !claimed || expect.cyclic_garbage_allowed {
            return self;
        }
        let held = Bytes(garbage.held);
        let reason = match limits.garbage {
            Some(limit) if garbage.held > limit.0 => format!(
                "reference cycles held {held} before the collector ran, above `limits.garbage` of {limit}"
            ),
            None if !garbage.collector => format!(
                "reference cycles hold {held} and are never freed, since the target has switched its collector off"
            ),
            _ => return self,
        };
        Self {
            kind: OutcomeKind::Failed,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(limit: Option<u64>, allowed: bool, collector: bool) -> OutcomeKind {
        let passed = Outcome {
            kind: OutcomeKind::Passed,
            reason: String::new(),
        };
        let expect = Expectation {
            cyclic_garbage_allowed: allowed,
            ..Expectation::default()
        };
        let limits = Limits {
            garbage: limit.map(Bytes),
            ..Limits::default()
        };
        let garbage = Garbage {
            rate: 1000.0,
            held: 240_000,
            collector,
            iterations: 240,
        };
        passed.with_garbage(&expect, &limits, Some(&garbage)).kind
    }

    #[test]
    fn cycles_fail_a_case_above_its_limit_or_where_nothing_frees_them() {
        for (limit, allowed, collector, expected) in [
            (None, false, true, OutcomeKind::Passed),
            (None, false, false, OutcomeKind::Failed),
            (None, true, false, OutcomeKind::Passed),
            (Some(100_000), false, true, OutcomeKind::Failed),
            (Some(300_000), false, true, OutcomeKind::Passed),
            (Some(300_000), false, false, OutcomeKind::Passed),
            (Some(100_000), true, true, OutcomeKind::Passed),
        ] {
            assert_eq!(
                outcome(limit, allowed, collector),
                expected,
                "{limit:?} {allowed} {collector}"
            );
        }
    }
}
