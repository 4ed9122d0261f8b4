//! Lines of a program's output that begin a phase.

use regex::bytes::Regex;

use crate::measure::lines::Lines;

/// Characters of a name that are kept.
const NAME: usize = 120;

/// Takes output as it comes, and finds whole lines that match.
#[derive(Debug)]
pub(super) struct Markers {
    pattern: Regex,
    lines: Lines,
}

impl Markers {
    pub(super) fn new(pattern: Regex) -> Self {
        Self {
            pattern,
            lines: Lines::default(),
        }
    }

    /// The names of the phases that begin in these bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        let pattern = &self.pattern;
        self.lines
            .feed(bytes, |line| names.extend(name(pattern, line)));
        names
    }
}

/// The first group of the pattern that took part, else the whole line.
fn name(pattern: &Regex, line: &[u8]) -> Option<String> {
    // A pattern speaks of signs, and `.` is none that is no text.
    let plain = without_control(line);
    let plain = String::from_utf8_lossy(&plain);
    let found = pattern.captures(plain.as_bytes())?;
    let group = found.iter().skip(1).flatten().next();
    let name = group.map_or(plain.as_bytes(), |group| group.as_bytes());
    let text = String::from_utf8_lossy(name);
    let text: String = text.trim().chars().take(NAME).collect();
    Some(if text.is_empty() {
        "(empty line)".to_owned()
    } else {
        text
    })
}

/// A line as it is seen: without colours and other control.
fn without_control(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            0x1b if bytes.next_if_eq(&b'[').is_some() => {
                bytes.by_ref().find(|byte| (0x40..=0x7e).contains(byte));
            }
            b'\t' => plain.push(b' '),
            0..=0x1f | 0x7f => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::lines::LONGEST;

    #[test]
    fn a_phase_is_named_by_its_line_or_by_the_group_of_the_pattern() {
        let mut lines = Markers::new(Regex::new("^== ").unwrap());
        assert!(lines.feed(b"x == y\n== lo").is_empty());
        assert_eq!(
            lines.feed(b"ad\r\n== \x1b[1mserve\x1b[0m\n== half"),
            ["== load", "== serve"]
        );
        let mut lines = Markers::new(Regex::new("^phase: (.*)$|^(done)$").unwrap());
        assert_eq!(
            lines.feed(b"phase: a b\ndone\nphase: \n"),
            ["a b", "done", "(empty line)"]
        );
        assert_eq!(lines.feed(b"phase: \xff\n"), ["\u{fffd}"]);
    }

    #[test]
    fn of_a_line_without_end_only_the_beginning_is_kept() {
        let mut lines = Markers::new(Regex::new("x").unwrap());
        lines.feed(&vec![b'x'; 10 * LONGEST]);
        assert!(lines.lines.len() <= LONGEST);
        let names = lines.feed(b"\n");
        assert_eq!(names[0].len(), NAME);
    }
}
