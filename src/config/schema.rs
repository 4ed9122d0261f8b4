//! The JSON Schema of `memcase.toml`, for editors and for the check of every file.

use std::sync::OnceLock;

use serde_json::Value;

use super::written::WrittenConfig;
use crate::case::schema_of;

/// The JSON Schema (draft 07) of the configuration, as indented text that ends with a newline.
pub fn json() -> String {
    let mut text = format!("{:#}", value());
    text.push('\n');
    text
}

/// The schema without references, computed once.
pub(super) fn value() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(schema_of::<WrittenConfig>)
}
