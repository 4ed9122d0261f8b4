//! Which cases are run: filters by id, tag, language and expression.

use crate::case::{Case, Language};
use crate::filter::Filter;

/// What is run of what was found. Everything empty selects all.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// Parts of ids; a case is selected if it holds any of them.
    pub words: Vec<String>,
    /// Whether `words` and `skip` are whole ids.
    pub exact: bool,
    /// Parts of ids that are left out.
    pub skip: Vec<String>,
    /// Tags; a case is selected if it has any of them.
    pub tags: Vec<String>,
    /// Languages; a case is selected if it is in any of them.
    pub languages: Vec<Language>,
    /// Expressions; a case is selected if any of them selects it.
    pub expressions: Vec<Filter>,
}

impl Filters {
    /// Whether the case is run.
    pub fn select(&self, case: &Case) -> bool {
        let id = case.id.0.as_str();
        let matches = |word: &String| {
            if self.exact {
                id == word
            } else {
                id.contains(word.as_str())
            }
        };
        let language = case.target.program.language();
        (self.words.is_empty() || self.words.iter().any(matches))
            && !self.skip.iter().any(matches)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| case.tags.contains(tag)))
            && (self.languages.is_empty()
                || language.is_some_and(|language| self.languages.contains(&language)))
            && (self.expressions.is_empty()
                || self.expressions.iter().any(|filter| filter.matches(case)))
    }

    /// The cases that are run, and the ids of those that are not.
    pub fn split(&self, cases: Vec<Case>) -> (Vec<Case>, Vec<String>) {
        let (selected, rest): (Vec<_>, Vec<_>) =
            cases.into_iter().partition(|case| self.select(case));
        (selected, rest.into_iter().map(|case| case.id.0).collect())
    }
}
