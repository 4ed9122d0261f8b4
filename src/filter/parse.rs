//! Reads a filter expression, by hand: the grammar is small, and every mistake is told where it
//! stands with what to write instead.

use super::error::FilterError;
use super::expression::Expression;

/// The longest expression accepted, in bytes.
const MAX_LENGTH: usize = 16 << 10;
/// The deepest nesting accepted.
const MAX_DEPTH: usize = 64;

pub(super) const OPERATORS: &str =
    "write `&`, `|` or `-` between two of them; `!` stands before one";

pub(super) type Read<T> = Result<T, FilterError>;

/// The tree of an expression.
pub(super) fn parse(text: &str) -> Read<Expression> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    if text.len() > MAX_LENGTH {
        let message = "is longer than 16 KiB";
        return Err(parser.fault(0, 1, message, "tag the cases, and select by the tag"));
    }
    let expression = parser.any()?;
    parser.space();
    if parser.rest().is_empty() {
        return Ok(expression);
    }
    let (message, help) = if parser.rest().starts_with(')') {
        ("this `)` closes nothing", "remove it, or open a `(` before")
    } else {
        ("an operator is missing here", OPERATORS)
    };
    let length = parser.token();
    Err(parser.fault(parser.at, length, message, help))
}

pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    /// How far it is read, in bytes.
    pub(super) at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn fault(
        &self,
        at: usize,
        length: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> FilterError {
        FilterError {
            at,
            length: length.min(self.text.len() - at),
            message: message.into(),
            help: help.into(),
        }
    }

    /// How many bytes the word or sign that comes next has.
    pub(super) fn token(&self) -> usize {
        let word = self.word();
        match self.rest().chars().next() {
            _ if word > 0 => word,
            Some(sign) => sign.len_utf8(),
            None => 0,
        }
    }

    pub(super) fn word(&self) -> usize {
        let rest = self.rest();
        rest.find(|sign: char| !(sign.is_alphanumeric() || sign == '_'))
            .unwrap_or(rest.len())
    }

    /// Takes one of these words or signs, if it comes next.
    pub(super) fn take(&mut self, words: &[&str]) -> Option<&'t str> {
        self.space();
        let length = self.token();
        let next = &self.rest()[..length];
        words.contains(&next).then(|| {
            self.at += length;
            next
        })
    }

    /// `a | b`, `a + b`, `a or b`.
    fn any(&mut self) -> Read<Expression> {
        let mut parts = vec![self.every()?];
        while self.take(&["|", "+", "or"]).is_some() {
            self.doubled('|')?;
            parts.push(self.every()?);
        }
        Ok(one_or(parts, Expression::Or))
    }

    /// `a & b`, `a and b`, `a - b`.
    fn every(&mut self) -> Read<Expression> {
        let mut parts = vec![self.one()?];
        while let Some(operator) = self.take(&["&", "-", "and"]) {
            self.doubled('&')?;
            let part = self.one()?;
            parts.push(if operator == "-" {
                Expression::Not(Box::new(part))
            } else {
                part
            });
        }
        Ok(one_or(parts, Expression::And))
    }

    fn doubled(&self, sign: char) -> Read<()> {
        if !self.rest().starts_with(sign) {
            return Ok(());
        }
        let message = format!("`{sign}{sign}` is not an operator");
        let help = format!("write one `{sign}`");
        Err(self.fault(self.at - 1, 2, message, help))
    }

    /// `!a`, `not a`, `(a)`, or a predicate.
    fn one(&mut self) -> Read<Expression> {
        let mut negated = false;
        while self.take(&["!", "not"]).is_some() {
            negated = !negated;
        }
        let start = self.at;
        let expression = if self.take(&["("]).is_some() {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                let message = format!("is nested more than {MAX_DEPTH} deep");
                return Err(self.fault(start, 1, message, "leave out parentheses"));
            }
            let inner = self.any()?;
            self.depth -= 1;
            if self.take(&[")"]).is_none() {
                return Err(self.not_closed(start));
            }
            inner
        } else {
            self.predicate()?
        };
        Ok(if negated {
            Expression::Not(Box::new(expression))
        } else {
            expression
        })
    }

    /// What stands where a `)` should, if anything does: an operator is missing, or the bracket.
    fn not_closed(&self, open: usize) -> FilterError {
        if self.rest().is_empty() {
            return self.fault(open, 1, "this `(` is not closed", "close it with `)`");
        }
        let message = "an operator or a `)` is missing here";
        self.fault(self.at, self.token(), message, OPERATORS)
    }
}

