//! What a run tells the one who started it: outcomes → exit code.

use super::OutcomeKind;

/// What a run tells its caller, as the exit code of the process.
///
/// Where several apply the first in this order counts: interrupted, a bug, nothing run
/// (usage, no case), failed, broken, inconclusive, as claimed. A proven failure outranks a case
/// that could not be measured, and that outranks one that could not be decided: the
/// code names the strongest statement that the run can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ExitCode {
    /// Every selected case is as claimed.
    #[default]
    AsClaimed,
    /// None failed, some are inconclusive.
    Inconclusive,
    /// A case could not be measured.
    Broken,
    /// A case failed.
    Failed,
    /// No case was selected.
    NoCase,
    /// Wrong arguments, configuration or case file; nothing was run.
    Usage,
    /// A bug in memcase.
    Bug,
    /// Interrupted; children gone, partial results kept.
    Interrupted,
}

impl ExitCode {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::AsClaimed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::NoCase => 4,
            Self::Broken => 5,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    /// What a number says that a run has told; one that is not known is a bug.
    pub fn of_code(code: u8) -> Self {
        let known = [
            Self::AsClaimed,
            Self::Failed,
            Self::Usage,
            Self::Inconclusive,
            Self::NoCase,
            Self::Broken,
            Self::Interrupted,
        ];
        known
            .into_iter()
            .find(|known| known.code() == code)
            .unwrap_or(Self::Bug)
    }

    /// What one outcome asks for. A case that was skipped asks for nothing: why
    /// it was skipped (an interrupt, fail-fast) has its own code.
    pub fn of(outcome: OutcomeKind) -> Self {
        match outcome {
            OutcomeKind::Passed | OutcomeKind::Skipped => Self::AsClaimed,
            OutcomeKind::Failed => Self::Failed,
            OutcomeKind::Inconclusive => Self::Inconclusive,
            OutcomeKind::Broken => Self::Broken,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_statement_of_a_run_is_its_exit_code() {
        let outcomes = [
            OutcomeKind::Inconclusive,
            OutcomeKind::Broken,
            OutcomeKind::Failed,
            OutcomeKind::Passed,
        ];
        let code = |kinds: &[OutcomeKind]| kinds.iter().map(|&k| ExitCode::of(k)).max().unwrap();
        assert_eq!(code(&outcomes).code(), 1);
        assert_eq!(code(&outcomes[..2]).code(), 5);
        assert_eq!(code(&outcomes[..1]).code(), 3);
        assert_eq!(code(&outcomes[3..]).code(), 0);
        assert!(ExitCode::Interrupted > ExitCode::Bug && ExitCode::Bug > ExitCode::Usage);
        assert!(ExitCode::Usage > ExitCode::Failed);
    }
}
