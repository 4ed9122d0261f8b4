//! Keeps the call path by which each block in use was asked for, from inside a program, by standing before its
//! allocator; and that by which each descriptor was opened, and each thread and process started.
//!
//! Loaded by `LD_PRELOAD` in the place of the library that counts (`lib.rs`), into a process that is run to be
//! explained and that nobody measures. What it keeps lies in tables shared with memcase; it allocates nothing.
//! `docs/measurement.md` tells what it costs and what it cannot see.

#![no_std]

mod allocator;
mod next;
mod numbers;
mod opened;
mod shared;
mod tables;
mod thread;
mod traced;
mod unwind;

use core::ffi::{c_int, c_void};

use traced as observer;
use traced::Slot;

/// `MAP_FAILED` of mmap(2).
const FAILED: *mut c_void = usize::MAX as *mut c_void;
/// `MAP_FIXED` of mmap(2): what it maps replaces what was mapped, so the sum stays.
const FIXED: c_int = 0x10;
/// `EINVAL` of errno(3).
const EINVAL: c_int = 22;
/// `ENOMEM` of errno(3).
const ENOMEM: c_int = 12;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    next::abort()
}

/// What runs when the library is loaded: before the program, and again after each exec.
#[used]
#[unsafe(link_section = ".init_array")]
static LOADED: extern "C" fn() = {
    extern "C" fn loaded() {
        traced::attach();
    }
    loaded
};
