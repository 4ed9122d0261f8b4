//! When a snapshot is written, by the words of `INSTA_UPDATE`.

use super::compare::ComparisonKind;

/// What `--update` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Update {
    /// What differs from an accepted baseline is left pending; a case without one gets none, and
    /// under CI nothing is written.
    #[default]
    Auto,
    /// What differs is left pending, and so is what has no baseline yet.
    New,
    /// Both are written in place.
    Always,
    /// What has no baseline is written in place; what differs is left pending.
    Unseen,
    /// Nothing is written.
    No,
    /// Everything is written in place, what is unchanged too.
    Force,
}

/// What is done with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// Nothing.
    #[default]
    Nothing,
    /// A pending snapshot of an earlier run is taken away, as it no longer holds.
    Clear,
    /// The result is left pending beside the accepted one.
    Pend,
    /// The result becomes the accepted one.
    Write,
}

impl Update {
    /// The words.
    pub const WORDS: [&str; 6] = ["auto", "new", "always", "unseen", "no", "force"];

    /// What a word means; `1` is `always`, as for insta.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "auto" => Self::Auto,
            "new" => Self::New,
            "always" | "1" => Self::Always,
            "unseen" => Self::Unseen,
            "no" => Self::No,
            "force" => Self::Force,
            _ => return None,
        })
    }

    /// What is done with a result: `kind` is how it compares with the accepted one, if there is one.
    pub fn action(self, under_ci: bool, kind: Option<ComparisonKind>) -> Action {
        let differs = matches!(
            kind,
            Some(
                ComparisonKind::Improved | ComparisonKind::Regressed | ComparisonKind::Incomparable
            )
        );
        match (self, kind) {
            (Self::No, _) | (Self::Auto, None) => Action::Nothing,
            (Self::Auto, Some(_)) if under_ci => Action::Nothing,
            (Self::Force, _) | (Self::Always | Self::Unseen, None) => Action::Write,
            (Self::New, None) => Action::Pend,
            (Self::Always, Some(_)) if differs => Action::Write,
            (_, Some(_)) if differs => Action::Pend,
            (_, Some(_)) => Action::Clear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Clear, Nothing, Pend, Write};

    #[test]
    fn the_words_of_insta_mean_what_they_mean_there_but_auto_begins_nothing() {
        let kinds = [
            None,
            Some(ComparisonKind::Unchanged),
            Some(ComparisonKind::Inconclusive),
            Some(ComparisonKind::Improved),
            Some(ComparisonKind::Regressed),
            Some(ComparisonKind::Incomparable),
        ];
        for (update, expected) in [
            (Update::Auto, [Nothing, Clear, Clear, Pend, Pend, Pend]),
            (Update::New, [Pend, Clear, Clear, Pend, Pend, Pend]),
            (Update::Always, [Write, Clear, Clear, Write, Write, Write]),
            (Update::Unseen, [Write, Clear, Clear, Pend, Pend, Pend]),
            (Update::No, [Nothing; 6]),
            (Update::Force, [Write; 6]),
        ] {
            assert_eq!(kinds.map(|kind| update.action(false, kind)), expected);
        }
    }

    #[test]
    fn every_word_is_known_and_no_other() {
        assert!(
            Update::WORDS
                .iter()
                .all(|word| Update::from_word(word).is_some())
        );
        assert_eq!(Update::from_word("1"), Some(Update::Always));
        assert_eq!(Update::from_word("sometimes"), None);
    }

    #[test]
    fn under_ci_only_a_word_that_was_said_writes() {
        let differs = Some(ComparisonKind::Regressed);
        assert_eq!(Update::Auto.action(true, differs), Nothing);
        assert_eq!(
            Update::Auto.action(true, Some(ComparisonKind::Unchanged)),
            Nothing
        );
        assert_eq!(Update::New.action(true, differs), Pend);
    }
}
