//! The observer that keeps call paths: a block is entered with its path when it is handed out, and struck off
//! when it goes.

use core::ffi::{CStr, c_int, c_void};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::next::Next;
use super::tables::{self, Entry, Tables};
use super::{shared, thread, unwind};

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
    with(|tables| {
        let stack = tables.stack(&unwind::capture());
        tables.map(at as usize, length, stack);
    });
}

pub(crate) fn unmapped(at: *mut c_void, length: usize) {
    with(|tables| tables.unmap(at as usize, length));
}

pub(crate) fn remapped(from: (*mut c_void, usize), (at, length): (*mut c_void, usize)) {
    with(|tables| {
        tables.unmap(from.0 as usize, from.1);
        let stack = tables.stack(&unwind::capture());
        tables.map(at as usize, length, stack);
    });
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
