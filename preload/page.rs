//! The memory shared with memcase: a directory of processes, and a block of slots for each.
//!
//! A slot belongs to one thread, which adds to it without a lock; the last slot of a block is shared by
//! the threads that came too late for one of their own, which add atomically. Counters are differences:
//! a child starts at zero with what it inherited, and a block freed by another thread than the one that
//! allocated it makes that slot negative. Only the sum over a block means something.

use core::arch::asm;
use core::ffi::{CStr, c_int};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU32, Ordering};

use super::{shared, thread};

/// The version of this layout; `measure::probe::counters` reads the same.
const VERSION: u32 = 1;
/// The first word of the file.
const MAGIC: u64 = u64::from_le_bytes(*b"memcase\0");
/// Processes that can be counted at once.
const PROCESSES: usize = 256;
/// Slots of a process: all but the last belong to a thread each.
const SLOTS: usize = 63;

/// A thread's counters.
#[repr(C, align(64))]
pub(crate) struct Slot {
    /// Usable bytes of blocks in use.
    bytes: AtomicI64,
    /// Blocks in use.
    blocks: AtomicI64,
    /// Bytes mapped less bytes unmapped, by the program itself.
    mapped: AtomicI64,
}

/// A process's counters.
#[repr(C, align(4096))]
struct Block {
    /// Slots that were given out; more than there are when threads share the last one.
    used: AtomicU32,
    slots: [Slot; SLOTS],
}

#[repr(C, align(4096))]
struct Page {
    magic: u64,
    version: u32,
    /// Processes that found no block.
    lost: AtomicU32,
    /// The process that a block belongs to; 0 for nobody.
    pids: [AtomicU32; PROCESSES],
    blocks: [Block; PROCESSES],
}

const _: () = assert!(size_of::<Block>() == 4096);
const _: () = assert!(core::mem::offset_of!(Page, blocks) == 4096);
const _: () = assert!(core::mem::offset_of!(Slot, blocks) == 8);

unsafe extern "C" {
    fn getpid() -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn __errno_location() -> *mut c_int;
}

/// `ESRCH` of errno(3).
const ESRCH: c_int = 3;
/// Names the file to be shared.
const VARIABLE: &CStr = c"MEMCASE_COUNTERS";

static PAGE: AtomicPtr<Page> = AtomicPtr::new(null_mut());
static BLOCK: AtomicPtr<Block> = AtomicPtr::new(null_mut());
static ATTACHED: AtomicBool = AtomicBool::new(false);
/// What is counted before there is a block, or where there is none: it is not read.
static ASIDE: Slot = Slot {
    bytes: AtomicI64::new(0),
    blocks: AtomicI64::new(0),
    mapped: AtomicI64::new(0),
};

/// Adds to the calling thread's counters.
#[inline]
pub(crate) fn count(bytes: i64, blocks: i64) {
    let slot = thread::slot();
    // SAFETY: a slot lives in the shared page, which is never unmapped, or is ASIDE.
    match unsafe { slot.as_ref() } {
        Some(slot) => slot.add(bytes, blocks),
        None => own_slot().add(bytes, blocks),
    }
}

/// Adds to the calling thread's count of mappings.
pub(crate) fn count_mapping(bytes: i64) {
    let slot = thread::slot();
    // SAFETY: as in `count`.
    let slot = unsafe { slot.as_ref() }.unwrap_or_else(own_slot);
    slot.mapped.fetch_add(bytes, Ordering::Relaxed);
}

impl Slot {
    #[inline]
    fn add(&self, bytes: i64, blocks: i64) {
        if self.is_shared() {
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            self.blocks.fetch_add(blocks, Ordering::Relaxed);
            return;
        }
        // Nobody else writes here, so no lock is needed; but a signal's handler may come between any
        // two instructions of this thread, so each counter is changed by one alone.
        // SAFETY: both words are this slot's, which is writable for good.
        unsafe {
            asm!(
                "add qword ptr [{slot}], {bytes}",
                "add qword ptr [{slot} + 8], {blocks}",
                slot = in(reg) self,
                bytes = in(reg) bytes,
                blocks = in(reg) blocks,
                options(nostack),
            );
        }
    }

    /// The last slot of a block lies at the end of its page.
    #[inline]
    fn is_shared(&self) -> bool {
        core::ptr::from_ref(self) as usize & 4095 == 4096 - size_of::<Self>()
    }
}

/// Takes a slot for the calling thread.
#[cold]
fn own_slot() -> &'static Slot {
    if !ATTACHED.load(Ordering::Acquire) {
        attach();
    }
    // SAFETY: the block lies in the page, which is never unmapped.
    let Some(block) = (unsafe { BLOCK.load(Ordering::Acquire).as_ref() }) else {
        // Still attaching, or not to be counted: asked again at the next call.
        return &ASIDE;
    };
    let number = block.used.fetch_add(1, Ordering::Relaxed) as usize;
    let slot = &block.slots[number.min(SLOTS - 1)];
    thread::set_slot(slot);
    slot
}

/// Maps the page, takes a block, and sees to it that forked children take their own. Once a program.
pub(crate) fn attach() {
    if ATTACHED.swap(true, Ordering::AcqRel) {
        return;
    }
    let Some(page) = map() else { return };
    PAGE.store(page, Ordering::Release);
    take_block();
    shared::in_forked_children(forked);
}

/// Runs in a forked child, in its only thread.
extern "C" fn forked() {
    BLOCK.store(null_mut(), Ordering::Release);
    thread::set_slot(null_mut());
    take_block();
}

fn map() -> Option<*mut Page> {
    let page = shared::map::<Page>(VARIABLE)?;
    // SAFETY: the mapping has the page's size, and is never unmapped.
    unsafe { ((*page).magic == MAGIC && (*page).version == VERSION).then_some(page) }
}

/// Takes this process's block: the one it had before an exec, a free one, or one of a process that is gone.
fn take_block() {
    // SAFETY: the page is never unmapped.
    let Some(page) = (unsafe { PAGE.load(Ordering::Acquire).as_ref() }) else {
        return;
    };
    // SAFETY: always succeeds.
    let own = unsafe { getpid() } as u32;
    let had = page
        .pids
        .iter()
        .position(|pid| pid.load(Ordering::Acquire) == own);
    let found = had
        .or_else(|| claim(page, own, |pid| pid == 0))
        .or_else(|| claim(page, own, is_gone));
    let Some(number) = found else {
        page.lost.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let block = &page.blocks[number];
    for slot in &block.slots {
        slot.bytes.store(0, Ordering::Relaxed);
        slot.blocks.store(0, Ordering::Relaxed);
        slot.mapped.store(0, Ordering::Relaxed);
    }
    block.used.store(0, Ordering::Release);
    BLOCK.store(core::ptr::from_ref(block).cast_mut(), Ordering::Release);
}

fn claim(page: &Page, own: u32, is_free: impl Fn(u32) -> bool) -> Option<usize> {
    page.pids.iter().position(|owner| {
        let pid = owner.load(Ordering::Acquire);
        is_free(pid)
            && owner
                .compare_exchange(pid, own, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    })
}

fn is_gone(pid: u32) -> bool {
    // SAFETY: signal 0 only asks; errno is put back.
    unsafe {
        let errno = *__errno_location();
        let gone = kill(pid as c_int, 0) != 0 && *__errno_location() == ESRCH;
        *__errno_location() = errno;
        gone
    }
}