fn one_or(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => Expression::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part at fault, the message and the remedy.
    fn refused(text: &str) -> (String, String, String) {
        let error = parse(text).expect_err(text);
        let fault = text.get(error.at..error.at + error.length);
        (fault.expect(text).to_owned(), error.message, error.help)
    }

    #[test]
    fn every_mistake_is_told_where_it_stands_with_its_remedy() {
        for (text, fault, message, help) in [
            ("", "", "a predicate is missing", "`tag(slow)`"),
            (
                "tga(x)",
                "tga",
                "`tga` is not a predicate",
                "did you mean `tag`",
            ),
            ("pandas", "pandas", "not a predicate", "`id(pandas)`"),
            ("tag", "tag", "not followed by a `(`", "`tag(…)`"),
            ("tag(x", "(", "not closed", "close it"),
            ("(tag(x)", "(", "not closed", "close it"),
            (
                "(tag(x) lang(c)",
                "lang",
                "an operator or a `)`",
                "between two",
            ),
            ("tag(x))", ")", "closes nothing", "remove it"),
            ("tag(x) lang(c)", "lang", "an operator is missing", "`&`"),
            ("tag(x) &", "", "a predicate is missing", "write one of"),
            ("tag(x) && lang(c)", "&&", "not an operator", "one `&`"),
            ("tag(x) || lang(c)", "||", "not an operator", "one `|`"),
            (
                "tag(x) & | id(c)",
                "|",
                "a predicate is missing",
                "write one of",
            ),
            ("tag()", ")", "nothing to compare", "between its brackets"),
            ("all(x)", "x", "takes nothing", "`all()`"),
            (
                "lang(pyhton)",
                "pyhton",
                "nothing that `lang`",
                "did you mean `python`",
            ),
            (
                "lang(=rusty)",
                "=rusty",
                "nothing that `lang`",
                "did you mean `rust`",
            ),
            (
                "expect(growth)",
                "growth",
                "`expect` knows",
                "`stable`, `leak` or `spike`",
            ),
            (
                "driver(stepp)",
                "stepp",
                "`driver` knows",
                "did you mean `step`",
            ),
            (
                "id(/a(/)",
                "/a(/",
                "not a regular expression",
                "the crate `regex`",
            ),
            ("id(/a", "/", "does not end", "`/)`"),
            ("id(/a/b)", "b", "a `)` is missing", "`\\/`"),
            ("id(#[a)", "#[a", "not a glob", "put a `\\`"),
            ("id(f(x))", "(", "within a text", "`\\(`"),
            ("not", "", "a predicate is missing", "write one of"),
        ] {
            let (where_, said, remedy) = refused(text);
            assert_eq!(where_, fault, "{text}");
            assert!(said.contains(message), "{text}: {said}");
            assert!(remedy.contains(help), "{text}: {remedy}");
        }
    }

    #[test]
    fn a_hostile_expression_is_refused_and_a_long_one_is_read() {
        assert!(
            refused(&"(".repeat(1_000))
                .1
                .contains("nested more than 64")
        );
        assert!(
            refused(&" ".repeat(20_000))
                .1
                .contains("longer than 16 KiB")
        );
        let long = vec!["!all()"; 1_500].join("&");
        assert!(parse(&long).is_ok());
        assert!(parse(&format!("{}all()", "!".repeat(10_000))).is_ok());
        assert!(refused("id(/(a{1000}){1000}/)").1.contains("not a regular"));
    }

    #[test]
    fn the_caret_stands_below_the_fault() {
        let text = "tag(ä) &\n  !lang(nodee)";
        let error = parse(text).expect_err("nodee is no language");
        let shown = error.in_text(text, "-E").render(false);
        assert!(shown.contains("--> -E:2:9"), "{shown}");
        assert!(shown.contains("2 |   !lang(nodee)\n"), "{shown}");
        assert!(shown.contains("  |         ^^^^^\n"), "{shown}");
    }
}
