//! Text on its way into a page: nothing of it is taken for markup, for a script or for an order of letters.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use super::super::text::printable;

/// Text as it stands between tags, and between quotes within one.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text whose letters stand in the order in which they are read: marks that turn it round, which could make
/// one case look like another, are shown as what they are not.
pub(super) fn shown(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    printable(text)
        .chars()
        .map(|c| if turns(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Data as it stands in a `script` that is not run: no tag ends or begins in it, whatever its texts hold.
pub(super) fn json(data: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(data)?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // These stand in JSON only within texts, where they may be written as numbers.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_markup() {
        assert_eq!(
            escape("<b title=\"x\" id='y'>&amp;"),
            "&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;"
        );
        assert_eq!(escape("a\u{1b}[31m\u{202e}b"), "a\u{fffd}[31m\u{fffd}b");
    }

    #[test]
    fn no_text_ends_the_data_that_it_stands_in() {
        let evil = "</script><!--<script>&\u{2028}";
        let written = json(&evil).unwrap();
        assert!(!written.contains(['<', '>', '&', '\u{2028}']), "{written}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), evil);
    }
}
