//! Keeps the sampling thread on the processor of its target while they take turns.
//!
//! A wake-up across processors costs some 60 to 100 µs a turn, one on the same
//! processor 8 µs (`docs/measurement.md`). The target is never pinned: that would
//! change what is measured.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Restores the thread's own processors when dropped.
#[derive(Debug)]
pub struct Follow {
    own: Option<CpuSet>,
    at: Option<usize>,
}

impl Follow {
    /// Remembers where the thread may run.
    pub fn begin() -> Self {
        Self {
            own: sched_getaffinity(None).ok(),
            at: None,
        }
    }

    /// Moves the thread to `processor`, if it may run there.
    pub fn to(&mut self, processor: usize) {
        let Some(own) = &self.own else { return };
        if self.at == Some(processor) || processor >= CpuSet::MAX_CPU || !own.is_set(processor) {
            return;
        }
        let mut set = CpuSet::new();
        set.set(processor);
        // Where it is refused the turns are slower, and nothing else.
        if sched_setaffinity(None, &set).is_ok() {
            self.at = Some(processor);
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        if let (Some(own), Some(_)) = (&self.own, self.at) {
            // The set came from the kernel; it cannot be refused but by a change of cgroups.
            let _ = sched_setaffinity(None, own);
        }
    }
}
