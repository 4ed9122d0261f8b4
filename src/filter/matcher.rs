//! How one thing of a case is compared: whole, in part, by pattern.

use regex::{Regex, RegexBuilder};

use super::glob;

/// A pattern that takes more memory than this is refused.
const MAX_PATTERN: usize = 1 << 20;

/// What a text is compared with.
#[derive(Debug, Clone)]
pub(super) enum Matcher {
    /// The whole text is this.
    Equal(String),
    /// The text holds this.
    Contains(String),
    /// The regular expression finds itself in the text.
    Pattern(Regex),
}

impl Matcher {
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Equal(wanted) => text == wanted,
            Self::Contains(wanted) => text.contains(wanted.as_str()),
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }

    /// A regular expression, or why it is none.
    pub(super) fn pattern(text: &str) -> Result<Self, String> {
        RegexBuilder::new(text)
            .size_limit(MAX_PATTERN)
            .build()
            .map(Self::Pattern)
            .map_err(|error| {
                let said = error.to_string();
                let last = said.lines().last().unwrap_or_default();
                let reason = last.trim_start_matches("error: ");
                format!("is not a regular expression: {reason}")
            })
    }

    /// A glob, or why it is none.
    pub(super) fn glob(text: &str) -> Result<Self, String> {
        let pattern = glob::to_pattern(text).map_err(|why| format!("is not a glob: it {why}"))?;
        Self::pattern(&pattern).map_err(|_| "is not a glob: it has an empty range".to_owned())
    }
}
