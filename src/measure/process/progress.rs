//! Counts the lines of a target's output that tell its progress.

use std::sync::atomic::Ordering;

use super::child::Progress;
use crate::measure::lines::Lines;

/// Takes output as it comes and counts whole lines that match.
#[derive(Debug)]
pub(super) struct LineCounter {
    progress: Progress,
    lines: Lines,
}

impl LineCounter {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            progress,
            lines: Lines::default(),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let progress = &self.progress;
        self.lines.feed(bytes, |line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if progress.pattern.is_match(line) {
                progress.lines.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use regex::bytes::Regex;

    use super::*;
    use crate::measure::lines::LONGEST;

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
        assert!(counter.lines.len() <= LONGEST);
    }
}
