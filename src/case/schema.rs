//! The JSON Schema of a case file (and of other files), for editors and for the check of every file.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::written::WrittenCase;

/// The JSON Schema (draft 07) of one document of a case file, as indented text that
/// ends with a newline.
pub fn json() -> String {
    let mut text = format!("{:#}", value());
    text.push('\n');
    text
}

/// The schema without references, computed once.
pub(crate) fn value() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(schema_of::<WrittenCase>)
}

/// The schema of what is written as `T`, without references.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07()
        .for_deserialize()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(Plain);
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Leaves out what Rust's types imply and authors should not read: null for an absent
/// key, null defaults, machine formats of numbers.
#[derive(Debug, Clone)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            for property in properties.values_mut() {
                without_null(property);
            }
        }
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace('\n', " ");
        }
        for key in ["default", "format"] {
            schema.remove(key);
        }
        transform_subschemas(self, schema);
    }
}

fn without_null(property: &mut Value) {
    let Value::Object(map) = property else { return };
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = map.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
        branches.retain(|branch| branch["type"] != "null");
        if let [Value::Object(only)] = branches.as_slice() {
            let only = only.clone();
            map.remove("anyOf");
            for (key, value) in only {
                map.entry(key).or_insert(value);
            }
        }
    }
}
