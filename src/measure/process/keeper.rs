//! The guard process: ends what targets left when memcase itself was killed.
//!
//! It is this program, started again, waiting on a pipe. When the pipe closes
//! without a word of farewell, memcase died without cleaning up: the guard then
//! looks through `/proc` for processes that carry the run's marker, or hold a pipe that
//! a target was given, and kills them until none is left. Direct children die by
//! `PR_SET_PDEATHSIG` already; the guard is for their children, also those in
//! sessions of their own, and those that were given a new environment.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::cap::cgroup;
use super::strays::{MARKER, is_marked, kill, sweep_all};
use crate::runtime::mark_tools;

const ASKED: &str = "MEMCASE_KEEPER_OF";
const NAME: &str = "memcase-guard";
/// Before a folder that is to go.
const FOLDER: &str = "folder:";
const FAREWELL: &[u8] = b"done\n";

/// Becomes the guard, and does not come back, if this process was started as one.
/// To be called first in `main`, before anything is written or read.
pub fn enter_if_asked() {
    let named = std::env::args_os().next().is_some_and(|name| name == NAME);
    let marker = std::env::var(ASKED).unwrap_or_default();
    if named && !marker.is_empty() {
        guard(&marker);
        #[expect(clippy::exit, reason = "a guard has nothing to return to")]
        std::process::exit(0);
    }
}

/// What identifies this run in the marker of each of its targets.
pub fn run_marker() -> &'static str {
    static MARKER: OnceLock<String> = OnceLock::new();
    MARKER.get_or_init(|| {
        let nanos = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        format!("{}-{nanos:x}", std::process::id())
    })
}

/// The guard, as its owner holds it; saying farewell ends it.
#[derive(Debug)]
pub struct Keeper {
    child: Child,
    pipe: Option<ChildStdin>,
}

static RUNNING: Mutex<Option<Keeper>> = Mutex::new(None);

/// Starts the guard of this run, once. Without one (no executable to start again)
/// everything works but for the last line of defence.
pub fn start() -> io::Result<()> {
    let mut running = RUNNING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if running.is_some() {
        return Ok(());
    }
    mark_tools(MARKER, run_marker().to_owned());
    let mut child = Command::new("/proc/self/exe")
        .arg0(NAME)
        .env(ASKED, run_marker())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .current_dir("/")
        .spawn()?;
    let pipe = child.stdin.take();
    *running = Some(Keeper { child, pipe });
    Ok(())
}

/// Tells the guard of pipes that a target is given: no process but those of the run holds them.
pub(super) fn watch(pipes: &[&dyn AsFd]) -> io::Result<()> {
    let mut running = RUNNING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(guard) = running.as_mut().and_then(|keeper| keeper.pipe.as_mut()) else {
        return Ok(());
    };
    for pipe in pipes {
        let inode = rustix::fs::fstat(pipe)?.st_ino;
        // Without a guard all works but for the last line of defence.
        let _ = guard.write_all(format!("pipe:[{inode}]\n").as_bytes());
    }
    Ok(())
}

/// Tells the guard of a folder that is to go when nobody is left to remove it.
pub fn remove_at_end(folder: &Path) {
    let mut running = RUNNING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let guard = running.as_mut().and_then(|keeper| keeper.pipe.as_mut());
    let name = folder.to_str().filter(|name| !name.contains('\n'));
    if let (Some(guard), Some(name)) = (guard, name) {
        // Without a guard all works but for the last line of defence.
        let _ = guard.write_all(format!("{FOLDER}{name}\n").as_bytes());
    }
}

/// Says farewell to the guard and waits for its end.
pub fn dismiss() {
    let taken = RUNNING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .take();
    if let Some(mut keeper) = taken {
        // What gave up its session and its environment is known by nothing but its parent.
        sweep_all(keeper.child.id());
        if let Some(mut pipe) = keeper.pipe.take() {
            // A guard that is gone needs no farewell.
            let _ = pipe.write_all(FAREWELL);
        }
        let _ = keeper.child.wait();
    }
}

fn guard(marker: &str) {
    // A Ctrl-C in the terminal is for memcase; the guard has to see its end.
    let _ = rustix::process::setsid();
    let mut words = Vec::new();
    let ended = io::stdin().read_to_end(&mut words);
    if ended.is_ok() && words.ends_with(FAREWELL) {
        return;
    }
    let words = String::from_utf8_lossy(&words);
    let pipes: BTreeSet<&str> = words.lines().collect();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut quiet = 0;
    // Two looks in a row without a find: a process that was just being forked is seen by the second.
    while quiet < 2 && Instant::now() < deadline {
        let found = left(marker, &pipes);
        if found.is_empty() {
            quiet += 1;
        } else {
            quiet = 0;
            found.into_iter().for_each(kill);
        }
    }
    cgroup::sweep(marker);
    for folder in words.lines().filter_map(|word| word.strip_prefix(FOLDER)) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// What the run left: processes with its marker, and those that hold one of its pipes.
fn left(marker: &str, pipes: &BTreeSet<&str>) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid| pid != std::process::id())
        .filter(|&pid| is_marked(pid, marker) == Some(true) || holds_any(pid, pipes))
        .collect()
}

fn holds_any(pid: u32, pipes: &BTreeSet<&str>) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    descriptors
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|open| open.to_str().is_some_and(|open| pipes.contains(open)))
}
