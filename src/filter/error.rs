//! Why a filter expression was refused, and where in it.

use crate::case::CaseError;

/// A mistake in a filter expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Where it begins, as bytes from the start of the expression.
    pub at: usize,
    /// How many bytes are at fault.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl FilterError {
    /// The mistake as it is shown: the line of the expression, with a caret below the place.
    /// `source` is where the expression stands: the name of a flag.
    pub fn in_text(&self, text: &str, source: &str) -> CaseError {
        let before = text.get(..self.at).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[start..].chars().count() + 1;
        let fault = text.get(self.at..self.at + self.length).unwrap_or_default();
        let width = fault.lines().next().unwrap_or_default().chars().count();
        let shown = text[start..].lines().next().unwrap_or_default();
        CaseError::of_file(source, self.message.clone())
            .with_help(self.help.clone())
            .at(line, column, width.max(1), shown)
    }
}
