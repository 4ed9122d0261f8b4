//! A short-lived program of memcase's own that asks something of a target: not measured, its last
//! output kept.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::Duration;
use std::{io, mem};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, kill_process_group};

use super::exit::Exit;
use super::keeper;
use super::spawn::{self, Bounds, Gift};
use super::strays::MARKER;
use crate::runtime::Launch;

/// Bytes of its output that are kept.
const KEPT: usize = 4 * 1024;

/// A running program. Dropping it kills it and its group.
#[derive(Debug)]
pub struct Errand {
    child: Child,
    pidfd: OwnedFd,
    output: OwnedFd,
    kept: Vec<u8>,
    exit: Option<Exit>,
}

impl Errand {
    /// Starts a program in the surroundings of a target.
    pub fn start(argv: &[impl AsRef<OsStr>], launch: &Launch) -> io::Result<Self> {
        let mut command = spawn::in_surroundings(argv, launch)?;
        let (output, write) = pipe_with(PipeFlags::CLOEXEC)?;
        command
            // Of this run, and of no target: the guard finds it, and no tree counts it in.
            .env(MARKER, format!("{}/errand/", keeper::run_marker()))
            .stdin(Stdio::null())
            .stdout(write.try_clone()?)
            .stderr(write);
        let child = spawn::spawn(command, Gift::Nothing, Bounds::default())?;
        Ok(Self {
            pidfd: spawn::pidfd_of(&child)?,
            child,
            output,
            kept: Vec::new(),
            exit: None,
        })
    }

    /// How it ended, if it did within about `slice`.
    pub fn wait(&mut self, slice: Duration) -> io::Result<Option<Exit>> {
        let slice = Timespec {
            tv_sec: slice.as_secs() as i64,
            tv_nsec: i64::from(slice.subsec_nanos()),
        };
        let mut ready = [
            PollFd::new(&self.output, PollFlags::IN),
            PollFd::new(&self.pidfd, PollFlags::IN),
        ];
        match poll(&mut ready, Some(&slice)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let [written, ended] = ready.map(|end| !end.revents().is_empty());
        if written && self.read()? > 0 {
            return Ok(None);
        }
        // Its output was closed before its end: wait for that alone.
        if written && !ended {
            let ended = PollFd::new(&self.pidfd, PollFlags::IN);
            if let Ok(0) | Err(_) = poll(&mut [ended], Some(&slice)) {
                return Ok(None);
            }
        }
        if let Some(status) = self.child.try_wait()? {
            self.exit = Some(status.into());
        }
        Ok(self.exit)
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut buffer = [0; KEPT];
        let n = rustix::io::read(&self.output, &mut buffer)?;
        self.kept.extend_from_slice(&buffer[..n]);
        let excess = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..excess);
        Ok(n)
    }

    /// The last of what it wrote.
    pub fn take_output(&mut self) -> String {
        let kept = mem::take(&mut self.kept);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if self.exit.is_none() {
            if let Some(group) = Pid::from_raw(self.child.id() as i32) {
                // It leads a group of its own, and was not waited for.
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
