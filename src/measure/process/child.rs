//! One target: started, talked to over two pipes and a shared slot, ended with all its descendants.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use regex::bytes::Regex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, kill_process_group};

use super::cap::{Cap, MemoryCap, Ready};
use super::exit::Exit;
use super::output::Drain;
use super::preload::Uncounted;
use super::spawn::{self, Bounds, Ends, Gift, READ_FD, SLOT_FD, WRITE_FD};
use super::tree::Tree;
use super::{keeper, preload, strays};
use crate::runtime::Launch;
use crate::trace::MemoryStop;

/// Bytes of the slot.
const SLOT_SIZE: u64 = 64;
/// How long a target that was killed, or closed its pipe, may take to end.
pub const LAST_BREATH: Duration = Duration::from_secs(1);
/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(500);

/// What a target is told through its environment, and where its output goes.
#[derive(Debug, Clone)]
pub struct StartOptions {
    /// `MEMCASE_CASE`.
    pub case: String,
    /// `MEMCASE_PROCESS`, from 1.
    pub process: u32,
    /// `MEMCASE_BATCH`.
    pub batch: u32,
    /// `MEMCASE_COLLECT`.
    pub collect: bool,
    /// `MEMCASE_TRIM`.
    pub trim: bool,
    /// What all its processes may hold together.
    pub memory: Option<MemoryCap>,
    /// Where its output is kept.
    pub log: PathBuf,
}

/// Lines of output that are counted as progress.
#[derive(Debug, Clone)]
pub struct Progress {
    /// What they look like.
    pub pattern: Regex,
    /// How many there were.
    pub lines: Arc<AtomicU64>,
}

/// How a program that knows nothing of memcase is run.
#[derive(Debug, Clone)]
pub enum Unaware {
    /// To its end by itself; its output may tell progress.
    Free(Option<Progress>),
    /// Waits, stopped, until [`run_to_exit`](super::run_to_exit) has hold of it.
    Gated,
    /// Until it is told to end, and is counted; its output may tell that it is ready.
    Service(Option<Progress>),
}

/// A running target. Dropping it kills it and all its descendants.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// When its program was executed.
    started: Instant,
    pidfd: OwnedFd,
    marker: String,
    to_target: Option<File>,
    from_target: File,
    slot: OwnedFd,
    counters: Result<OwnedFd, Uncounted>,
    stacks: Result<OwnedFd, Uncounted>,
    output: Option<Drain>,
    exit: Option<Exit>,
    swept: bool,
    /// Dropped after the rest, when all are dead.
    cap: Option<Cap>,
}

impl Process {
    /// Starts the program with the protocol's descriptors in place.
    pub fn start(launch: &Launch, options: &StartOptions) -> io::Result<Self> {
        Self::start_as(launch, options, None)
    }

    /// Starts a program that knows nothing of memcase: without descriptors of the protocol.
    pub fn start_unaware(
        launch: &Launch,
        options: &StartOptions,
        unaware: &Unaware,
    ) -> io::Result<Self> {
        Self::start_as(launch, options, Some(unaware))
    }

    fn start_as(
        launch: &Launch,
        options: &StartOptions,
        unaware: Option<&Unaware>,
    ) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let marker = format!("{}/{number}/", keeper::run_marker());

        let (read, to_target) = pipe_with(PipeFlags::CLOEXEC)?;
        let (from_target, write) = pipe_with(PipeFlags::CLOEXEC)?;
        let (drained, output) = pipe_with(PipeFlags::CLOEXEC)?;
        keeper::watch(&[&read, &write, &output])?;
        let slot = memfd_create("memcase-slot", MemfdFlags::CLOEXEC)?;
        ftruncate(&slot, SLOT_SIZE)?;
        let ends = Ends {
            read,
            write,
            slot: slot.try_clone()?,
        };
        let (gift, progress) = match unaware {
            None => (Gift::Protocol(ends.raised()?), None),
            Some(Unaware::Free(told) | Unaware::Service(told)) => (Gift::Nothing, told.clone()),
            Some(Unaware::Gated) => (Gift::Gate, None),
        };

