//! Whole lines of output that comes in pieces.

/// The part of a line that is looked at.
pub(in crate::measure) const LONGEST: usize = 16 * 1024;

/// Holds the line that is not whole yet, of which no more than its beginning is kept.
#[derive(Debug, Default)]
pub(in crate::measure) struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// Takes output as it comes, and tells of each line that is whole, without its end.
    pub(in crate::measure) fn feed(&mut self, bytes: &[u8], mut whole: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = LONGEST.saturating_sub(self.line.len()).min(text.len());
            self.line.extend_from_slice(&text[..room]);
            if ends {
                whole(&self.line);
                self.line.clear();
            }
        }
    }

    /// Bytes that are kept.
    #[cfg(test)]
    pub(in crate::measure) fn len(&self) -> usize {
        self.line.len()
    }
}
