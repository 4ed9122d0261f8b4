//! What a comparison with a baseline means for the case.

use super::claim::{Outcome, OutcomeKind};
use crate::baseline::store::Settled;

impl Outcome {
    /// The same, unless memory is proven to be more than in the baseline: that is a failure, whatever
    /// the case claims. Anything else that a comparison says changes nothing.
    #[must_use]
    pub fn with_baseline(self, settled: &Settled) -> Self {
        let open = matches!(self.kind, OutcomeKind::Passed | OutcomeKind::Inconclusive);
        match &settled.comparison {
            Some(comparison) if open && settled.is_regressed() => {
                Self::failed(comparison.reason.clone())
            }
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Comparison, ComparisonKind};
    use crate::trace::Axis;

    fn outcome(kind: OutcomeKind, compared: ComparisonKind, written: bool) -> OutcomeKind {
        let before = Outcome {
            kind,
            reason: "as before".to_owned(),
        };
        let settled = Settled {
            comparison: Some(Comparison {
                kind: compared,
                ..Comparison::incomparable("it rose", Axis::Iterations)
            }),
            written,
            ..Settled::default()
        };
        before.with_baseline(&settled).kind
    }

    #[test]
    fn only_a_regression_that_is_not_accepted_fails_a_case() {
        use ComparisonKind::{Improved, Incomparable, Inconclusive, Regressed, Unchanged};
        use OutcomeKind::{Broken, Failed, Passed};
        for compared in [Improved, Incomparable, Inconclusive, Unchanged] {
            assert_eq!(outcome(Passed, compared, false), Passed);
        }
        assert_eq!(outcome(Passed, Regressed, false), Failed);
        assert_eq!(outcome(OutcomeKind::Inconclusive, Regressed, false), Failed);
        assert_eq!(outcome(Passed, Regressed, true), Passed);
        assert_eq!(outcome(Broken, Regressed, false), Broken);
    }
}
