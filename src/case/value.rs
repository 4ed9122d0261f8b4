//! What stands at the places of a document: texts, numbers, flags, or nothing. The only user of `serde_yaml`.
//!
//! The structure of a text has been read already, with its places. What is asked of `serde_yaml` is what it
//! knows and a scan does not: what a word without quotes means. A text with tags it reads as a whole.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::marks::{Document, Kind, Node, Scan};
use super::plain::Plain;

/// The values of the documents of a text, in their order.
pub(crate) struct Values<'t> {
    /// The whole text, where a tag in it says what a value is.
    whole: Option<serde_yaml::Deserializer<'t>>,
}

impl<'t> Values<'t> {
    pub(crate) fn new(text: &'t str, scan: &Scan) -> Self {
        let whole = scan
            .tagged
            .then(|| serde_yaml::Deserializer::from_str(text));
        Self { whole }
    }

    /// The value of the next document, which is this one; none where the text ends before.
    pub(crate) fn next(&mut self, document: &Document) -> Option<Result<Value, serde_yaml::Error>> {
        let Some(whole) = &mut self.whole else {
            return Some(Ok(value(&document.root)));
        };
        let value = Plain::deserialize(whole.next()?);
        Some(value.map(|Plain(value)| value))
    }
}

/// The value of a node; the scan has bounded how deep and how large it is.
fn value(node: &Node) -> Value {
    match &node.content.kind {
        Kind::Scalar(text) if node.content.quoted => Value::String(text.clone()),
        Kind::Scalar(text) => word(text),
        Kind::List(items) => Value::Array(items.iter().map(value).collect()),
        Kind::Map(entries) => {
            let entries = entries.iter().filter(|(key, _)| key.name != "<<");
            let mut map = Map::new();
            for (key, node) in entries {
                map.insert(key.name.clone(), value(node));
            }
            Value::Object(map)
        }
    }
}

/// What a word without quotes means.
fn word(text: &str) -> Value {
    let other = match text.bytes().next() {
        None => return Value::Null,
        Some(b'1'..=b'9') if let Ok(number) = text.parse::<u64>() => return number.into(),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
            let part = |byte: u8| byte.is_ascii_alphanumeric() || b".+-".contains(&byte);
            text.bytes().all(part) && !text.starts_with("---") && !text.starts_with("...")
        }
        Some(b'~' | b't' | b'T' | b'f' | b'F' | b'n' | b'N') => {
            text.len() <= "false".len()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphabetic() || byte == b'~')
        }
        Some(_) => false,
    };
    let asked = other.then(|| Plain::deserialize(serde_yaml::Deserializer::from_str(text)));
    match asked {
        Some(Ok(Plain(value))) if !value.is_array() && !value.is_object() => value,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    /// By the places, and by `serde_yaml` alone.
    fn both(text: &str) -> (Vec<Value>, Vec<Value>) {
        let scan = scan(text);
        assert!(scan.fault.is_none(), "{text}: {:?}", scan.fault);
        let mut values = Values::new(text, &scan);
        let ours = scan.documents.iter().map(|document| {
            let value = values
                .next(document)
                .unwrap_or_else(|| panic!("{text}: it ends"));
            value.unwrap_or_else(|error| panic!("{text}: {error}"))
        });
        let whole = serde_yaml::Deserializer::from_str(text);
        let theirs = whole.map(|document| {
            let Plain(value) =
                Plain::deserialize(document).unwrap_or_else(|error| panic!("{text}: {error}"));
            value
        });
        (ours.collect(), theirs.collect())
    }

    #[test]
    fn a_word_means_what_serde_yaml_says() {
        let words = "1 -1 +1 0 -0 00 007 08 1_000 0x1f 0X1F -0x1f 0o17 0b101 0x 0o8 1e3 1E3 1e 1. .5 -.5 +.5 . .. .a \
                     1.10 1.2.3 .inf -.inf +.INF .nan .NaN .nAn ~ ~~ null Null NULL nULL nil n N no No y yes on off true \
                     True TRUE tRUE truee false False FALSE f t Nan NaN inf 12:30 2001-01-01 1-2 1+2 -a +a -- 5s 30s \
                     18446744073709551615 18446744073709551616 -9223372036854775808 -9223372036854775809 \
                     340282366920938463463374607431768211455 340282366920938463463374607431768211456 1e400 \
                     a a-b =1 <<";
        for word in words
            .split_whitespace()
            .chain(["30 s", "1 KiB", "null x", "true false"])
        {
            for text in [
                format!("key: {word}\n"),
                format!("key: '{word}'\n"),
                format!("key: \"{word}\"\n"),
                format!("key: |\n  {word}\n"),
                format!("key: [{word}, {word}]\n"),
                format!("{word}\n"),
            ] {
                let (ours, theirs) = both(&text);
                assert_eq!(ours, theirs, "{text}");
            }
        }
    }

    #[test]
    fn texts_and_structures_are_those_of_serde_yaml() {
        for text in [
            "a:\nb: ~\nc: ''\nd: []\ne: {}\n",
            "a: &x {b: [1, two, 'three']}\nc: *x\nd: [*x, *x]\n",
            "a: !!str 5\nb: 5\n",
            "a: 1\n---\na: !!str 2\n---\n- 3\n",
            "a: one\n  two\n\n  three\nb: 'one\n  two\n\n  three'\n",
            "a: |\n  one\n\n   two\n\nb: >-\n  one\n  two\n\n  three\nc: |+\n  one\n\nd: >2\n    one\n",
            "a: \"\\x41\\u00e9\\n\\t\\\\ \\\"\\/\"\nb: 'it''s'\n",
            "a: \"one \\\n  two\"\n",
            "'1': a\n\"b c\": d\n? e\n: f\n",
            "# comment\na: b # comment\nc: d#e\n",
            "%YAML 1.2\n---\na: b\n...\n",
            "[a, {b: c}, [d]]\n",
        ] {
            let (ours, theirs) = both(text);
            assert_eq!(ours, theirs, "{text}");
        }
    }
}
