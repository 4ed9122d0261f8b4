//! A terminal that a program and memcase share: the program's output goes through untouched, and a line of
//! memcase's stands below it while the program is silent at the start of a line.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    OptionalActions, OutputModes, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

/// A terminal of its own for the program's output, whose bytes are as the program wrote them.
#[derive(Debug)]
pub(super) struct Inner {
    /// The end that memcase reads.
    pub(super) ours: OwnedFd,
}

impl Inner {
    /// One that looks like `outer`; with it the end for the program.
    pub(super) fn like(outer: BorrowedFd<'_>) -> io::Result<(Self, OwnedFd)> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags =
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty())?;
        let mut modes = tcgetattr(outer)?;
        // The outer one does what is to be done to the bytes, once.
        modes.output_modes.remove(OutputModes::OPOST);
        tcsetattr(&theirs, OptionalActions::Now, &modes)?;
        let inner = Self { ours };
        inner.resize(outer);
        Ok((inner, theirs))
    }

    /// Takes over the size of the outer one.
    pub(super) fn resize(&self, outer: BorrowedFd<'_>) {
        if let Ok(size) = tcgetwinsize(outer) {
            // A program that asks gets the old one.
            let _ = tcsetwinsize(&self.ours, size);
        }
    }
}

/// Modes that a program sets on the inner terminal (curses does) and means for the outer one, where keys are typed.
#[derive(Debug)]
pub(super) struct Modes {
    outer: OwnedFd,
    first: Termios,
    last: Termios,
    changed: bool,
}

impl Modes {
    pub(super) fn of(inner: &Inner, outer: BorrowedFd<'_>) -> Option<Self> {
        Some(Self {
            outer: outer.try_clone_to_owned().ok()?,
            first: tcgetattr(outer).ok()?,
            last: tcgetattr(&inner.ours).ok()?,
            changed: false,
        })
    }

    /// Whether the program set modes by its output, now or before.
    pub(super) fn follow(&mut self, inner: BorrowedFd<'_>) -> bool {
        let Ok(now) = tcgetattr(inner) else {
            return self.changed;
        };
        if now.local_modes != self.last.local_modes || now.input_modes != self.last.input_modes {
            self.changed = true;
            if let Ok(mut outer) = tcgetattr(&self.outer) {
                outer.local_modes = now.local_modes;
                outer.input_modes = now.input_modes;
                outer.special_codes = now.special_codes.clone();
                let _ = tcsetattr(&self.outer, OptionalActions::Drain, &outer);
            }
            self.last = now;
        }
        self.changed
    }
}

impl Drop for Modes {
    fn drop(&mut self) {
        if self.changed {
            let _ = tcsetattr(&self.outer, OptionalActions::Drain, &self.first);
        }
    }
}

/// The terminal on standard error, as far as memcase draws there.
#[derive(Debug, Default)]
pub(super) struct Screen {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Whether there is a line of ours now.
    shown: bool,
    /// Whether the last thing that the program wrote was a whole line.
    at_start: bool,
    /// Whether the program draws on the screen by itself.
    over: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            shown: false,
            at_start: true,
            over: false,
        }
    }
}

impl Screen {
    /// Writes what the program wrote, our line out of the way.
    pub(super) fn pass(&self, bytes: &[u8], draws: bool, out: &mut impl Write) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clear()?;
        state.over |= draws || moves_about(bytes);
        if let Some(&last) = bytes.last() {
            state.at_start = last == b'\n';
        }
        out.write_all(bytes)
    }

    /// Shows a line, if there is a place for it.
    pub(super) fn show(&self, line: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over || !state.at_start {
            return;
        }
        let mut out = io::stderr().lock();
        // A terminal that is gone is no reason to stop.
        let _ = write!(out, "\r{line}\u{1b}[K\r").and_then(|()| out.flush());
        state.shown = true;
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = state.clear();
    }
}

impl State {
    fn clear(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.shown) {
            let mut out = io::stderr().lock();
            out.write_all(b"\r\x1b[K")?;
            out.flush()?;
        }
        Ok(())
    }
}

/// Whether there is control in it beyond colours and the end of a line: then the screen is the program's.
fn moves_about(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == 0x1b) {
        rest = &rest[at + 1..];
        let Some(sequence) = rest.strip_prefix(b"[") else {
            return true;
        };
        let end = sequence
            .iter()
            .position(|byte| (0x40..=0x7e).contains(byte));
        match end.map(|end| sequence[end]) {
            Some(b'm' | b'K') => {}
            _ => return true,
        }
    }
    false
}

/// The bytes of a line's width on the terminal.
pub(super) fn width() -> usize {
    tcgetwinsize(io::stderr().as_fd()).map_or(80, |size| usize::from(size.ws_col))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_leave_the_line_in_place_and_a_full_screen_does_not() {
        assert!(!moves_about(b"plain\n"));
        assert!(!moves_about(b"\x1b[1;32mgreen\x1b[0m\x1b[K\n"));
        assert!(moves_about(b"\x1b[?1049h"));
        assert!(moves_about(b"\x1b[2A"));
        assert!(moves_about(b"x\x1b7"));
        assert!(moves_about(b"cut \x1b["));
    }
}
