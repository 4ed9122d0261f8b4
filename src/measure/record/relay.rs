//! The program's output on its way to where it would go without memcase: at once and untouched.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use regex::bytes::Regex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use super::lines::Markers;
use super::terminal::{Inner, Modes, Screen};

/// How long after the program's end its last bytes may take to come.
const LAST: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};

/// A line that begins a phase.
#[derive(Debug)]
pub(super) struct Marked {
    pub(super) at: Instant,
    pub(super) name: String,
}

/// The streams that go through memcase.
#[derive(Debug)]
pub(super) struct Relay {
    threads: Vec<JoinHandle<()>>,
    /// Closed to say that the program has ended.
    quit: Option<OwnedFd>,
    /// Readable when a phase began.
    pub(super) woken: OwnedFd,
    /// Keeps `woken` from being at its end, and so always readable, when both streams have ended before the program.
    _wake: OwnedFd,
    pub(super) marked: Receiver<Marked>,
    pub(super) screen: Arc<Screen>,
    inner: Vec<(OwnedFd, OwnedFd)>,
}

/// What the program is given in place of memcase's own standard output and error.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) output: Option<OwnedFd>,
    pub(super) error: Option<OwnedFd>,
}

/// One stream in its thread.
struct Stream {
    from: OwnedFd,
    to: File,
    quit: OwnedFd,
    wake: OwnedFd,
    markers: Option<Markers>,
    marked: Sender<Marked>,
    /// Where the stream goes to a terminal.
    screen: Option<Arc<Screen>>,
    modes: Option<Modes>,
}

impl Relay {
    /// Both streams; each in its own pipe or terminal, unless both go to the same place.
    pub(super) fn start(marker: Option<&Regex>) -> io::Result<(Self, Ends)> {
        let (quit, quit_writer) = pipe_with(PipeFlags::CLOEXEC)?;
        let (woken, wake) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let (sender, marked) = channel();
        let screen = Arc::new(Screen::default());
        let mut relay = Self {
            threads: Vec::new(),
            quit: Some(quit_writer),
            woken,
            _wake: wake.try_clone()?,
            marked,
            screen: Arc::clone(&screen),
            inner: Vec::new(),
        };
        let mut ends = Ends::default();
        let (out, err) = (io::stdout(), io::stderr());
        let same = are_same(out.as_fd(), err.as_fd());
        for (number, to) in [out.as_fd(), err.as_fd()].into_iter().enumerate() {
            if same && number == 1 {
                ends.error = ends.output.as_ref().map(OwnedFd::try_clone).transpose()?;
                continue;
            }
            let terminal = rustix::termios::isatty(to);
            let (from, theirs, modes) = if terminal {
                let (inner, theirs) = Inner::like(to)?;
                let modes = Modes::of(&inner, to);
                relay
                    .inner
                    .push((inner.ours.try_clone()?, to.try_clone_to_owned()?));
                (inner.ours, theirs, modes)
            } else {
                let (from, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
                (from, theirs, None)
            };
            let stream = Stream {
                from,
                to: to.try_clone_to_owned()?.into(),
                quit: quit.try_clone()?,
                wake: wake.try_clone()?,
                markers: marker.cloned().map(Markers::new),
                marked: sender.clone(),
                screen: terminal.then(|| Arc::clone(&screen)),
                modes,
            };
            let thread = std::thread::Builder::new().name("relay".to_owned());
            relay.threads.push(thread.spawn(move || stream.run())?);
            match number {
                0 => ends.output = Some(theirs),
                _ => ends.error = Some(theirs),
            }
        }
        Ok((relay, ends))
    }

    /// Takes over the size of the terminal.
    pub(super) fn resize(&self) {
        for (inner, outer) in &self.inner {
            if let Ok(size) = rustix::termios::tcgetwinsize(outer) {
                // A program that asks gets the old one.
                let _ = rustix::termios::tcsetwinsize(inner, size);
            }
        }
    }

    /// Passes on what the ended program left, and ends.
    pub(super) fn finish(&mut self) {
        self.quit = None;
        for thread in self.threads.drain(..) {
            // A stream that panicked has ended too.
            let _ = thread.join();
        }
        self.screen.clear();
    }
}

/// Whether two descriptors lead to the same place, so that the order of what is written to them counts.
fn are_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let of = |fd: BorrowedFd<'_>| {
        let file = File::from(fd.try_clone_to_owned().ok()?).metadata().ok()?;
        Some((file.dev(), file.ino(), file.rdev()))
    };
    of(one).is_some_and(|place| of(other) == Some(place))
}

impl Stream {
    fn run(mut self) {
        let mut buffer = vec![0; 64 * 1024];
        let mut ended = false;
        loop {
            let mut ready = [
                PollFd::new(&self.from, PollFlags::IN),
                PollFd::new(&self.quit, PollFlags::IN),
            ];
            let (watched, patience) = if ended {
                (&mut ready[..1], Some(&LAST))
            } else {
                (&mut ready[..], None)
            };
            match poll(watched, patience) {
                Ok(0) => return,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
            let [from, quit] = ready.map(|end| !end.revents().is_empty());
            ended |= quit;
            if !from {
                continue;
            }
            let n = match rustix::io::read(&self.from, &mut buffer) {
                // A terminal without a writer reads as an error.
                Ok(0) | Err(rustix::io::Errno::IO) => return,
                Ok(n) => n,
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                Err(_) => return,
            };
            let at = Instant::now();
            // Where nobody reads any more the program is to learn it, as it would without memcase.
            if self.pass(&buffer[..n]).is_err() {
                return;
            }
            self.look_for_phases(&buffer[..n], at);
        }
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        let from = self.from.as_fd();
        let draws = self.modes.as_mut().is_some_and(|modes| modes.follow(from));
        let mut to = Patient(&mut self.to);
        match &self.screen {
            Some(screen) => screen.pass(bytes, draws, &mut to),
            None => io::Write::write_all(&mut to, bytes),
        }
    }

    fn look_for_phases(&mut self, bytes: &[u8], at: Instant) {
        let Some(markers) = &mut self.markers else {
            return;
        };
        for name in markers.feed(bytes) {
            // The recorder reads both as long as the program lives.
            let _ = self.marked.send(Marked { at, name });
            let _ = rustix::io::write(&self.wake, b"m");
        }
    }
}

/// Waits where a descriptor that does not block is full.
struct Patient<'f>(&'f mut File);

impl io::Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&*self.0, PollFlags::OUT)], None)?;
                }
                other => return other,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A wait of `duration` as the kernel takes it.
pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_end_before_the_program_wake_nobody() {
        let (mut relay, ends) = Relay::start(None).unwrap();
        drop(ends);
        for thread in relay.threads.drain(..) {
            thread.join().unwrap();
        }
        let mut ready = [PollFd::new(&relay.woken, PollFlags::IN)];
        let at_once = Timespec::default();
        assert_eq!(poll(&mut ready, Some(&at_once)), Ok(0));
    }
}
