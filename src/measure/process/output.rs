//! What a target writes: drained so that it never blocks, kept only in part.
//!
//! The first and the last 64 KiB are kept; a target that floods its output costs
//! no more than that, in memory or on disk.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::child::Progress;
use super::progress::LineCounter;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const KEEP: usize = 64 * 1024;
/// How many bytes of the end are shown when a target fails.
const SHOWN: usize = 4 * 1024;
/// A stray that still holds the pipe cannot hold memcase longer than this.
const DRAIN: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        let room = KEEP - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(KEEP);
        self.tail.drain(..excess);
        self.dropped += excess as u64;
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.dropped > 0 {
            bytes.extend_from_slice(format!("\n[{} bytes left out]\n", self.dropped).as_bytes());
        }
        bytes.extend(self.tail);
        bytes
    }
}

/// Drains a pipe in a thread of its own.
#[derive(Debug)]
pub(super) struct Drain {
    thread: JoinHandle<Kept>,
    ended: Arc<AtomicBool>,
    path: PathBuf,
}

impl Drain {
    /// Drains `pipe` until it is closed, or until a moment after [`Drain::finish`].
    /// Counts the lines that tell progress on the way.
    pub(super) fn start(
        pipe: OwnedFd,
        path: PathBuf,
        progress: Option<Progress>,
    ) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let mut counter = progress.map(LineCounter::new);
        // Looking for a pattern takes some stack.
        let stack = if counter.is_some() { 512 } else { 64 } * 1024;
        let flag = Arc::clone(&ended);
        let thread = std::thread::Builder::new()
            .name("output".to_owned())
            .stack_size(stack)
            .spawn(move || drain(&pipe, &flag, counter.as_mut()))?;
        Ok(Self {
            thread,
            ended,
            path,
        })
    }

    /// Writes what was kept to the log file and returns its last lines.
    pub(super) fn finish(self) -> String {
        self.ended.store(true, Ordering::Relaxed);
        let Ok(kept) = self.thread.join() else {
            return String::new();
        };
        let bytes = kept.into_bytes();
        let shown = last_lines(&bytes);
        match write_private(&self.path, &bytes) {
            Ok(()) => shown,
            Err(error) => format!(
                "{shown}\n[the output could not be kept in {}: {error}]",
                self.path.display()
            ),
        }
    }
}

fn drain(pipe: &OwnedFd, ended: &AtomicBool, mut counter: Option<&mut LineCounter>) -> Kept {
    let mut kept = Kept::default();
    let mut buffer = vec![0; 16 * 1024];
    let mut deadline = None;
    loop {
        if ended.load(Ordering::Relaxed) {
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + DRAIN);
            if Instant::now() >= deadline {
                return kept;
            }
        }
        let slice = Timespec {
            tv_sec: 0,
            tv_nsec: 20_000_000,
        };
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&slice)) {
            Ok(0) => {
                if ended.load(Ordering::Relaxed) {
                    return kept;
                }
            }
            Ok(_) => match rustix::io::read(pipe, &mut buffer) {
                Ok(0) => return kept,
                Ok(n) => {
                    kept.push(&buffer[..n]);
                    if let Some(counter) = &mut counter {
                        counter.feed(&buffer[..n]);
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return kept,
            },
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return kept,
        }
    }
}

fn last_lines(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(SHOWN);
    let text = String::from_utf8_lossy(&bytes[start..]);
    let text = match (start, text.find('\n')) {
        (1.., Some(newline)) => &text[newline + 1..],
        _ => &text[..],
    };
    text.trim_end().to_owned()
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_keeps_its_beginning_and_its_end() {
        let mut kept = Kept::default();
        for i in 0..100_000 {
            kept.push(format!("line {i}\n").as_bytes());
        }
        assert!(kept.dropped > 0);
        let bytes = kept.into_bytes();
        assert!(bytes.len() < 2 * KEEP + 100);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("line 0\n"));
        assert!(text.contains("bytes left out"));
        assert!(text.ends_with("line 99999\n"));
    }

    #[test]
    fn a_short_output_is_kept_whole() {
        let mut kept = Kept::default();
        kept.push(b"one\ntwo\n");
        assert_eq!(last_lines(&kept.into_bytes()), "one\ntwo");
    }
}