        let mut command = command(launch, options, &marker)?;
        let (counters, stacks) = match unaware {
            None | Some(Unaware::Service(_)) => preload::lend(launch, &mut command),
            Some(Unaware::Free(_)) if launch.traces_stacks => preload::lend(launch, &mut command),
            Some(_) => {
                let why = Uncounted::because("the program is not in step with memcase");
                (Err(why.clone()), Err(why))
            }
        };
        if unaware.is_none() {
            speak(&mut command, options);
        }
        if counters.is_err()
            && stacks.is_err()
            && matches!(unaware, None | Some(Unaware::Service(_)))
        {
            command.envs(&launch.uncounted_env);
        }
        command
            .stdin(stdin(&launch.stdin)?)
            .stdout(output.try_clone()?)
            .stderr(output);
        let cap = options.memory.map(Ready::new).transpose()?;
        let mut bounds = match &cap {
            Some(cap) => Bounds {
                door: cap.door()?,
                data: cap.data(),
                ..Bounds::default()
            },
            None => Bounds::default(),
        };
        bounds.open_to_debuggers = launch.open_to_debuggers;
        let child = spawn::spawn(command, gift, bounds)?;
        let mut process = Self {
            started: Instant::now(),
            pidfd: spawn::pidfd_of(&child)?,
            child,
            marker,
            to_target: Some(to_target.into()),
            from_target: from_target.into(),
            slot,
            counters,
            stacks,
            output: Some(Drain::start(drained, options.log.clone(), progress)?),
            exit: None,
            swept: false,
            cap: None,
        };
        if let Some(cap) = cap {
            process.cap = Some(cap.hold(|| process.tree(), process.pid())?);
        }
        Ok(process)
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How long its program runs.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// All processes of the target.
    pub fn tree(&self) -> io::Result<Tree> {
        Tree::open(self.pid(), Some(self.marker.clone()))
    }

