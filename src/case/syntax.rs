//! Why a text is not YAML, told to someone who does not know YAML's grammar.

use saphyr_parser::ScanError;

use super::marks::{Fault, Mark};

/// The fault that stopped the parser, with the remedy for what mostly causes it.
pub(crate) fn syntax_fault(text: &str, error: &ScanError) -> Fault {
    let marker = error.marker();
    let count = text.lines().count().max(1);
    let line = marker.line().clamp(1, count);
    let indent = |line: usize| -> &str {
        let line = text.lines().nth(line - 1).unwrap_or_default();
        &line[..line.len() - line.trim_start().len()]
    };
    // the parser may notice a tab only at the line after it
    let tabbed = [line, line.saturating_sub(1).max(1)]
        .into_iter()
        .find(|line| indent(*line).contains('\t'));
    if let Some(line) = tabbed {
        let column = indent(line).chars().take_while(|c| *c != '\t').count() + 1;
        return Fault {
            mark: Mark {
                line,
                column,
                width: 1,
            },
            key: None,
            message: "a tab indents this line, and YAML allows only spaces there".to_owned(),
            help: Some("indent with two spaces a level".to_owned()),
        };
    }
    let (message, help) = explain(error.info());
    Fault {
        mark: Mark {
            line,
            column: marker.col() + 1,
            width: 1,
        },
        key: None,
        message,
        help: Some(help.to_owned()),
    }
}

/// What the parser says of a text that is not YAML, for someone who does not know its grammar.
pub(crate) fn explain(info: &str) -> (String, &'static str) {
    const INDENT: &str = "indent by two spaces a level, all keys of one mapping alike, with a space after each `key:`";
    const QUOTE: &str = "put quotes around text that holds `: ` or ` #` or begins with a sign; \
        a nested mapping begins on \
        the next line, indented; see also that the line above has its `:`";
    let known = [
        (
            "illegal placement of ':'",
            "a `:` cannot stand here",
            "a bracket or a quote may be open above; close it",
        ),
        (
            "mapping values are not allowed",
            "this `:` cannot stand here",
            QUOTE,
        ),
        (
            "unknown anchor",
            "the alias `*…` has no anchor `&…` above it",
            "put quotes around text that begins with `*`",
        ),
        (
            "recursion limit",
            "nested too deep",
            "a case needs four levels",
        ),
        (
            "<document start>",
            "this does not belong to what stands above it",
            INDENT,
        ),
        (
            "did not find expected key",
            "a key is expected here",
            INDENT,
        ),
        (
            "could not find expected ':'",
            "a `:` is missing",
            "write `key: value`; the lines of a text after `|` are indented deeper than its key",
        ),
        (
            "simple key expect",
            "a `:` is missing",
            "write `key: value`; the lines of a text after `|` are indented deeper than its key",
        ),
        (
            "invalid indentation",
            "the indentation fits nothing above",
            INDENT,
        ),
        (
            "unclosed bracket",
            "a bracket is not closed",
            "close each `[` and `{`, or put quotes around the text",
        ),
        (
            "',' or ']'",
            "the list `[…` is not closed",
            "close it with `]`, or put quotes around text that begins with `[`",
        ),
        (
            "',' or '}'",
            "the mapping `{…` is not closed",
            "close it with `}`, or put quotes around text that begins with `{`",
        ),
    ];
    known
        .into_iter()
        .find(|(sign, _, _)| info.contains(sign))
        .map_or_else(
            || (format!("this is not YAML: {info}"), QUOTE),
            |(_, message, help)| (message.to_owned(), help),
        )
}
