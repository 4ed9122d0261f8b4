//! The observer that keeps call paths: a block is entered with its path when it is handed out, and struck off
//! when it goes.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::next::{Next, function, next};
use super::tables::{self, Entry, Tables};
use super::{thread, unwind};

unsafe extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
    fn getpid() -> c_int;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn close(file: c_int) -> c_int;
    fn __errno_location() -> *mut c_int;
}

/// `O_RDWR | O_CLOEXEC` of open(2).
const OPEN: c_int = 0o2 | 0o2_000_000;
/// `PROT_READ | PROT_WRITE` and `MAP_SHARED` of mmap(2).
const READ_WRITE: c_int = 3;
const SHARED: c_int = 1;
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
    // In a C library that lacks the one, the other is a function.
    type Handler = Option<extern "C" fn()>;
    type Register = unsafe extern "C" fn(Handler, Handler, Handler, *mut c_void) -> c_int;
    let register: Option<Register> =
        function(c"__register_atfork").or_else(|| function(c"pthread_atfork"));
    if let Some(register) = register {
        // SAFETY: the types are those of pthread_atfork(3); the handle of a library that is never
        // unloaded may be null.
        unsafe { register(None, None, Some(forked), null_mut()) };
    }
    tables.announce(tables::TRACING);
    TABLES.store(mapped, Ordering::Release);
}

/// Runs in a forked child: what it does is its own. A lock may be held there for ever.
extern "C" fn forked() {
    TABLES.store(null_mut(), Ordering::Release);
}

fn map() -> Option<*mut Tables> {
    // SAFETY: getenv, open, close and mmap as documented; the path is the environment's own C string; errno is
    // put back.
    unsafe {
        let errno = *__errno_location();
        let path = getenv(VARIABLE.as_ptr());
        if path.is_null() {
            return None;
        }
        let file = open(path, OPEN);
        let mut place = super::FAILED;
        if let (true, Some(mmap)) = (file >= 0, next().mmap) {
            place = mmap(null_mut(), size_of::<Tables>(), READ_WRITE, SHARED, file, 0);
        }
        if file >= 0 {
            close(file);
        }
        *__errno_location() = errno;
        if place == super::FAILED {
            return None;
        }
        let tables = place.cast::<Tables>();
        (*tables).is_known().then_some(tables)
    }
}
