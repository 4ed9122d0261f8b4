//! One word of thread-local storage, by the initial-exec model: the slot of the calling thread.
//!
//! `#[thread_local]` is not stable, and the storage of the standard library allocates. A library that is
//! loaded at start may use the static block of thread-local storage, two instructions away.

use core::arch::{asm, global_asm};

use super::Slot;

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 8",
    ".globl memcase_thread_slot",
    ".hidden memcase_thread_slot",
    ".type memcase_thread_slot,@object",
    ".size memcase_thread_slot,8",
    "memcase_thread_slot:",
    ".zero 8",
    ".popsection",
);

/// The slot of this thread; null before its first allocation.
#[inline]
pub(crate) fn slot() -> *const Slot {
    let slot: *const Slot;
    // SAFETY: reads a word of this thread's own storage.
    unsafe {
        asm!(
            "mov {slot}, qword ptr [rip + memcase_thread_slot@GOTTPOFF]",
            "mov {slot}, qword ptr fs:[{slot}]",
            slot = out(reg) slot,
            options(nostack, readonly, preserves_flags),
        );
    }
    slot
}

/// Gives this thread a slot.
pub(crate) fn set_slot(slot: *const Slot) {
    // SAFETY: writes a word of this thread's own storage.
    unsafe {
        asm!(
            "mov {place}, qword ptr [rip + memcase_thread_slot@GOTTPOFF]",
            "mov qword ptr fs:[{place}], {slot}",
            place = out(reg) _,
            slot = in(reg) slot,
            options(nostack, preserves_flags),
        );
    }
}
