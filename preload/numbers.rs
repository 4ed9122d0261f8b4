//! The part of the shared memory that tells by which path a descriptor was opened, or a thread or process started.
//!
//! The kernel gives numbers out again once they are free, so the last path that a number was entered with is that
//! of what has it now.

use core::sync::atomic::{AtomicU32, Ordering};

/// Descriptors whose path is kept: those with a number below.
const FILES: usize = 1 << 16;
/// Threads and processes whose path is kept: all numbers that the kernel gives out.
const TASKS: usize = 1 << 22;

/// Paths by number.
#[repr(C)]
pub(crate) struct Numbers {
    files: [AtomicU32; FILES],
    tasks: [AtomicU32; TASKS],
}

impl Numbers {
    /// Enters a descriptor.
    pub(crate) fn opened(&self, number: usize, stack: u32) {
        enter(&self.files, number, stack);
    }

    /// Enters a thread or a process.
    pub(crate) fn started(&self, number: usize, stack: u32) {
        enter(&self.tasks, number, stack);
    }

    /// Forgets the paths of another program. What it started is not this one's, so that nobody asks for it.
    pub(crate) fn clear(&self) {
        for file in &self.files {
            file.store(0, Ordering::Relaxed);
        }
    }
}

fn enter(paths: &[AtomicU32], number: usize, stack: u32) {
    if let Some(path) = paths.get(number) {
        path.store(stack, Ordering::Relaxed);
    }
}
