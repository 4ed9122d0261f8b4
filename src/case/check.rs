//! Holds what was written against a JSON Schema, the case file's or another: unknown keys, wrong
//! types, unknown words. Whatever is wrong is told and taken out, so that the rest of
//! the document can be judged as well.

use serde_json::{Map, Value};

use super::error::printable;
use super::marks::{Mark, Node};
use super::report::Report;
use super::schema;
use super::wording::{
    Notation, admits, alternatives, branch, example, fits, found, has_words, listed, nearest,
    plain, wanted, words,
};

/// What kind of file is checked.
pub(crate) struct Form {
    pub(crate) schema: &'static Value,
    pub(crate) notation: Notation,
    /// What the whole is called.
    pub(crate) whole: &'static str,
    /// What to begin with, where the whole is something else.
    pub(crate) start: &'static str,
    /// Keys that the format has and this version does not.
    pub(crate) later: &'static [(&'static str, &'static str)],
    /// The path of the key with this name, where it belongs into another part.
    pub(crate) home: fn(&str) -> Option<String>,
}

/// Checks one document of a case file; false where nothing of it can be used.
pub(crate) fn check(value: &mut Value, root: &Node, report: &mut Report<'_>) -> bool {
    let form = Form {
        schema: schema::value(),
        notation: Notation::Yaml,
        whole: "a case",
        start: "start with `target:`, and below it `language:` and `run:`",
        later: &[],
        home: home_of,
    };
    check_form(value, root, report, &form)
}

/// Checks a file of any kind; false where nothing of it can be used.
pub(crate) fn check_form(
    value: &mut Value,
    root: &Node,
    report: &mut Report<'_>,
    form: &Form,
) -> bool {
    let place = Place {
        path: "",
        name: "",
        key: root.mark,
        node: Some(root),
    };
    Check { report, form }.value(value, form.schema, place)
}

/// Where a value stands, for messages.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// The path from the top: `target.requires[0]`; empty for the document.
    path: &'p str,
    /// The last part of the path.
    name: &'p str,
    key: Mark,
    node: Option<&'p Node>,
}

impl Place<'_> {
    fn mark(self) -> Mark {
        self.node.map_or(self.key, |node| node.mark)
    }

    fn path(self) -> Option<String> {
        (!self.path.is_empty()).then(|| self.path.to_owned())
    }
}

struct Check<'r, 's> {
    report: &'r mut Report<'s>,
    form: &'r Form,
}

impl Check<'_, '_> {
    fn example(&self, schema: &Value, name: &str) -> Option<String> {
        example(schema, name, self.form.notation)
    }

    fn wrong(
        &mut self,
        mark: Mark,
        place: Place<'_>,
        message: String,
        help: Option<String>,
    ) -> bool {
        self.report
            .add(mark, place.path().as_deref(), message, help);
        false
    }

    fn value(&mut self, value: &mut Value, schema: &Value, place: Place<'_>) -> bool {
        if is_any_text(value, schema) {
            return true;
        }
        let schema = branch(value, schema);
        if value.is_null() && !admits(schema, "null") {
            let help = self.example(schema, place.name).map_or_else(
                || "give it a value or remove the key".to_owned(),
                |example| format!("write for example {example}, or remove the key"),
            );
            let message = if place.path.is_empty() {
                "the document is empty"
            } else {
                "has no value"
            };
            return self.wrong(place.key, place, message.to_owned(), Some(help));
        }
        if let (Value::Number(number), true) = (&*value, admits(schema, "number")) {
            // as it was written: `1.10` stays `1.10`
            let text = place.node.and_then(Node::text).map(str::to_owned);
            *value = Value::String(text.unwrap_or_else(|| number.to_string()));
            return true;
        }
        if !fits(value, schema) {
            return self.wrong_type(value, schema, place);
        }
        if let Some(words) = words(schema) {
            return self.word(value, &words, place);
        }
        match value {
            Value::Object(map) => {
                self.mapping(map, schema, place);
                true
            }
            Value::Array(items) => {
                let mut good = true;
                if items.is_empty() && schema["minItems"] == 1 {
                    let help = self
                        .example(schema, place.name)
                        .map(|text| format!("write for example {text}"));
                    return self.wrong(place.mark(), place, "the list is empty".to_owned(), help);
                }
                for (index, item) in items.iter_mut().enumerate() {
                    let node = place.node.and_then(|node| node.item(index));
                    let inner = Place {
                        path: &format!("{}[{index}]", place.path),
                        name: place.name,
                        key: node.map_or(place.mark(), |node| node.mark),
                        node,
                    };
                    good &= self.value(item, &schema["items"], inner);
                }
                good
            }
            Value::Number(number) => {
                let bound = |key: &str| schema[key].as_f64();
                let found = number.as_f64().unwrap_or(f64::NAN);
                let (low, high) = (bound("minimum"), bound("maximum"));
                if low.is_none_or(|low| found >= low) && high.is_none_or(|high| found <= high) {
                    return true;
                }
                let message = match (low, high) {
                    (Some(low), Some(high)) => {
                        format!("must be from {low} to {high}, found {number}")
                    }
                    (Some(low), None) => format!("must be at least {low}, found {number}"),
                    (None, _) => format!("is too large: {number}"),
                };
                let help = self
                    .example(schema, place.name)
                    .map(|text| format!("write for example {text}"));
                self.wrong(place.mark(), place, message, help)
            }
            _ => true,
        }
    }

