//! Counts the bytes and blocks that a program has in use, from inside it, by standing before its allocator.
//!
//! Loaded by `LD_PRELOAD` into what memcase measures. Every call goes on to the next allocator in line;
//! beside it the usable size of the block is added to or taken from a slot that belongs to the calling
//! thread, in a page shared with memcase. Nothing is allocated, locked or written anywhere else.
//!
//! Built without the standard library, which would allocate through the very functions that are replaced
//! here. `docs/measurement.md` tells what is counted, what is missed, and what it costs.

#![no_std]

mod allocator;
mod counted;
mod next;
mod page;
mod shared;
mod thread;

use core::ffi::{c_int, c_void};

use counted as observer;
use page::Slot;

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
        page::attach();
    }
    loaded
};

/// A slot is one line of the processor's cache, so that threads do not take it from each other.
const _: () = assert!(size_of::<Slot>() == 64);
