//! The text of a generated program, with every line of the case file on its own line
//! number where that can be had, and the map back.

use crate::case::Code;

use super::Segment;

/// A program under construction.
///
/// Pieces of the case file are put on the lines that they have there, by padding, as
/// long as they come in the same order; the segments tell the truth in any case.
#[derive(Debug, Default)]
pub(super) struct Text {
    done: String,
    line: usize,
    segments: Vec<Segment>,
}

impl Text {
    /// Adds lines of memcase's own, given without a newline at their end.
    pub(super) fn own(&mut self, text: &str) {
        self.done.push_str(text);
        self.done.push('\n');
        self.line += text.matches('\n').count() + 1;
    }

    /// Adds a piece of the case file. `case_text` is all of that file.
    pub(super) fn code(&mut self, code: &Code, case_text: &str) {
        while self.line + 1 < code.line {
            self.done.push('\n');
            self.line += 1;
        }
        let text = code.text.trim_end_matches('\n');
        self.segments.push(Segment {
            first: self.line + 1,
            lines: text.matches('\n').count() + 1,
            case_line: code.line,
            indent: indent(code, case_text),
        });
        self.own(text);
    }

    /// The program, and where its lines come from.
    pub(super) fn finish(self) -> (String, Vec<Segment>) {
        (self.done, self.segments)
    }
}

/// Columns that the case file has in front of a piece of code; 0 where it was written
/// in a way (folded, quoted) that does not tell.
pub(super) fn indent(code: &Code, case_text: &str) -> usize {
    let shown = code
        .text
        .lines()
        .zip(case_text.lines().skip(code.line.saturating_sub(1)));
    for (line, case_line) in shown {
        if !line.trim().is_empty() {
            return case_line.find(line).unwrap_or(0);
        }
    }
    0
}

/// A name for some content: FNV-1a with 128 bits, in hexadecimal, the same everywhere.
///
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(super) fn hash(parts: &[&str]) -> String {
    let mut state: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for part in parts {
        // A byte that no text holds stands between two parts.
        for byte in part.bytes().chain([0xff]) {
            state ^= u128::from(byte);
            state = state.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
    format!("{state:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, line: usize) -> Code {
        Code {
            text: text.to_owned(),
            line,
        }
    }

    #[test]
    fn pieces_stand_on_their_own_lines_when_they_come_in_order() {
        let mut program = Text::default();
        program.own("begin");
        program.code(&code("a\nb\n", 4), "\n\n\n    a\n    b\n");
        program.own("middle");
        program.code(&code("c", 9), "");
        let (text, segments) = program.finish();
        assert_eq!(text, "begin\n\n\na\nb\nmiddle\n\n\nc\n");
        assert_eq!((segments[0].first, segments[0].indent), (4, 4));
        assert_eq!((segments[1].first, segments[1].case_line), (9, 9));
    }

    #[test]
    fn pieces_out_of_order_are_mapped() {
        let mut program = Text::default();
        program.code(&code("late", 9), "");
        program.code(&code("early", 2), "");
        let (_, segments) = program.finish();
        assert_eq!((segments[1].first, segments[1].case_line), (10, 2));
    }

    #[test]
    fn hashes_tell_parts_apart() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_eq!(hash(&[]), "6c62272e07bb014262b821756295c58d");
    }
}
