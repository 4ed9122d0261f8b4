//! What a result is compared with, and the words for it.

use serde::{Deserialize, Serialize};

/// What a result is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reference {
    /// The accepted baseline of its case.
    #[default]
    Baseline,
    /// The case at a revision, measured beside it.
    Revision {
        /// As it was asked for: a branch, a tag, a commit.
        name: String,
        /// The commit that it was.
        commit: String,
    },
    /// The case with another interpreter, measured beside it.
    Interpreter {
        /// As it was asked for.
        name: String,
    },
}

impl Reference {
    /// Whether it is an accepted baseline.
    pub fn is_baseline(&self) -> bool {
        *self == Self::Baseline
    }

    /// What it was asked for by.
    pub fn name(&self) -> &str {
        match self {
            Self::Baseline => "baseline",
            Self::Revision { name, .. } | Self::Interpreter { name } => name,
        }
    }

    /// The thing itself: `the baseline`, `` `main` ``.
    pub fn thing(&self) -> String {
        match self {
            Self::Baseline => "the baseline".to_owned(),
            Self::Revision { .. } | Self::Interpreter { .. } => format!("`{}`", self.name()),
        }
    }

    /// Where or with what a value was had: `before`, `` at `main` ``.
    pub fn there(&self) -> String {
        match self {
            Self::Baseline => "before".to_owned(),
            Self::Revision { .. } => format!("at {}", self.thing()),
            Self::Interpreter { .. } => format!("with {}", self.thing()),
        }
    }

    /// What a result that did not change is like: `as its baseline`.
    pub fn alike(&self) -> String {
        match self {
            Self::Baseline => "as its baseline".to_owned(),
            Self::Revision { .. } | Self::Interpreter { .. } => format!("as {}", self.there()),
        }
    }

    /// What a result is not comparable with: `its baseline`.
    pub fn its(&self) -> String {
        match self {
            Self::Baseline => "its baseline".to_owned(),
            Self::Revision { .. } | Self::Interpreter { .. } => self.thing(),
        }
    }

    /// `rose since the baseline`.
    pub(super) fn rose(&self) -> String {
        match self {
            Self::Baseline | Self::Revision { .. } => format!("rose since {}", self.thing()),
            Self::Interpreter { .. } => format!("is more than {}", self.there()),
        }
    }

    /// `fell since the baseline`.
    pub(super) fn fell(&self) -> String {
        match self {
            Self::Baseline | Self::Revision { .. } => format!("fell since {}", self.thing()),
            Self::Interpreter { .. } => format!("is less than {}", self.there()),
        }
    }

    /// `changed since the baseline`.
    pub(super) fn changed(&self) -> String {
        match self {
            Self::Baseline | Self::Revision { .. } => format!("changed since {}", self.thing()),
            Self::Interpreter { .. } => format!("differs from {}", self.thing()),
        }
    }

    /// Whether another runtime version is no reason against comparing: it is what was asked for.
    pub(super) fn is_of_the_runtime(&self) -> bool {
        matches!(self, Self::Interpreter { .. })
    }

    /// Whether other code of the case is no reason against comparing: both sides come with theirs.
    pub(super) fn is_of_the_code(&self) -> bool {
        matches!(self, Self::Revision { .. })
    }
}
