//! Holds a program at its first instruction until somebody has hold of it, and at its exit to be read.
//!
//! A program that ends by itself has no quiescent point, and its memory is gone once it has
//! ended. ptrace(2) with `PTRACE_O_TRACEEXIT` stops it in its exit with its memory in place:
//! then `statm` and the high-water mark are exact. Nothing else of it is traced, so that it runs at
//! its own speed; only its signals pass through here.

use std::cell::Cell;
use std::io;
use std::process::Child;
use std::ptr;
use std::time::Duration;

use libc::{c_int, c_long, pid_t};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::child::Process;
use super::disturbance;
use super::exit::Exit;

/// How often a running program is looked at; its end is seen at once.
const SLICE: Duration = Duration::from_millis(1);
/// The events of ptrace(2), as they stand above the signal in a status.
const EVENT_EXIT: c_int = libc::PTRACE_EVENT_EXIT;
const EVENT_EXEC: c_int = libc::PTRACE_EVENT_EXEC;
const EVENT_STOP: c_int = 128;

#[expect(unsafe_code, reason = "ptrace has no safe wrapper")]
fn ptrace(request: libc::c_uint, pid: pid_t, data: c_long) -> io::Result<()> {
    let none = ptr::null_mut::<libc::c_void>();
    // SAFETY: none of the requests made here reads or writes memory of this process.
    match unsafe { libc::ptrace(request, pid, none, data) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// In the child, before its exec: asks to be stopped behind it. Where that is refused the
/// program just runs.
pub(super) fn ask() {
    let _ = ptrace(libc::PTRACE_TRACEME, 0, 0);
}

/// In the thread that forked: waits for the stop and leaves the child stopped, for another thread.
pub(super) fn hold(child: &Child) {
    let pid = child.id() as pid_t;
    let Some(number) = Pid::from_raw(pid) else {
        return;
    };
    // Without a tracer it will not stop.
    if disturbance::tracer(child.id()).is_none() {
        return;
    }
    // It stops behind its exec, or it dies before; both end the wait, and neither reaps it.
    let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let _ = waitid(WaitId::Pid(number), options);
    let _ = ptrace(libc::PTRACE_DETACH, pid, c_long::from(libc::SIGSTOP));
}

/// Why [`run_to_exit`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// It ended by itself.
    Ended(Exit),
    /// The watcher wanted to see no more.
    Stopped,
}

/// A moment at which a watcher may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// While it runs; readings are as of some moment.
    Running,
    /// It became another program: what a wrapper did before is not its own.
    Exec,
    /// It is held in its exit: readings are exact, and the last.
    Exit,
}

/// Lets a gated program run to its end, and shows it to `watch` at every moment.
/// `held` is set first to whether it will be held in its exit. Ends early where
/// `watch` says no. To be called once, in a thread that ends soon after: its end is what
/// lets go of the program.
pub fn run_to_exit(
    process: &mut Process,
    held: &Cell<bool>,
    watch: &mut dyn FnMut(Moment) -> bool,
) -> Ran {
    let pid = process.pid() as pid_t;
    let number = Pid::from_raw(pid);
    let options = c_long::from(libc::PTRACE_O_TRACEEXIT | libc::PTRACE_O_TRACEEXEC);
    let mut traced = ptrace(libc::PTRACE_SEIZE, pid, options).is_ok();
    held.set(traced);
    if let Some(number) = number {
        // It may have ended before it could be stopped.
        let _ = kill_process(number, Signal::CONT);
    }
    loop {
        if !traced {
            if let Some(exit) = process.wait(SLICE) {
                return Ran::Ended(exit);
            }
        } else if process.has_ended(SLICE) {
            // Without a stop in its exit (killed by the system).
            traced = false;
            continue;
        }
        if traced && let Some(number) = number {
            let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
            if let Ok(Some(status)) = waitid(WaitId::Pid(number), options)
                && let Some(stop) = status.trapping_signal()
            {
                match (stop >> 8, stop & 0xff) {
                    (EVENT_EXIT, _) => {
                        let _ = watch(Moment::Exit);
                        let _ = ptrace(libc::PTRACE_DETACH, pid, 0);
                        traced = false;
                    }
                    (EVENT_EXEC, _) => {
                        let _ = watch(Moment::Exec);
                        let _ = ptrace(libc::PTRACE_CONT, pid, 0);
                    }
                    // Stopped by a signal: it stays so until it is continued.
                    (EVENT_STOP, signal) if signal != libc::SIGTRAP => {
                        let _ = ptrace(libc::PTRACE_LISTEN, pid, 0);
                    }
                    (EVENT_STOP, _) => {
                        let _ = ptrace(libc::PTRACE_CONT, pid, 0);
                    }
                    (_, signal) => {
                        let _ = ptrace(libc::PTRACE_CONT, pid, c_long::from(signal));
                    }
                }
                continue;
            }
        }
        if !watch(Moment::Running) {
            return Ran::Stopped;
        }
    }
}
