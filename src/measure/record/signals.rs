//! Signals while a program is recorded: taken one by one, and told by who sent them.
//!
//! What the terminal sends (Ctrl-C) reaches the program too, which is in the same group. What another process
//! sends to memcase alone is meant for the program, and is passed on.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use libc::{SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

/// A signal to the whole group comes to memcase twice where it was sent to memcase as well (timeout(1)): within
/// this time the second tells that the program has it already.
const TOGETHER: Duration = Duration::from_millis(20);
const TAKEN: [i32; 9] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGWINCH,
];

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) signal: i32,
    /// The process that sent it; none for the terminal and the kernel.
    pub(super) sender: Option<u32>,
}

impl Came {
    /// Whether it usually ends a program.
    pub(super) fn asks_for_the_end(self) -> bool {
        matches!(self.signal, SIGHUP | SIGINT | SIGQUIT | SIGTERM)
    }

    /// Whether the terminal changed its size.
    pub(super) fn is_resize(self) -> bool {
        self.signal == SIGWINCH
    }
}

/// The signals that are taken, in place of what they would do to memcase.
#[derive(Debug)]
pub(super) struct Signals {
    queue: OwnedFd,
    before: libc::sigset_t,
    waiting: Vec<(Came, Instant)>,
}

impl Signals {
    /// Takes them from now on, on this thread and those that it starts later.
    #[expect(unsafe_code, reason = "system calls that no safe crate has")]
    pub(super) fn take() -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: all pointers are to sets of this frame, which the calls fill.
        let (queue, before) = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in TAKEN {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            let failed = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr());
            if failed != 0 {
                return Err(io::Error::from_raw_os_error(failed));
            }
            let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
            (
                libc::signalfd(-1, set.as_ptr(), flags),
                before.assume_init(),
            )
        };
        if queue < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            // SAFETY: the call has just given it to us.
            queue: unsafe { OwnedFd::from_raw_fd(queue) },
            before,
            waiting: Vec::new(),
        })
    }

    /// What was blocked before.
    pub(super) fn before(&self) -> libc::sigset_t {
        self.before
    }

    /// Readable when there is one.
    pub(super) fn queue(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }

    /// Those that came. The ones that may be for the program are kept until [`Signals::due`].
    pub(super) fn come(&mut self, now: Instant) -> Vec<Came> {
        let mut all = Vec::new();
        while let Some(came) = self.next() {
            all.push(came);
            if came.sender.is_some() && !came.is_resize() {
                let known = self.waiting.iter().position(|(before, _)| *before == came);
                match known {
                    // To the group: the program has it.
                    Some(place) => drop(self.waiting.remove(place)),
                    None => self.waiting.push((came, now + TOGETHER)),
                }
            }
        }
        all
    }

    /// When the next one is to be passed on.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.waiting.iter().map(|(_, due)| *due).min()
    }

    /// Those that are to be passed on now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Came> {
        let (due, waiting) = self.waiting.iter().partition(|(_, due)| *due <= now);
        self.waiting = waiting;
        let due: Vec<(Came, Instant)> = due;
        due.into_iter().map(|(came, _)| came).collect()
    }

    #[expect(unsafe_code, reason = "a structure that the kernel fills")]
    fn next(&self) -> Option<Came> {
        let mut bytes = [0; size_of::<libc::signalfd_siginfo>()];
        let n = rustix::io::read(&self.queue, &mut bytes).ok()?;
        if n != bytes.len() {
            return None;
        }
        // SAFETY: the kernel wrote a whole structure, which is made of numbers only.
        let info: libc::signalfd_siginfo =
            unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) };
        Some(Came {
            signal: info.ssi_signo as i32,
            // Codes of the kernel's own are above zero.
            sender: (info.ssi_code <= 0).then_some(info.ssi_pid),
        })
    }
}

impl Drop for Signals {
    #[expect(unsafe_code, reason = "a system call that no safe crate has")]
    fn drop(&mut self) {
        // What came meanwhile was the program's.
        while self.next().is_some() {}
        // SAFETY: the set is the one that the kernel gave.
        unsafe {
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.before,
                std::ptr::null_mut(),
            )
        };
    }
}
