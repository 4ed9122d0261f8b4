//! A filter expression as a tree, and whether a case satisfies it.

use super::error::FilterError;
use super::matcher::Matcher;
use super::parse::parse;
use crate::case::{Case, Language};

/// The word for what has no language: a command.
pub(super) const COMMAND: &str = "command";

/// A filter expression: `tag(pandas) & !lang(node)`.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    expression: Expression,
}

/// What selects cases.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// Every case.
    All,
    /// No case.
    None,
    /// Cases of which one thing is as the matcher says.
    Is(Subject, Matcher),
    /// Cases that the other does not select.
    Not(Box<Expression>),
    /// Cases that all of them select.
    And(Vec<Expression>),
    /// Cases that any of them selects.
    Or(Vec<Expression>),
}

/// What is looked at of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Id,
    Tag,
    Lang,
    File,
    Expect,
    Driver,
}

impl Filter {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self {
            text: text.to_owned(),
            expression: parse(text)?,
        })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the case is selected.
    pub fn matches(&self, case: &Case) -> bool {
        self.expression.selects(case)
    }
}

impl Expression {
    fn selects(&self, case: &Case) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Is(subject, matcher) => subject.is(case, matcher),
            Self::Not(other) => !other.selects(case),
            Self::And(all) => all.iter().all(|one| one.selects(case)),
            Self::Or(all) => all.iter().any(|one| one.selects(case)),
        }
    }
}

impl Subject {
    fn is(self, case: &Case, matcher: &Matcher) -> bool {
        match self {
            Self::Id => matcher.matches(&case.id.0),
            Self::Tag => case.tags.iter().any(|tag| matcher.matches(tag)),
            Self::Lang => {
                let language = case.target.program.language();
                matcher.matches(language.map_or(COMMAND, Language::name))
            }
            Self::File => {
                let file = case.file.strip_prefix(".").unwrap_or(&case.file);
                matcher.matches(&file.to_string_lossy())
            }
            Self::Expect => matcher.matches(case.expect.claim.name()),
            Self::Driver => matcher.matches(case.measure.driver.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::case::file::parse as read;

    fn case(file: &str, id: &str, text: &str) -> Case {
        read(text.as_bytes(), Path::new(file), id)
            .unwrap()
            .remove(0)
    }

    fn cases() -> Vec<Case> {
        let python = "tags: [pandas, slow]\nexpect: leak\ntarget: {language: python, run: pass}\n";
        let node = "tags: [pandas]\ntarget: {language: node, run: ';'}\n";
        let command = "target: {command: [./server, '{iterations}']}\n";
        vec![
            case("./cases/field/csv.yaml", "field/csv", python),
            case("cases/field/json.yaml", "field/json", node),
            case("cases/server.yml", "server", command),
        ]
    }

    fn selected(text: &str) -> Vec<String> {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let cases = cases().into_iter().filter(|case| filter.matches(case));
        cases.map(|case| case.id.0).collect()
    }

    #[test]
    fn each_predicate_looks_at_its_part_of_a_case() {
        for (text, ids) in [
            ("all()", &["field/csv", "field/json", "server"][..]),
            ("none()", &[]),
            ("tag(pandas)", &["field/csv", "field/json"]),
            ("lang(node)", &["field/json"]),
            ("lang(command)", &["server"]),
            ("id(csv)", &["field/csv"]),
            ("test(csv)", &["field/csv"]),
            ("file(cases/*.yml)", &["server"]),
            ("file(cases/field/*)", &["field/csv", "field/json"]),
            ("expect(leak)", &["field/csv"]),
            ("driver(ramp)", &["server"]),
            ("driver(step)", &["field/csv", "field/json"]),
        ] {
            assert_eq!(selected(text), ids, "{text}");
        }
    }

    #[test]
    fn operators_bind_as_in_nextest_not_before_and_before_or() {
        for (text, ids) in [
            ("tag(pandas) & !lang(node)", &["field/csv"][..]),
            ("tag(pandas) and not lang(node)", &["field/csv"]),
            ("tag(pandas) - lang(node)", &["field/csv"]),
            ("lang(command) | tag(slow)", &["field/csv", "server"]),
            ("lang(command) or tag(slow)", &["field/csv", "server"]),
            ("lang(command) + tag(slow)", &["field/csv", "server"]),
            // and before or
            (
                "id(server) | tag(pandas) & lang(node)",
                &["field/json", "server"],
            ),
            ("(id(server) | tag(pandas)) & lang(node)", &["field/json"]),
            // left to right
            ("all() - tag(slow) - tag(pandas)", &["server"]),
            (
                "all() - (tag(pandas) - tag(slow))",
                &["field/csv", "server"],
            ),
            ("!!tag(slow)", &["field/csv"]),
            ("not (not tag(slow))", &["field/csv"]),
            ("!tag(slow) & tag(pandas)", &["field/json"]),
            ("  tag( slow )\n", &["field/csv"]),
        ] {
            assert_eq!(selected(text), ids, "{text}");
        }
    }

    #[test]
    fn each_matcher_matches_in_its_way() {
        for (text, ids) in [
            ("id(=field/csv)", &["field/csv"][..]),
            ("id(=csv)", &[]),
            ("id(~eld/c)", &["field/csv"]),
            ("id(/^field/)", &["field/csv", "field/json"]),
            (r"id(/field\/[cj]s/)", &["field/csv", "field/json"]),
            (r"id(/csv$|er{1}$/)", &["field/csv", "server"]),
            ("id(#field/*)", &["field/csv", "field/json"]),
            ("id(#field/?son)", &["field/json"]),
            ("id(#*/{csv,json})", &["field/csv", "field/json"]),
            ("id(#[st]er*)", &["server"]),
            ("id(#[!s]*)", &["field/csv", "field/json"]),
            ("tag(pand*)", &["field/csv", "field/json"]),
            ("tag(pand)", &[]),
            ("tag(~and)", &["field/csv", "field/json"]),
            ("lang(/^p/)", &["field/csv"]),
        ] {
            assert_eq!(selected(text), ids, "{text}");
        }
    }
}
