//! Several runs of the same cases: the code of the worst, and how often each case was as claimed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::outcome::{ExitCode, OutcomeKind};
use crate::runner::suite::{Options, Ran};

/// What several runs have shown.
#[derive(Debug, Default)]
pub(super) struct Stress {
    pub(super) code: ExitCode,
    runs: u32,
    failures: u32,
    /// How often each case was as claimed, of how often it was measured.
    cases: BTreeMap<String, (u32, u32)>,
}

impl Stress {
    /// Adds a run.
    pub(super) fn add(&mut self, ran: Ran) {
        self.runs += 1;
        self.code = self.code.max(ran.code);
        for (id, outcome) in ran.outcomes {
            if outcome == OutcomeKind::Skipped {
                continue;
            }
            let case = self.cases.entry(id).or_default();
            case.0 += u32::from(outcome == OutcomeKind::Passed);
            case.1 += 1;
            let failed = matches!(outcome, OutcomeKind::Failed | OutcomeKind::Broken);
            self.failures += u32::from(failed);
        }
    }

    /// Whether there were as many failures as may be.
    pub(super) fn is_over(&self, options: &Options) -> bool {
        options
            .max_fail
            .cases
            .is_some_and(|max| self.failures >= max)
    }

    /// The cases that were not always as claimed.
    pub(super) fn told(&self) -> String {
        let mut text = format!("\n{} runs", self.runs);
        let mut all = true;
        for (id, (passed, measured)) in &self.cases {
            if passed < measured {
                let told = format!("{passed} of {measured} times");
                let _ = write!(text, "\n    {id} was as claimed {told}");
                all = false;
            }
        }
        text += if all { ", always as claimed\n" } else { "\n" };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_that_are_not_always_as_claimed_are_told_with_how_often_they_were() {
        let mut stress = Stress::default();
        for (one, code) in [
            (OutcomeKind::Passed, ExitCode::AsClaimed),
            (OutcomeKind::Failed, ExitCode::Failed),
            (OutcomeKind::Skipped, ExitCode::AsClaimed),
        ] {
            let outcomes = vec![
                ("one".to_owned(), one),
                ("two".to_owned(), OutcomeKind::Passed),
            ];
            stress.add(Ran { code, outcomes });
        }
        assert_eq!(stress.code, ExitCode::Failed);
        assert_eq!(
            stress.told(),
            "\n3 runs\n    one was as claimed 1 of 2 times\n"
        );
    }
}
