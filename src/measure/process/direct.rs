//! A program that runs as it would without memcase: in its session, its group and its terminal, with its limits.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::exit::Exit;
use super::keeper;
use super::spawn;
use super::strays::MARKER;
use super::tree::Tree;

/// The program while it runs. Dropping it leaves it alone.
#[derive(Debug)]
pub struct Direct {
    child: Child,
    pidfd: OwnedFd,
    marker: String,
}

impl Direct {
    /// Starts it, with standard output and error in place of those of memcase where they are given.
    ///
    /// Its signals are `blocked` as those of memcase were when it was started itself. It is to be called on the thread that lives longest: with it the program ends.
    pub fn start(
        argv: &[OsString],
        output: Option<OwnedFd>,
        error: Option<OwnedFd>,
        blocked: libc::sigset_t,
    ) -> io::Result<Self> {
        let (program, arguments) = argv.split_first().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "there is no program to start")
        })?;
        // So that a process that loses its parent is still known to be one of the program's.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let marker = format!("{}/record/", keeper::run_marker());
        let mut command = Command::new(program);
        command.args(arguments).env(MARKER, &marker);
        if let Some(output) = output {
            command.stdout(Stdio::from(output));
        }
        if let Some(error) = error {
            command.stderr(Stdio::from(error));
        }
        let child = spawn(command, blocked)?;
        Ok(Self {
            pidfd: spawn::pidfd_of(&child)?,
            child,
            marker,
        })
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Readable once it has ended.
    pub fn ended(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// All its processes.
    pub fn tree(&self) -> io::Result<Tree> {
        Tree::open(self.pid(), Some(self.marker.clone()))
    }

    /// Passes a signal on to it.
    pub fn signal(&self, number: i32) {
        let pid = Pid::from_raw(self.pid() as i32);
        if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(number)) {
            // It may have ended meanwhile.
            let _ = kill_process(pid, signal);
        }
    }

    /// How it ended, once it has.
    pub fn wait(&mut self) -> io::Result<Exit> {
        self.child.wait().map(Exit::from)
    }
}

#[expect(unsafe_code, reason = "the child is set up between fork and exec")]
fn spawn(mut command: Command, blocked: libc::sigset_t) -> io::Result<Child> {
    let parent = rustix::process::getpid();
    let set_up = move || -> io::Result<()> {
        // Who kills memcase means the program.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != Some(parent) {
            return Err(rustix::io::Errno::SRCH.into());
        }
        // SAFETY: the set is one that the kernel gave, and no other is asked for.
        let failed = unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const blocked, std::ptr::null_mut())
        };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes only system calls, without
    // allocating or taking a lock; its errors are bare numbers.
    unsafe { command.pre_exec(set_up) };
    command.spawn()
}
