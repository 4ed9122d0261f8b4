//! Starts targets: from one thread that lives as long as memcase, with descriptors 3, 4 and 5 in place
//! where it speaks the protocol.
//!
//! `PR_SET_PDEATHSIG` fires when the *thread* that forked ends (prctl(2)), so all
//! targets are forked by one thread that never ends.

use std::ffi::OsStr;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use rustix::io::{dup2, fcntl_dupfd_cloexec};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, pidfd_open};

use super::gate;
use crate::runtime::Launch;

/// Descriptors of the protocol in the target.
pub(super) const READ_FD: RawFd = 3;
pub(super) const WRITE_FD: RawFd = 4;
pub(super) const SLOT_FD: RawFd = 5;
/// Descriptors of ours that a child must not confuse with the protocol's start here.
const FIRST_FREE: RawFd = 10;

/// A program with its arguments, in the folder and the environment of a target.
pub(super) fn in_surroundings(argv: &[impl AsRef<OsStr>], launch: &Launch) -> io::Result<Command> {
    let (program, arguments) = argv.split_first().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "there is no program to start")
    })?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&launch.cwd);
    if launch.clean_env {
        command.env_clear();
    }
    for (name, value) in &launch.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ok(command)
}

/// A descriptor of a child that was started, by which it is waited for.
pub(super) fn pidfd_of(child: &Child) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(child.id() as i32)
        .ok_or_else(|| io::Error::other("the program has no process number"))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// The target's ends of the protocol.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
    pub(super) slot: OwnedFd,
}

impl Ends {
    /// Moves them out of the way of descriptors 3, 4 and 5.
    pub(super) fn raised(self) -> io::Result<Self> {
        Ok(Self {
            read: fcntl_dupfd_cloexec(&self.read, FIRST_FREE)?,
            write: fcntl_dupfd_cloexec(&self.write, FIRST_FREE)?,
            slot: fcntl_dupfd_cloexec(&self.slot, FIRST_FREE)?,
        })
    }
}

/// Descriptors that a target may open at least, where the hard limit allows it.
const DESCRIPTORS: u64 = 16_384;
/// What is set for every target, as its trace tells it.
pub const SET_FOR_ALL: [&str; 2] = [
    "transparent huge pages off",
    "limit of open descriptors at least 16,384, or the hard limit",
];

/// What a target is given beside its arguments and environment.
#[derive(Debug)]
pub(super) enum Gift {
    /// Its ends of the step protocol, on descriptors 3, 4 and 5.
    Protocol(Ends),
    /// Nothing.
    Nothing,
    /// Nothing, and it waits, stopped, right behind its exec.
    Gate,
}

/// What bounds the target from its first instruction on.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// The door of the cgroup it goes into.
    pub(super) door: Option<OwnedFd>,
    /// Bytes of private memory that each process may map.
    pub(super) data: Option<u64>,
    /// Whether any process of its user may trace it.
    pub(super) open_to_debuggers: bool,
}

type Job = (Command, Gift, Bounds, Sender<io::Result<Child>>);

/// Starts `command` as a target.
pub(super) fn spawn(command: Command, gift: Gift, bounds: Bounds) -> io::Result<Child> {
    static SPAWNER: OnceLock<Result<Sender<Job>, String>> = OnceLock::new();
    let spawner = SPAWNER
        .get_or_init(|| start_thread().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| io::Error::other(error.clone()))?;
    let (reply, answer) = channel();
    let gone = || io::Error::other("the thread that starts targets has ended");
    spawner
        .send((command, gift, bounds, reply))
        .map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn start_thread() -> io::Result<Sender<Job>> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let (sender, jobs) = channel::<Job>();
    std::thread::Builder::new()
        .name("spawner".to_owned())
        .spawn(move || {
            for (command, gift, bounds, reply) in jobs {
                // A receiver that is gone has given up on its target; dropping the
                // child's handle leaves it to the sweep.
                let _ = reply.send(spawn_here(command, gift, bounds));
            }
        })?;
    Ok(sender)
}

/// Takes descriptors 3, 4 and 5 for good. The standard library opens a pipe for
/// errors of exec before it forks; on one of these numbers the child would
/// overwrite it, and a program that cannot be executed would look started.
fn reserve_low_descriptors() -> io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    // On a higher number, so that closing it frees none of the three.
    let null = fcntl_dupfd_cloexec(&null, FIRST_FREE)?;
    loop {
        let taken = fcntl_dupfd_cloexec(&null, READ_FD)?;
        if std::os::fd::AsRawFd::as_raw_fd(&taken) > SLOT_FD {
            return Ok(());
        }
        std::mem::forget(taken);
    }
}

/// The limit of open descriptors, raised where it may be. The usual 1,024 would end a target
/// that loses one in every iteration before a look may say so.
fn room_for_descriptors() -> Rlimit {
    let found = rustix::process::getrlimit(Resource::Nofile);
    let room = found
        .maximum
        .map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    Rlimit {
        current: found.current.map(|now| now.max(room)),
        ..found
    }
}

#[expect(unsafe_code, reason = "the child is set up between fork and exec")]
fn spawn_here(mut command: Command, gift: Gift, bounds: Bounds) -> io::Result<Child> {
    reserve_low_descriptors()?;
    let parent = rustix::process::getpid();
    let gated = matches!(gift, Gift::Gate);
    let set_up = move || -> io::Result<()> {
        rustix::process::setsid()?;
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != Some(parent) {
            // The owner died before the signal was set.
            return Err(rustix::io::Errno::SRCH.into());
        }
        if let Some(door) = &bounds.door {
            rustix::io::write(door, b"0")?;
        }
        if let Some(data) = bounds.data {
            let limit = Rlimit {
                current: Some(data),
                maximum: Some(data),
            };
            rustix::process::setrlimit(Resource::Data, limit)?;
        }
        if bounds.open_to_debuggers {
            // Without Yama there is nothing to be allowed.
            let _ = rustix::process::set_ptracer(rustix::process::PTracer::Any);
        }
        // None of these hides a leak; where the kernel refuses, the trace says what it read.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = rustix::process::setrlimit(Resource::Core, none);
        let _ = rustix::process::setrlimit(Resource::Nofile, room_for_descriptors());
        let ends = match &gift {
            Gift::Protocol(ends) => ends,
            Gift::Nothing => return Ok(()),
            Gift::Gate => {
                gate::ask();
                return Ok(());
            }
        };
        for (from, to) in [
            (&ends.read, READ_FD),
            (&ends.write, WRITE_FD),
            (&ends.slot, SLOT_FD),
        ] {
            // SAFETY: `to` is a small number that nothing in this child owns (the parent
            // reserved it); the ManuallyDrop keeps it open past this scope.
            let mut target = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(to) });
            dup2(from, &mut target)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes only system calls, without
    // allocating or taking a lock; its errors are bare numbers.
    unsafe { command.pre_exec(set_up) };
    let child = command.spawn()?;
    if gated {
        gate::hold(&child);
    }
    Ok(child)
}
