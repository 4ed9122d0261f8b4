//! TOML into values, with the place of every key and value. The only user of `toml`.

use std::ops::Range;
use std::rc::Rc;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::case::{Content, Key, Kind, Mark, Node};

/// A text and where its lines begin.
pub(super) struct Text<'t> {
    text: &'t str,
    lines: Vec<usize>,
}

/// Why a text is not TOML.
pub(super) struct NotToml {
    pub(super) mark: Mark,
    pub(super) message: String,
}

impl<'t> Text<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            lines: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// Reads the text.
    pub(super) fn read(&self) -> Result<(Value, Node), NotToml> {
        match DeTable::parse(self.text) {
            Ok(table) => Ok(self.table(table.get_ref(), &(0..0))),
            Err(error) => Err(NotToml {
                mark: self.mark(&error.span().unwrap_or(0..0)),
                message: error.message().to_owned(),
            }),
        }
    }

    fn mark(&self, span: &Range<usize>) -> Mark {
        let line = self.lines.partition_point(|&start| start <= span.start);
        let start = self.lines.get(line.saturating_sub(1)).copied();
        let start = start.unwrap_or(0);
        let count = |from: usize, to: usize| {
            let part = self.text.get(from..to.min(self.text.len()));
            part.unwrap_or_default().chars().count()
        };
        let end = self
            .lines
            .get(line)
            .map_or(self.text.len(), |next| next - 1);
        Mark {
            line: line.max(1),
            column: count(start, span.start) + 1,
            width: count(span.start, span.end.min(end)).max(1),
        }
    }

    fn node(&self, span: &Range<usize>, kind: Kind) -> Node {
        let mark = self.mark(span);
        Node {
            mark,
            content: Rc::new(Content {
                text_line: mark.line,
                joined: false,
                quoted: false,
                kind,
                nodes: 1,
                bytes: 0,
                depth: 0,
            }),
        }
    }

    fn table(&self, table: &DeTable<'_>, span: &Range<usize>) -> (Value, Node) {
        let mut values = serde_json::Map::new();
        let mut nodes = Vec::new();
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let (value, node) = self.value(value);
            values.insert(name.clone(), value);
            let mark = self.mark(&key.span());
            nodes.push((Key { name, mark }, node));
        }
        (Value::Object(values), self.node(span, Kind::Map(nodes)))
    }

    fn value(&self, spanned: &Spanned<DeValue<'_>>) -> (Value, Node) {
        let span = spanned.span();
        let written = self.text.get(span.clone()).unwrap_or_default();
        let scalar =
            |value: Value, text: &str| (value, self.node(&span, Kind::Scalar(text.to_owned())));
        match spanned.get_ref() {
            DeValue::Table(table) => self.table(table, &span),
            DeValue::Array(items) => {
                let (values, nodes) = items.iter().map(|item| self.value(item)).unzip();
                (Value::Array(values), self.node(&span, Kind::List(nodes)))
            }
            DeValue::String(text) => scalar(Value::String(text.to_string()), text),
            DeValue::Boolean(flag) => scalar(Value::Bool(*flag), written),
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix());
                // a number that is too large for any setting is refused as one
                scalar(number.map_or(Value::from(f64::MAX), Value::from), written)
            }
            DeValue::Float(float) => {
                let number = float
                    .as_str()
                    .parse()
                    .ok()
                    .and_then(serde_json::Number::from_f64);
                let value = number.map_or_else(|| Value::String(written.to_owned()), Value::Number);
                scalar(value, written)
            }
            DeValue::Datetime(_) => scalar(Value::String(written.to_owned()), written),
        }
    }
}
