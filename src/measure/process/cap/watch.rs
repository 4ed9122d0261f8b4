//! A watch over a target's tree that ends it where it holds more than it may.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::measure::process::strays::kill;
use crate::measure::process::tree::{Pages, Tree, pages};
use crate::trace::{Enforcer, MemoryStop};

/// Between two looks. What is taken and given back between them is not seen, and a program that takes
/// 1 GiB a second gets 10 MiB further.
const PERIOD: Duration = Duration::from_millis(10);
/// Walks over the pages take at most one part in this many of the time.
const SHARE: u32 = 4;

/// A thread that watches. Dropping it ends the watch.
#[derive(Debug)]
pub(in crate::measure::process) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct State {
    over: bool,
    passed: Option<MemoryStop>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    pub(super) fn start(tree: Tree, leader: u32, limit: u64) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let pid = Pid::from_raw(leader as i32).ok_or(io::ErrorKind::InvalidInput)?;
        let mut watcher = Watcher {
            statm: File::open(format!("/proc/{leader}/statm"))?,
            pidfd: pidfd_open(pid, PidfdFlags::empty())?,
            tree,
            leader,
            limit,
            page: rustix::param::page_size() as u64,
            walked: Instant::now(),
            cost: Duration::ZERO,
            buffer: vec![0; 256],
        };
        let told = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watcher.run(&told))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    pub(super) fn passed(&self) -> Option<MemoryStop> {
        self.shared.lock().passed.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.woken.notify_all();
        if let Some(thread) = self.thread.take() {
            // A watch that panicked has ended too.
            let _ = thread.join();
        }
    }
}

struct Watcher {
    statm: File,
    pidfd: OwnedFd,
    tree: Tree,
    leader: u32,
    limit: u64,
    page: u64,
    walked: Instant,
    cost: Duration,
    buffer: Vec<u8>,
}

impl Watcher {
    fn run(&mut self, shared: &Shared) {
        let mut state = shared.lock();
        while !state.over {
            drop(state);
            let found = self.holds_too_much();
            state = shared.lock();
            if let Some(highest) = found {
                // Told before the end, which others may see at once.
                state.passed = Some(MemoryStop {
                    limit: self.limit,
                    by: Enforcer::Watch,
                    oom_kills: None,
                    highest,
                    survived: false,
                });
                return self.end();
            }
            (state, _) = shared
                .woken
                .wait_timeout(state, PERIOD)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What the tree holds, if that is the limit or more.
    fn holds_too_much(&mut self) -> Option<u64> {
        let own = pages(&self.statm, &mut self.buffer)?;
        self.tree.look_if_due();
        let Pages { anon, resident } = self.tree.hold(own);
        if resident * self.page < self.limit {
            return None;
        }
        if self.tree.living().next().is_none() && anon * self.page >= self.limit {
            return Some(anon * self.page);
        }
        // Files can be read again and do not count, and what is shared counts once.
        if self.walked.elapsed() < self.cost * SHARE {
            return None;
        }
        self.walked = Instant::now();
        let all = std::iter::once(self.leader).chain(self.tree.living());
        let charged: u64 = all.filter_map(charged).sum();
        self.cost = self.walked.elapsed();
        (charged >= self.limit).then_some(charged)
    }

    fn end(&mut self) {
        self.tree.look();
        self.tree.living().for_each(kill);
        // It may have ended meanwhile.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }
}

/// What a container would be charged for a process: its part of anonymous and shared memory.
fn charged(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    let private = field("Pss_Anon:").map(|anon| anon + field("Pss_Shmem:").unwrap_or(0));
    // Before Linux 5.4 only the sum is told.
    private.or_else(|| field("Pss:")).map(|kib| kib * 1024)
}
