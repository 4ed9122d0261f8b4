//! Counts the lines of a target's output that tell its progress.

use std::sync::atomic::Ordering;

use super::child::Progress;

/// The part of a line that is looked at.
const LONGEST: usize = 16 * 1024;

/// Takes output as it comes and counts whole lines that match.
#[derive(Debug)]
pub(super) struct LineCounter {
    progress: Progress,
    line: Vec<u8>,
}

impl LineCounter {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            progress,
            line: Vec::new(),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, whole) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = LONGEST.saturating_sub(self.line.len()).min(text.len());
            self.line.extend_from_slice(&text[..room]);
            if whole {
                let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
                if self.progress.pattern.is_match(line) {
                    self.progress.lines.fetch_add(1, Ordering::Relaxed);
                }
                self.line.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use regex::bytes::Regex;

    use super::*;

    #[test]
    fn whole_lines_that_match_are_counted_however_they_come() {
        let lines = Arc::new(AtomicU64::new(0));
        let pattern = Regex::new("^done [0-9]+$").unwrap();
        let mut counter = LineCounter::new(Progress {
            pattern,
            lines: Arc::clone(&lines),
        });
        for (piece, expected) in [
            ("done 1\ndone", 1),
            (" 2", 1),
            ("\r\n", 2),
            ("undone 3\ndone x\ndone 4\ndone 5", 3),
        ] {
            counter.feed(piece.as_bytes());
            assert_eq!(lines.load(Ordering::Relaxed), expected, "{piece:?}");
        }
        counter.feed(&vec![b'x'; 10 * LONGEST]);
        assert!(counter.line.len() <= LONGEST);
    }
}
