//! Which cases are run: filters by id, tag, language and expression.

use super::sides::Sides;
use crate::case::{Case, Language};
use crate::config::{self, Chain, Effective, Given, Key, Origin, Value};
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

/// A case and how it is run.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The case, with what the configuration says in place of its own values.
    pub case: Case,
    /// Further tries where it fails or breaks.
    pub retries: u32,
    /// The group that it runs in.
    pub group: Option<String>,
    /// The sides that it is measured on; none where it is compared with its baseline.
    pub sides: Option<Sides>,
}

impl Planned {
    /// The case with what the profile puts in place of its own values. What flags and variables
    /// set of its measurement holds for all cases, and goes before the case later on.
    pub fn new(case: Case, chain: &Chain<'_>, given: &Given) -> Self {
        let mut planned = Self {
            case,
            retries: 0,
            group: None,
            sides: None,
        };
        let found = Key::OF_CASE.map(|key| (key, chain.of_case(key, &planned.case, given)));
        for (key, Effective { value, origin, .. }) in found {
            match (key, value) {
                (Key::Retries, Some(Value::Count(count))) => planned.retries = count as u32,
                (Key::Group, Some(Value::Word(group))) => planned.group = Some(group),
                (_, Some(value)) if matches!(origin, Origin::Profile { .. }) => {
                    config::set(key, &value, &mut planned.case);
                }
                _ => {}
            }
        }
        planned
    }
}