    /// How many descriptors it may have open now.
    pub fn open_files(&self) -> Option<u64> {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.pid())).ok()?;
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    }

    /// The proof, once its processes passed the memory that they may have. Waits a moment for the
    /// target's own end: a large process that was killed takes its time.
    pub fn over_memory(&mut self) -> Option<MemoryStop> {
        let stop = self.cap.as_ref()?.passed()?;
        Some(MemoryStop {
            survived: self.wait(LAST_BREATH).is_none(),
            ..stop
        })
    }

    /// The shared slot.
    pub fn slot(&self) -> BorrowedFd<'_> {
        self.slot.as_fd()
    }

    /// The counters of its allocator, or why there are none.
    pub fn counters(&self) -> Result<BorrowedFd<'_>, &Uncounted> {
        self.counters.as_ref().map(AsFd::as_fd)
    }

    /// The tables of its call paths, or why there are none.
    pub fn stacks(&self) -> Result<BorrowedFd<'_>, &Uncounted> {
        self.stacks.as_ref().map(AsFd::as_fd)
    }

    /// Sends one byte; false when the target does not read any more.
    pub fn send(&mut self, byte: u8) -> bool {
        self.to_target
            .as_mut()
            .is_some_and(|pipe| pipe.write_all(&[byte]).is_ok())
    }

    /// Waits for bytes or for the target's end, at most `slice`. Reads what is there:
    /// `Some(0)` is the end of the pipe or of the target, `None` that nothing came yet.
    pub fn receive(&mut self, buffer: &mut [u8], slice: Duration) -> io::Result<Option<usize>> {
        let pipe = PollFd::new(&self.from_target, PollFlags::IN);
        match poll(&mut [pipe], Some(&timespec(slice))) {
            // The process may have ended while a descendant holds the pipe open.
            Ok(0) => return Ok(self.wait(Duration::ZERO).map(|_| 0)),
            Err(rustix::io::Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match rustix::io::read(&self.from_target, buffer) {
            Ok(n) => Ok(Some(n)),
            Err(rustix::io::Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// How it ended, if it did within `patience`.
    pub fn wait(&mut self, patience: Duration) -> Option<Exit> {
        let deadline = Instant::now() + patience;
        while self.exit.is_none() {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.exit = Some(status.into());
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let pidfd = PollFd::new(&self.pidfd, PollFlags::IN);
            // A signal that cuts the wait short only makes the loop look again.
            let _ = poll(&mut [pidfd], Some(&timespec(left)));
        }
        self.exit
    }

    /// Whether it ended within `patience`; it is not reaped, and a stop is not an end.
    pub fn has_ended(&self, patience: Duration) -> bool {
        let pidfd = PollFd::new(&self.pidfd, PollFlags::IN);
        matches!(poll(&mut [pidfd], Some(&timespec(patience))), Ok(1..))
    }

    /// Closes the pipe to the target, which tells it to tear down and end.
    pub fn close(&mut self) {
        self.to_target = None;
    }

    /// Ends it and all its descendants: politely first, then not. Returns how it
    /// ended and the last lines it wrote.
    pub fn end(mut self, polite: bool) -> (Exit, String) {
        self.close();
        self.stop(polite);
        let output = self.output.take().map(Drain::finish).unwrap_or_default();
        (self.exit.unwrap_or(Exit::Signal(9)), output)
    }

    fn stop(&mut self, polite: bool) {
        if self.swept {
            return;
        }
        self.swept = true;
        let leader = self.pid();
        let group = Pid::from_raw(leader as i32);
        if self.wait(Duration::ZERO).is_none() {
            if let Some(group) = group.filter(|_| polite) {
                let _ = kill_process_group(group, Signal::TERM);
                self.wait(GRACE);
            }
            // Its tree first, while the kernel still tells who belongs to it.
            for pid in strays::descendants(leader) {
                strays::kill(pid);
            }
            if self.exit.is_none() {
                let _ = self.child.kill();
                self.exit = self.child.wait().ok().map(Exit::from);
            }
        }
        if let Some(group) = group {
            // Nobody is left in it in the normal case.
            let _ = kill_process_group(group, Signal::KILL);
        }
        strays::sweep(leader, &self.marker);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop(false);
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

fn command(launch: &Launch, options: &StartOptions, marker: &str) -> io::Result<Command> {
    let mut command = spawn::in_surroundings(&launch.argv, launch)?;
    command
        .env("MEMCASE", "1")
        .env("MEMCASE_CASE", &options.case)
        .env("MEMCASE_PROCESS", options.process.to_string())
        .env(strays::MARKER, marker);
    Ok(command)
}

/// Tells a target what it needs for the step protocol.
fn speak(command: &mut Command, options: &StartOptions) {
    let flag = |on: bool| if on { "1" } else { "0" };
    command
        .env("MEMCASE_PROTOCOL", "1")
        .env("MEMCASE_READ_FD", READ_FD.to_string())
        .env("MEMCASE_WRITE_FD", WRITE_FD.to_string())
        .env("MEMCASE_SLOT_FD", SLOT_FD.to_string())
        .env("MEMCASE_BATCH", options.batch.to_string())
        .env("MEMCASE_COLLECT", flag(options.collect))
        .env("MEMCASE_TRIM", flag(options.trim));
}

fn stdin(bytes: &[u8]) -> io::Result<Stdio> {
    if bytes.is_empty() {
        return Ok(Stdio::null());
    }
    let file = memfd_create("memcase-stdin", MemfdFlags::CLOEXEC)?;
    let mut file = File::from(file);
    file.write_all(bytes)?;
    io::Seek::rewind(&mut file)?;
    Ok(file.into())
}
