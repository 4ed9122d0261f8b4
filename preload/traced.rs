//! The observer that keeps call paths: a block is entered with its path when it is handed out, and struck off
//! when it goes.

use core::ffi::{CStr, c_int, c_void};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::next::Next;
use super::tables::{self, Entry, Tables};
use super::{opened, shared, thread, unwind};

unsafe extern "C" {
    fn getpid() -> c_int;
}

/// Names the file to be shared.
const VARIABLE: &CStr = c"MEMCASE_STACKS";

/// What a thread's word points to while it writes to the tables: what it allocates then is the unwinder's.
pub(crate) enum Slot {}

static BUSY: u8 = 0;
/// Null before the library is attached, and in forked children.
static TABLES: AtomicPtr<Tables> = AtomicPtr::new(null_mut());

/// What was known of a block that may be about to go.
pub(crate) struct Leaving(Option<Entry>);

/// Does something with the tables, unless this thread does already.
#[inline]
fn with<R>(act: impl FnOnce(&'static Tables) -> R) -> Option<R> {
    // SAFETY: the tables are never unmapped.
    let tables = unsafe { TABLES.load(Ordering::Acquire).as_ref() }?;
    if !thread::slot().is_null() {
        return None;
    }
    thread::set_slot((&raw const BUSY).cast());
    let result = act(tables);
    thread::set_slot(null());
    Some(result)
}

pub(crate) fn gained(next: &Next, block: *mut c_void) {
    with(|tables| {
        let stack = tables.stack(&unwind::capture());
        tables.enter(block as usize, (next.taken_by(block), stack));
    });
}

pub(crate) fn leaving(_: &Next, block: *mut c_void) -> Leaving {
    Leaving(with(|tables| tables.strike(block as usize)).flatten())
}

pub(crate) fn left(_: Leaving) {}

pub(crate) fn stayed(Leaving(entry): Leaving, block: *mut c_void) {
    if let Some(entry) = entry {
        with(|tables| tables.enter(block as usize, entry));
    }
}

pub(crate) fn moved(next: &Next, _: Leaving, to: *mut c_void) {
    gained(next, to);
}

pub(crate) fn mapped(at: *mut c_void, length: usize) {
    given(at as usize, length, path());
}

/// Memory is what this path asked for: what the tables know there has gone without a word, as a stack that the C
/// library unmaps by itself does.
pub(crate) fn given(at: usize, length: usize, path: u32) {
    with(|tables| {
        tables.unmap(at, length);
        tables.map(at, length, path);
    });
}

pub(crate) fn unmapped(at: *mut c_void, length: usize) {
    with(|tables| tables.unmap(at as usize, length));
}

pub(crate) fn remapped(from: (*mut c_void, usize), (at, length): (*mut c_void, usize)) {
    unmapped(from.0, from.1);
    mapped(at, length);
}

/// A descriptor was opened, by the path to here.
pub(crate) fn opened(number: usize) {
    with(|tables| {
        let stack = tables.stack(&unwind::capture());
        tables.numbers.opened(number, stack);
    });
}

/// The number of the path to here; that of none where no paths are kept.
pub(crate) fn path() -> u32 {
    with(|tables| tables.stack(&unwind::capture())).unwrap_or(tables::NO_STACK)
}

/// A thread or a process was started, by this path.
pub(crate) fn started(number: usize, path: u32) {
    with(|tables| tables.numbers.started(number, path));
}

/// Maps the tables, and claims them for this process if they are nobody else's.
pub(crate) fn attach() {
    let Some(mapped) = map() else { return };
    // SAFETY: the mapping has the tables' size, is never unmapped, and any bytes are a valid one.
    let tables = unsafe { &*mapped };
    // SAFETY: always succeeds.
    if !tables.claim(unsafe { getpid() } as u32) {
        return;
    }
    if !unwind::prepare() {
        tables.announce(tables::NO_UNWINDER);
        return;
    }
    opened::prepare();
    shared::in_forked_children(forked);
    tables.announce(tables::TRACING);
    TABLES.store(mapped, Ordering::Release);
}

/// Runs in a forked child: what it does is its own. A lock may be held there for ever.
extern "C" fn forked() {
    TABLES.store(null_mut(), Ordering::Release);
}

fn map() -> Option<*mut Tables> {
    let tables = shared::map::<Tables>(VARIABLE)?;
    // SAFETY: the mapping has the tables' size, and is never unmapped.
    unsafe { (*tables).is_known().then_some(tables) }
}
