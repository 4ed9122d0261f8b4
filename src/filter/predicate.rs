//! One predicate of a filter expression: its name, and what it compares with.

use super::expression::{COMMAND, Expression, Subject};
use super::matcher::Matcher;
use super::parse::{OPERATORS, Parser, Read};
use crate::case::{Claim, Language, alternatives, nearest};
use crate::trace::Driver;

const PREDICATES: [&str; 9] = [
    "tag", "lang", "id", "test", "file", "expect", "driver", "all", "none",
];

/// What a matcher is where no sign stands before it.
#[derive(Clone, Copy)]
enum Plain<'w> {
    Contains,
    Glob,
    /// One of these words.
    Word(&'w [&'w str]),
}

impl Parser<'_> {
    pub(super) fn predicate(&mut self) -> Read<Expression> {
        self.space();
        let start = self.at;
        let length = self.word();
        if length == 0 {
            let message = "a predicate is missing here";
            let help = format!("write one of {}: `tag(slow)`", with_brackets(&PREDICATES));
            return Err(self.fault(start, self.token().max(1), message, help));
        }
        let name = &self.rest()[..length];
        self.at += length;
        let known = PREDICATES.contains(&name);
        self.space();
        let open = self.at;
        if !self.rest().starts_with('(') {
            let (message, help) = if known {
                let message = format!("`{name}` is not followed by a `(`");
                (message, format!("write `{name}(…)`"))
            } else {
                let message = format!("`{name}` is not a predicate");
                (
                    message,
                    format!("to select by id, write `id({name})`; {OPERATORS}"),
                )
            };
            return Err(self.fault(start, length, message, help));
        }
        if !known {
            let message = format!("`{name}` is not a predicate");
            let help = match nearest(name, &PREDICATES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the predicates are {}", with_brackets(&PREDICATES)),
            };
            return Err(self.fault(start, length, message, help));
        }
        self.at += 1;
        let languages: Vec<&str> = Language::ALL
            .map(Language::name)
            .into_iter()
            .chain([COMMAND])
            .collect();
        let claims = [Claim::Stable, Claim::Leak, Claim::Spike].map(Claim::name);
        let drivers = [Driver::Step, Driver::Ramp, Driver::Clock].map(Driver::name);
        let (subject, plain) = match name {
            "all" => return self.without_argument(name, Expression::All),
            "none" => return self.without_argument(name, Expression::None),
            "tag" => (Subject::Tag, Plain::Glob),
            "file" => (Subject::File, Plain::Glob),
            "lang" => (Subject::Lang, Plain::Word(&languages)),
            "expect" => (Subject::Expect, Plain::Word(&claims)),
            "driver" => (Subject::Driver, Plain::Word(&drivers)),
            _ => (Subject::Id, Plain::Contains),
        };
        let matcher = self.matcher(name, open, plain)?;
        Ok(Expression::Is(subject, matcher))
    }

    fn without_argument(&mut self, name: &str, is: Expression) -> Read<Expression> {
        if self.take(&[")"]).is_some() {
            return Ok(is);
        }
        let message = format!("`{name}` takes nothing between its brackets");
        let length = self.rest().find(')').unwrap_or(self.rest().len());
        Err(self.fault(self.at, length.max(1), message, format!("write `{name}()`")))
    }

    /// What stands between the brackets of a predicate, and the closing one.
    fn matcher(&mut self, name: &str, open: usize, plain: Plain<'_>) -> Read<Matcher> {
        self.space();
        let start = self.at;
        let sign = self.rest().chars().next();
        let signed = sign.is_some_and(|sign| matches!(sign, '=' | '~' | '/' | '#'));
        if signed {
            self.at += 1;
        }
        if sign == Some('/') {
            return self.regular(start);
        }
        let (text, raw) = self.until_closed(open)?;
        let length = self.at - 1 - start;
        if text.is_empty() {
            let message = format!("`{name}` has nothing to compare with");
            let help = format!(
                "write a text between its brackets, such as `{name}(slow)`; `all()` selects everything"
            );
            return Err(self.fault(start, length.max(1), message, help));
        }
        let glob = |raw: &str| {
            Matcher::glob(raw).map_err(|why| {
                let help = "put a `\\` before a sign that is meant as itself";
                self.fault(start, length, format!("`{raw}` {why}"), help)
            })
        };
        match (sign, plain) {
            (Some('#'), _) => glob(&raw),
            (Some('='), Plain::Contains | Plain::Glob) => Ok(Matcher::Equal(text)),
            (Some('~'), _) | (_, Plain::Contains) => Ok(Matcher::Contains(text)),
            (_, Plain::Glob) => glob(&raw),
            (_, Plain::Word(words)) if words.contains(&text.as_str()) => Ok(Matcher::Equal(text)),
            (_, Plain::Word(words)) => {
                let message = format!("`{text}` is nothing that `{name}` knows");
                let known = format!("write {}", alternatives(words));
                let help = match nearest(&text, words) {
                    Some(near) => format!("did you mean `{near}`? Otherwise {known}"),
                    None => format!("{known}, or a pattern such as `{name}(#p*)`"),
                };
                Err(self.fault(start, length, message, help))
            }
        }
    }

    /// The text up to the closing bracket, without and with its `\`.
    fn until_closed(&mut self, open: usize) -> Read<(String, String)> {
        let from = self.at;
        let mut text = String::new();
        let mut signs = self.rest().char_indices();
        while let Some((offset, sign)) = signs.next() {
            match sign {
                ')' => {
                    let raw = self.text[from..from + offset].trim().to_owned();
                    self.at = from + offset + 1;
                    return Ok((text.trim().to_owned(), raw));
                }
                '(' => {
                    let message = "a `(` stands within a text";
                    let help = "write `\\(` and `\\)` for brackets that belong to the text";
                    return Err(self.fault(from + offset, 1, message, help));
                }
                '\\' => text.extend(signs.next().map(|(_, next)| next)),
                other => text.push(other),
            }
        }
        Err(self.fault(open, 1, "this `(` is not closed", "close it with `)`"))
    }

    /// A regular expression: up to the next `/` without a `\` before it, and the closing bracket.
    fn regular(&mut self, start: usize) -> Read<Matcher> {
        let mut text = String::new();
        let mut signs = self.rest().char_indices();
        let mut end = None;
        while let Some((offset, sign)) = signs.next() {
            match sign {
                '/' => {
                    end = Some(offset);
                    break;
                }
                '\\' => match signs.next() {
                    Some((_, '/')) => text.push('/'),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => {}
                },
                other => text.push(other),
            }
        }
        let Some(end) = end else {
            let message = "this regular expression does not end";
            let help = "end it with `/)`; write `\\/` for a `/` that belongs to it";
            return Err(self.fault(start, 1, message, help));
        };
        self.at += end + 1;
        let length = self.at - start;
        if self.take(&[")"]).is_none() {
            let message = "a `)` is missing after the regular expression";
            let help = "write `/)` at its end, and `\\/` for a `/` that belongs to it";
            return Err(self.fault(self.at, self.token().max(1), message, help));
        }
        Matcher::pattern(&text).map_err(|why| {
            let help = "see the syntax of the crate `regex`; `#` begins a glob, `~` a plain text";
            self.fault(start, length, format!("`/{text}/` {why}"), help)
        })
    }
}

/// `tag()`, `lang()` or `id()`.
fn with_brackets(names: &[&str]) -> String {
    let called: Vec<String> = names.iter().map(|name| format!("{name}()")).collect();
    alternatives(&called.iter().map(String::as_str).collect::<Vec<_>>())
}