    fn word(&mut self, value: &Value, words: &[&str], place: Place<'_>) -> bool {
        let found = value.as_str().unwrap_or_default();
        if words.contains(&found) {
            return true;
        }
        let known = format!("write {}", alternatives(words));
        let shown = printable(found, 40);
        let help = match nearest(found, words) {
            Some(word) => format!("did you mean `{word}`? Otherwise {known}"),
            None => known,
        };
        self.wrong(
            place.mark(),
            place,
            format!("`{shown}` is not known here"),
            Some(help),
        )
    }

    fn mapping(&mut self, map: &mut Map<String, Value>, schema: &Value, place: Place<'_>) {
        let properties = schema["properties"].as_object();
        let names: Vec<String> = map.keys().cloned().collect();
        for name in names {
            let path = if place.path.is_empty() {
                name.clone()
            } else {
                format!("{}.{name}", place.path)
            };
            let found = place.node.and_then(|node| node.get(&name));
            let inner = Place {
                path: &path,
                name: &name,
                key: found.map_or(place.mark(), |(key, _)| key.mark),
                node: found.map(|(_, node)| node),
            };
            let known = properties.and_then(|properties| properties.get(&name));
            let below = match known {
                Some(known) => known,
                None if schema["additionalProperties"].is_object() => {
                    &schema["additionalProperties"]
                }
                None => {
                    map.remove(&name);
                    self.unknown_key(inner, place, properties);
                    continue;
                }
            };
            if let Some(value) = map.get_mut(&name)
                && !self.value(value, below, inner)
            {
                map.remove(&name);
                self.report.doubt(path.clone());
            }
        }
    }

    fn unknown_key(
        &mut self,
        inner: Place<'_>,
        parent: Place<'_>,
        properties: Option<&Map<String, Value>>,
    ) {
        let shown = printable(inner.path, 80);
        if let Some((_, help)) = self.form.later.iter().find(|(path, _)| *path == inner.path) {
            self.report.add(
                inner.key,
                Some(&shown),
                "is not yet supported",
                Some((*help).to_owned()),
            );
            return;
        }
        let whole = if parent.path.is_empty() {
            self.form.whole.to_owned()
        } else {
            format!("`{}`", parent.path)
        };
        let names: Vec<&str> = properties
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let near = nearest(inner.name, &names);
        let help = if let Some(near) = near {
            let path = match parent.path {
                "" => near.to_owned(),
                path => format!("{path}.{near}"),
            };
            self.report.doubt(path);
            format!("did you mean `{near}`?")
        } else if let Some(home) = (self.form.home)(inner.name) {
            self.report.doubt(home.clone());
            match home.rsplit_once('.') {
                Some((section, key)) => format!("`{key}` belongs under `{section}:`"),
                None => format!("`{home}` belongs at the left margin"),
            }
        } else if names.is_empty() {
            format!("{whole} is written as an empty mapping, `{{}}`")
        } else {
            format!("the keys of {whole} are {}", listed(&names))
        };
        self.report.add(
            inner.key,
            Some(&shown),
            format!("is not a key of {whole}"),
            Some(help),
        );
    }

    fn wrong_type(&mut self, value: &Value, schema: &Value, place: Place<'_>) -> bool {
        let written = place.node.and_then(Node::text).unwrap_or_default();
        let wants = |kind: &str| admits(schema, kind);
        let sample = self.example(schema, place.name);
        let notation = self.form.notation;
        let measured = schema["examples"][0]
            .as_str()
            .is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
        let wants_what = if measured {
            "a number with its unit".to_owned()
        } else {
            wanted(schema, notation)
        };
        let message = format!("needs {wants_what}, found {}", found(value, notation));
        let help = match value {
            Value::Number(_) | Value::Bool(_) if wants("string") && !measured => Some(format!(
                "put it in quotes: `\"{}\"`",
                printable(written, 60)
            )),
            Value::String(_) if wants("array") && !written.contains('\n') => {
                let item = notation.inline(&Value::String(written.to_owned()));
                let list = format!("[{}]", printable(&item, 60));
                Some(format!("write `{}`", notation.entry(place.name, &list)))
            }
            _ if place.path.is_empty() => Some(self.form.start.to_owned()),
            _ => sample.map(|sample| format!("write for example {sample}")),
        };
        self.wrong(place.mark(), place, message, help)
    }
}

/// Whether it is text where any text may stand, as most values are.
fn is_any_text(value: &Value, schema: &Value) -> bool {
    value.is_string() && schema["type"] == "string" && !has_words(schema)
}

/// The path of the key with this name, where it belongs into another part of the case.
fn home_of(name: &str) -> Option<String> {
    let name = plain(name);
    let properties = schema::value()["properties"].as_object()?;
    if properties.contains_key(&name) {
        return Some(name);
    }
    ["target", "limits", "measure"]
        .into_iter()
        .find(|section| properties[*section]["properties"].get(&name).is_some())
        .map(|section| format!("{section}.{name}"))
}
