//! A debugger in the terminal of the person who runs memcase: who has the keys, and `gdb` beside a target.
//!
//! A target runs in a session of its own, so that the terminal is not its controlling one: it may read keys there,
//! as no job control holds it, but Ctrl-C comes to memcase, which passes it on.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr, ttyname};

use super::spawn;
use super::strays::MARKER;
use super::{disturbance, keeper};
use crate::measure::interrupt;

/// How often it is looked whether something came.
const SLICE: Duration = Duration::from_millis(20);
/// How long `gdb` may take to write stacks.
const STACKS: Duration = Duration::from_mins(2);
const YAMA: &str = "/proc/sys/kernel/yama/ptrace_scope";

/// The terminal on standard input and output.
#[derive(Debug)]
pub struct Terminal {
    path: PathBuf,
}

/// The terminal while somebody else has it; dropping it takes it back.
#[derive(Debug)]
pub struct Lent {
    modes: Option<Termios>,
}

impl Terminal {
    /// None where a person can not type into what is shown.
    pub fn open() -> Option<Self> {
        let input = io::stdin();
        if !input.is_terminal() || !io::stdout().is_terminal() {
            return None;
        }
        let name = ttyname(input.as_fd(), Vec::new()).ok()?;
        let path = PathBuf::from(OsStr::from_bytes(name.to_bytes()));
        Some(Self { path })
    }

    /// Its file.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Lends it to a process, which is passed Ctrl-C; without one, to a program that the terminal tells by itself.
    pub fn lend(&self, pid: Option<u32>) -> Lent {
        let modes = tcgetattr(io::stdin()).ok();
        if let Some(modes) = &modes {
            let mut lent = modes.clone();
            // They would stop memcase, or end it, and not what has the terminal. Zero is no key.
            lent.special_codes[SpecialCodeIndex::VSUSP] = 0;
            lent.special_codes[SpecialCodeIndex::VQUIT] = 0;
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &lent);
        }
        interrupt::is_meant_for(Some(pid.unwrap_or_else(std::process::id)));
        Lent { modes }
    }

    /// Waits for a line that is typed; false where the end was asked for.
    pub fn wait_for_enter(&self) -> bool {
        loop {
            if interrupt::requested() {
                return false;
            }
            let input = io::stdin();
            match poll(
                &mut [PollFd::new(&input, PollFlags::IN)],
                Some(&timespec(SLICE)),
            ) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return io::stdin().read_line(&mut String::new()).is_ok(),
                Err(_) => return false,
            }
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        interrupt::is_meant_for(None);
        if let Some(modes) = &self.modes {
            // A terminal that is gone has no modes.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, modes);
        }
    }
}

/// Whether `gdb` is on PATH.
pub fn has_gdb() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("gdb").is_file())
}

/// Why a process could not be traced, as far as the kernel's settings tell: a clause with the remedy.
pub fn why_not_traced() -> String {
    match fs::read_to_string(YAMA).unwrap_or_default().trim() {
        "2" => format!(
            "this machine lets only the superuser trace a process ({YAMA} is 2): run memcase as root, or write 1 there"
        ),
        "3" => format!(
            "this machine lets nobody trace a process ({YAMA} is 3), until it is started again without that setting"
        ),
        _ => "the kernel may forbid it: a container needs the capability SYS_PTRACE (`--cap-add=SYS_PTRACE`), and no \
              other tracer may be attached"
            .to_owned(),
    }
}

/// A running `gdb`. Dropping it kills it.
#[derive(Debug)]
pub struct Gdb {
    child: Child,
    pidfd: OwnedFd,
    target: u32,
}

impl Gdb {
    /// Attaches it to a process, in the terminal of memcase.
    pub fn attach(target: u32) -> io::Result<Self> {
        let mut command = Command::new("gdb");
        command.arg("-p").arg(target.to_string());
        Self::start(command, target)
    }

    fn start(mut command: Command, target: u32) -> io::Result<Self> {
        // Of this run, and of no target: the guard finds it, and no tree counts it in.
        command.env(MARKER, format!("{}/errand/", keeper::run_marker()));
        let child = command.spawn()?;
        Ok(Self {
            pidfd: spawn::pidfd_of(&child)?,
            child,
            target,
        })
    }

    /// Waits until it has stopped the process; false where it ended before, or the end was asked for.
    pub fn has_attached(&mut self) -> bool {
        while !self.ended(SLICE) {
            if disturbance::tracer(self.target).is_some() {
                return true;
            }
            if interrupt::requested() {
                return false;
            }
        }
        false
    }

    /// Waits until its person leaves it; false where the end was asked for.
    pub fn wait(&mut self) -> bool {
        while !self.ended(SLICE) {
            if interrupt::requested() {
                return false;
            }
        }
        true
    }

    fn ended(&mut self, patience: Duration) -> bool {
        let pidfd = PollFd::new(&self.pidfd, PollFlags::IN);
        let _ = poll(&mut [pidfd], Some(&timespec(patience)));
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Gdb {
    fn drop(&mut self) {
        if !self.ended(Duration::ZERO) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The stacks of all threads of a process, as `gdb` tells them; an error says why there are none.
pub fn gdb_stacks(pid: u32, file: &std::path::Path) -> Result<Vec<u8>, String> {
    let fail = |error: io::Error| format!("`gdb` could not be run: {error}");
    let out = fs::File::create(file).map_err(fail)?;
    let mut command = Command::new("gdb");
    command
        .args(["-nx", "-batch", "-iex", "set debuginfod enabled off"])
        .args(["-ex", "thread apply all backtrace", "-p"])
        .arg(pid.to_string())
        .stdin(Stdio::null())
        .stderr(out.try_clone().map_err(fail)?)
        .stdout(out);
    let mut gdb = Gdb::start(command, pid).map_err(fail)?;
    let began = Instant::now();
    while !gdb.ended(SLICE) {
        if interrupt::requested() {
            return Err("interrupted".to_owned());
        }
        if began.elapsed() > STACKS {
            return Err("`gdb` did not come to an end in two minutes".to_owned());
        }
    }
    let written = fs::read(file).map_err(fail)?;
    // Each frame is one line that starts so.
    if written
        .split(|&byte| byte == b'\n')
        .any(|line| line.starts_with(b"#0"))
    {
        return Ok(written);
    }
    let told = String::from_utf8_lossy(&written);
    let last = told.lines().last().unwrap_or("it wrote nothing");
    Err(format!(
        "`gdb` told no stacks ({last}); {}",
        why_not_traced()
    ))
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
