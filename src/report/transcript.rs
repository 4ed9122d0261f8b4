//! What libtest prints, taken apart so that verdicts can be put beside its lines.

/// A piece of libtest's output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A line that is passed on as it is.
    Plain(&'a str),
    /// `running 3 tests`.
    Title(&'a str),
    /// `test NAME ... WORD`.
    Test {
        /// The name, padded.
        padded: &'a str,
        /// The case.
        id: &'a str,
        /// `ok`, `FAILED`, `ignored (why)`.
        word: &'a str,
    },
    /// One character of the terse format.
    Mark(char),
    /// `test result: WORD. 1 passed; …`.
    Result {
        /// `ok` or `FAILED`.
        word: &'a str,
        /// From the full stop on.
        rest: &'a str,
    },
}

/// Takes bytes as they come and gives pieces as they are whole.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    line: Vec<u8>,
    /// Lines (or marks) of tests that are still to come, once the title was seen.
    left: Option<usize>,
    terse: bool,
}

impl Transcript {
    pub(super) fn new(terse: bool) -> Self {
        Self {
            terse,
            ..Self::default()
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Piece<'_>)) {
        for &byte in bytes {
            let in_marks = self.terse && self.left.is_some_and(|left| left > 0);
            if in_marks && self.line.is_empty() && matches!(byte, b'.' | b'F' | b'i') {
                self.left = self.left.map(|left| left - 1);
                take(Piece::Mark(char::from(byte)));
            } else if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.line(&String::from_utf8_lossy(&line), &mut take);
            } else {
                self.line.push(byte);
            }
        }
    }

    fn line(&mut self, line: &str, take: &mut impl FnMut(Piece<'_>)) {
        match self.left {
            None => {
                self.left = line
                    .strip_prefix("running ")
                    .and_then(|rest| rest.split(' ').next()?.parse().ok());
                take(if self.left.is_some() {
                    Piece::Title(line)
                } else {
                    Piece::Plain(line)
                });
            }
            Some(left) if left > 0 && !self.terse => {
                self.left = Some(left - 1);
                take(test_line(line).unwrap_or(Piece::Plain(line)));
            }
            Some(_) => take(result_line(line).unwrap_or(Piece::Plain(line))),
        }
    }
}

fn test_line(line: &str) -> Option<Piece<'_>> {
    let rest = line.strip_prefix("test ")?;
    // The words after the dots hold none themselves, except a reason in parentheses.
    let split = rest.find(" ... ignored").or_else(|| rest.rfind(" ... "))?;
    let (padded, word) = (&rest[..split], &rest[split + " ... ".len()..]);
    Some(Piece::Test {
        padded,
        id: padded.trim_end(),
        word,
    })
}

fn result_line(line: &str) -> Option<Piece<'_>> {
    let rest = line.strip_prefix("test result: ")?;
    let dot = rest.find('.')?;
    Some(Piece::Result {
        word: &rest[..dot],
        rest: &rest[dot..],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(transcript: &mut Transcript, text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        for byte in text.as_bytes() {
            transcript.feed(&[*byte], |piece| seen.push(format!("{piece:?}")));
        }
        seen
    }

    #[test]
    fn lines_of_tests_are_told_from_what_failures_print() {
        let text = "\nrunning 2 tests\ntest a/é  ... ok\ntest b    ... ignored (a ... b)\n\nfailures:\n\n\
                    ---- b ----\ntest x ... ok\n\ntest result: FAILED. 1 passed; 1 failed\n";
        assert_eq!(
            pieces(&mut Transcript::new(false), text),
            [
                r#"Plain("")"#,
                r#"Title("running 2 tests")"#,
                r#"Test { padded: "a/é ", id: "a/é", word: "ok" }"#,
                r#"Test { padded: "b   ", id: "b", word: "ignored (a ... b)" }"#,
                r#"Plain("")"#,
                r#"Plain("failures:")"#,
                r#"Plain("")"#,
                r#"Plain("---- b ----")"#,
                r#"Plain("test x ... ok")"#,
                r#"Plain("")"#,
                r#"Result { word: "FAILED", rest: ". 1 passed; 1 failed" }"#,
            ]
        );
    }

    #[test]
    fn marks_of_the_terse_format_come_one_by_one() {
        let text = "\nrunning 3 tests\n.Fi\nFailed.\n";
        assert_eq!(
            pieces(&mut Transcript::new(true), text)[2..],
            [
                "Mark('.')",
                "Mark('F')",
                "Mark('i')",
                r#"Plain("")"#,
                r#"Plain("Failed.")"#
            ]
        );
    }
}
