//! What a schema asks for and what was found, in words; and which known word was meant.

use serde_json::Value;

use super::error::printable;

/// Other names under which people look for a key.
const SYNONYMS: [(&str, &str); 22] = [
    ("rss", "anon"),
    ("uss", "anon"),
    ("heap", "live"),
    ("javascript", "node"),
    ("js", "node"),
    ("c++", "cpp"),
    ("bash", "shell"),
    ("lang", "language"),
    ("code", "run"),
    ("script", "run"),
    ("body", "run"),
    ("before", "setup"),
    ("init", "setup"),
    ("after", "teardown"),
    ("cleanup", "teardown"),
    ("packages", "requires"),
    ("requirements", "requires"),
    ("dependencies", "requires"),
    ("cmd", "command"),
    ("includes", "prelude"),
    ("expected", "expect"),
    ("expectation", "expect"),
];

/// How a file that is checked is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    /// `key: value`, and mappings.
    Yaml,
    /// `key = value`, and tables.
    Toml,
}

impl Notation {
    /// A key with its value, on one line.
    pub(crate) fn entry(self, name: &str, value: &str) -> String {
        match self {
            Self::Yaml => format!("{name}: {value}"),
            Self::Toml => format!("{name} = {value}"),
        }
    }

    /// A value on one line.
    pub(crate) fn inline(self, value: &Value) -> String {
        match (self, value) {
            (Self::Toml, Value::Array(items)) => {
                let items: Vec<String> = items.iter().map(|item| self.inline(item)).collect();
                format!("[{}]", items.join(", "))
            }
            (Self::Toml, Value::Object(map)) => {
                let entries = map.iter();
                let entries = entries.map(|(key, value)| self.entry(key, &self.inline(value)));
                format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
            }
            (Self::Toml, other) => other.to_string(),
            (Self::Yaml, other) => inline(other),
        }
    }

    /// What it calls keys with values.
    pub(crate) fn mapping(self) -> &'static str {
        match self {
            Self::Yaml => "a mapping",
            Self::Toml => "a table",
        }
    }
}

/// The part of a schema that speaks of values of this kind.
pub(crate) fn branch<'s>(value: &Value, schema: &'s Value) -> &'s Value {
    schema["anyOf"]
        .as_array()
        .and_then(|branches| branches.iter().find(|branch| fits(value, branch)))
        .unwrap_or(schema)
}

/// The words that a schema admits, if it admits words only.
pub(crate) fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema["enum"].as_array() {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let mut words = Vec::new();
    for one in schema["oneOf"].as_array()? {
        words.extend(one["const"].as_str());
        words.extend(
            one["enum"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str),
        );
    }
    Some(words)
}

pub(crate) fn fits(value: &Value, schema: &Value) -> bool {
    match value {
        Value::String(_) => admits(schema, "string"),
        Value::Number(number) => !number.is_f64() && admits(schema, "integer"),
        Value::Bool(_) => admits(schema, "boolean"),
        Value::Array(_) => admits(schema, "array"),
        Value::Object(_) => admits(schema, "object"),
        Value::Null => admits(schema, "null"),
    }
}

/// Whether a schema admits values of a type. Asked of each value of each file, so it collects nothing.
pub(crate) fn admits(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(name) => name == kind,
        Value::Array(names) => names.iter().any(|name| name == kind),
        _ if has_words(schema) => kind == "string",
        _ => schema["anyOf"]
            .as_array()
            .is_some_and(|branches| branches.iter().any(|branch| admits(branch, kind))),
    }
}

/// Whether a schema admits [`words`] only.
pub(crate) fn has_words(schema: &Value) -> bool {
    schema["enum"].is_array() || schema["oneOf"].is_array()
}

pub(crate) fn wanted(schema: &Value, notation: Notation) -> String {
    if let Some(words) = words(schema) {
        return alternatives(&words);
    }
    if let Some(branches) = schema["anyOf"].as_array() {
        let branches = branches.iter().map(|branch| wanted(branch, notation));
        return branches.collect::<Vec<_>>().join(" or ");
    }
    let first = match &schema["type"] {
        Value::Array(names) => names.first().and_then(Value::as_str),
        name => name.as_str(),
    };
    let said = match first.unwrap_or_default() {
        "string" => "text",
        "integer" => "a whole number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => notation.mapping(),
        _ => "something else",
    };
    said.to_owned()
}

pub(crate) fn found(value: &Value, notation: Notation) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.contains('\n') => "several lines of text".to_owned(),
        Value::String(text) => format!("the text `{}`", printable(text, 40)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => notation.mapping().to_owned(),
    }
}

/// `key: value` with the first example of the schema.
pub(crate) fn example(schema: &Value, name: &str, notation: Notation) -> Option<String> {
    let value = schema["examples"].get(0)?;
    Some(format!(
        "`{}`",
        notation.entry(name, &notation.inline(value))
    ))
}

/// A value as YAML on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text)
            if text
                .chars()
                .all(|c| c.is_alphanumeric() || " /._=-".contains(c))
                && text.starts_with(char::is_alphanumeric)
                && text.ends_with(char::is_alphanumeric) =>
        {
            text.clone()
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}: {}", inline(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// `a`, `b` or `c`.
pub(crate) fn alternatives(words: &[&str]) -> String {
    match words {
        [one] => format!("`{one}`"),
        [first @ .., last] => format!("{} or `{last}`", listed(first)),
        [] => "nothing".to_owned(),
    }
}

pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// A word as the keys of a case are spelt.
pub(crate) fn plain(word: &str) -> String {
    word.to_lowercase().replace(['_', ' '], "-")
}

/// The known word that was most probably meant.
pub(crate) fn nearest<'w>(found: &str, words: &[&'w str]) -> Option<&'w str> {
    let plain = plain(found);
    if let Some((_, meant)) = SYNONYMS.iter().find(|(other, _)| *other == plain)
        && let Some(word) = words.iter().find(|word| *word == meant)
    {
        return Some(word);
    }
    words
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&plain, word), *word))
        .filter(|(distance, word)| *distance <= (word.len().max(plain.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
