//! One document with a matrix is a case for each combination of its values.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::marks::{Content, Kind, Node};
use super::report::Report;

/// The key.
const MATRIX: &str = "matrix";
/// The most cases that one document stands for.
const MOST: usize = 256;

/// One value for each name of the matrix; none for a document without one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Combination {
    chosen: Vec<Chosen>,
}

#[derive(Debug, Clone)]
struct Chosen {
    name: String,
    value: Value,
    /// As it was written: `1.10` stays `1.10`.
    text: String,
}

/// All combinations, the last name varying fastest. A matrix that is not as it should be is left to
/// the check of the whole document, which tells so.
pub(crate) fn combinations(
    value: &Value,
    root: &Node,
    report: &mut Report<'_>,
) -> Vec<Combination> {
    let without = vec![Combination::default()];
    let Some(axes) = axes(value, root) else {
        return without;
    };
    let used = used(value, &axes);
    for (name, _) in axes.iter().filter(|(name, _)| !used.contains(name)) {
        let path = format!("{MATRIX}.{name}");
        let mark = root.get(MATRIX).and_then(|(_, node)| node.get(name));
        report.add(
            mark.map_or(root.mark, |(key, _)| key.mark),
            Some(&path),
            "is used nowhere in the case",
            format!("write `${{{name}}}` where its values belong, or remove it"),
        );
    }
    let count = axes
        .iter()
        .try_fold(1_usize, |all, (_, values)| all.checked_mul(values.len()));
    if count.is_none_or(|count| count > MOST) {
        report.add(
            root.get(MATRIX).map_or(root.mark, |(key, _)| key.mark),
            Some(MATRIX),
            format!("stands for more than {MOST} cases"),
            "leave out values, or write several files".to_owned(),
        );
        return without;
    }
    let mut all = without;
    for (_, values) in &axes {
        all = all
            .iter()
            .flat_map(|before| {
                values.iter().map(|value| {
                    let mut chosen = before.chosen.clone();
                    chosen.push(value.clone());
                    Combination { chosen }
                })
            })
            .collect();
    }
    all
}

impl Combination {
    /// What the id of its case ends with: `[3.11,1000]`; nothing without a matrix.
    pub(crate) fn suffix(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let words: Vec<String> = self.chosen.iter().map(|c| word(&c.text)).collect();
        format!("[{}]", words.join(","))
    }

    /// Whether there is no matrix, so that the document is read as it stands.
    pub(crate) fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// The document with the values in place. A text that is nothing but `${name}` becomes the value,
    /// with its type.
    pub(crate) fn fill_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let whole = |c: &&Chosen| *text == format!("${{{}}}", c.name);
                match self.chosen.iter().find(whole) {
                    Some(chosen) => chosen.value.clone(),
                    None => Value::String(self.fill(text)),
                }
            }
            Value::Array(items) => items.iter().map(|item| self.fill_value(item)).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| {
                    let value = if key == MATRIX {
                        value.clone()
                    } else {
                        self.fill_value(value)
                    };
                    (key.clone(), value)
                })
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// The places of the document, with the texts as they are after filling in.
    pub(crate) fn fill_node(&self, node: &Node) -> Node {
        if self.is_empty() {
            return node.clone();
        }
        let kind = match &node.content.kind {
            Kind::Scalar(text) if !text.contains("${") => return node.clone(),
            Kind::Scalar(text) => Kind::Scalar(self.fill(text)),
            Kind::List(items) => Kind::List(items.iter().map(|n| self.fill_node(n)).collect()),
            Kind::Map(entries) => Kind::Map(
                entries
                    .iter()
                    .map(|(key, node)| (key.clone(), self.fill_node(node)))
                    .collect(),
            ),
        };
        let content = &node.content;
        Node {
            mark: node.mark,
            content: Rc::new(Content {
                text_line: content.text_line,
                joined: content.joined,
                quoted: content.quoted,
                nodes: content.nodes,
                bytes: content.bytes,
                depth: content.depth,
                kind,
            }),
        }
    }

    /// Puts values in the place of `${name}`; `$${name}` stands for the text `${name}`, and what
    /// is no name of the matrix is the target's own.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            let named = from.find('}').and_then(|close| {
                let chosen = self.chosen.iter().find(|c| c.name == from[2..close])?;
                Some((&from[..=close], chosen))
            });
            match (named, before.strip_suffix('$')) {
                (Some((written, _)), Some(before)) => filled.extend([before, written]),
                (Some((_, chosen)), None) => filled.extend([before, chosen.text.as_str()]),
                (None, _) => filled.extend([before, "${"]),
            }
            rest = &from[named.map_or(2, |(written, _)| written.len())..];
        }
        filled.push_str(rest);
        filled
    }
}

/// The names in their order, each with its values; none where there is no good matrix.
fn axes(value: &Value, root: &Node) -> Option<Vec<(String, Vec<Chosen>)>> {
    let values = value.get(MATRIX)?.as_object()?;
    let (_, node) = root.get(MATRIX)?;
    let Kind::Map(entries) = &node.content.kind else {
        return None;
    };
    let axis = |name: &str, node: &Node| {
        let values = values.get(name)?.as_array()?;
        let chosen = values.iter().enumerate().map(|(index, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => node.item(index)?.text()?.to_owned(),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            Some(Chosen {
                name: name.to_owned(),
                value: value.clone(),
                text,
            })
        });
        let chosen: Vec<Chosen> = chosen.collect::<Option<_>>()?;
        (!chosen.is_empty()).then_some((name.to_owned(), chosen))
    };
    entries
        .iter()
        .map(|(key, node)| axis(&key.name, node))
        .collect()
}

/// The names that some text of the document holds.
fn used(value: &Value, axes: &[(String, Vec<Chosen>)]) -> BTreeSet<String> {
    match value {
        Value::String(text) => axes
            .iter()
            .map(|(name, _)| name)
            .filter(|name| text.contains(&format!("${{{name}}}")))
            .cloned()
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| used(item, axes)).collect(),
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != MATRIX)
            .flat_map(|(_, value)| used(value, axes))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => BTreeSet::new(),
    }
}

/// A value as part of an id: what a path or a filter could take amiss becomes `-`.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    text.chars()
        .map(|c| if plain(c) { c } else { '-' })
        .take(100)
        .collect()
}
