//! Finds and ends what a target left behind: children, daemons, processes in sessions of their own.
//!
//! memcase is the subreaper of its descendants (prctl(2), `PR_SET_CHILD_SUBREAPER`):
//! whatever loses its parent becomes its child, and carries in its environment
//! the marker of the target it came from.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How long strays may take to die.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an exec may take.
const EXEC: Duration = Duration::from_millis(100);

/// The variable that marks a target's processes.
pub(super) const MARKER: &str = "MEMCASE_SESSION";

/// Processes below `pid`, at any depth, without `pid`. Racy while the tree runs
/// (proc(5)); exact at a quiescent point.
pub(super) fn descendants(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for child in children(parent) {
            if !found.contains(&child) && child != pid {
                found.push(child);
                open.push(child);
            }
        }
    }
    found
}

/// Direct children of a process, of all its threads.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| {
            text.split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// Whether the process carries a marker that starts with `marker`; `None` while that
/// cannot be told: in the middle of an exec the environment reads as empty.
pub(super) fn is_marked(pid: u32, marker: &str) -> Option<bool> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    if environment.is_empty() {
        return None;
    }
    Some(
        environment
            .split(|&byte| byte == 0)
            .filter_map(|entry| entry.strip_prefix(MARKER.as_bytes())?.strip_prefix(b"="))
            .any(|value| value.starts_with(marker.as_bytes())),
    )
}

/// The session (setsid(2)) of a process.
fn session_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields start behind the last one.
    let rest = &stat[stat.rfind(')')? + 1..];
    rest.split_ascii_whitespace().nth(3)?.parse().ok()
}

/// Whether a child of memcase comes from the target `leader`: it carries its `marker`, or belongs to
/// its session. `None` while that cannot be told.
pub(super) fn belongs(pid: u32, leader: u32, marker: &str) -> Option<bool> {
    match is_marked(pid, marker) {
        Some(true) => Some(true),
        _ if session_of(pid) == Some(leader) => Some(true),
        other => other,
    }
}

pub(super) fn kill(pid: u32) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        // It may have ended by itself meanwhile.
        let _ = kill_process(pid, Signal::KILL);
    }
}

pub(super) fn reap(pid: u32) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        // Not ours, or not ended yet: the next round sees it again.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

/// Reaps an orphan, for which nobody else will wait. Never the target: its end is for whoever started it.
pub(super) fn bury(pid: u32, leader: u32) {
    if pid != leader {
        reap(pid);
    }
}

/// Kills and reaps all that the ended target `leader` left: orphans that carry its
/// `marker` or belong to its session, with all below them.
pub(super) fn sweep(leader: u32, marker: &str) {
    let began = Instant::now();
    let mut quiet = 0;
    // Lists of children are racy while processes come and go (proc(5)): an empty one
    // counts when the next is empty too.
    while quiet < 2 && began.elapsed() < PATIENCE {
        let mut left = Vec::new();
        let mut unclear = false;
        for pid in children(std::process::id()) {
            match belongs(pid, leader, marker) {
                Some(true) => left.push(pid),
                Some(false) => {}
                None => unclear |= !is_zombie(pid),
            }
        }
        for pid in left.clone() {
            left.extend(descendants(pid));
        }
        for &pid in &left {
            kill(pid);
            reap(pid);
        }
        // What still has no environment after a moment was started without one.
        if left.is_empty() && (!unclear || began.elapsed() > EXEC) {
            quiet += 1;
        } else {
            quiet = 0;
            std::thread::yield_now();
        }
    }
}

/// Kills and reaps all children of memcase but one, with all below them. For the end of a run, when
/// no target and no tool is left that could be meant.
pub(super) fn sweep_all(but: u32) {
    let began = Instant::now();
    let mut quiet = 0;
    while quiet < 2 && began.elapsed() < PATIENCE {
        let left: Vec<u32> = children(std::process::id())
            .into_iter()
            .filter(|&pid| pid != but)
            .collect();
        quiet = if left.is_empty() { quiet + 1 } else { 0 };
        for pid in left {
            descendants(pid).into_iter().for_each(kill);
            kill(pid);
            reap(pid);
        }
        std::thread::yield_now();
    }
}

fn is_zombie(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rfind(')')
            .is_some_and(|end| stat[end + 1..].trim_start().starts_with(['Z', 'X']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{WaitId, WaitIdOptions, waitid};

    #[test]
    fn a_target_that_has_ended_is_left_to_whoever_started_it() {
        let mut command = std::process::Command::new("sh");
        let mut target = command.args(["-c", "exit 3"]).spawn().unwrap();
        let pid = target.id();
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let id = WaitId::Pid(Pid::from_raw(pid as i32).unwrap());
        waitid(id, ended).unwrap();
        bury(pid, pid);
        assert_eq!(target.wait().unwrap().code(), Some(3));
    }
}
