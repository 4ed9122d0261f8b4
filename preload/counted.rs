//! The observer that counts: a block's usable size is added when it is handed out, and taken off when it goes.

use core::ffi::c_void;

use super::next::Next;
use super::page::{count, count_mapping};

/// The size of a block that may be about to go.
pub(crate) struct Leaving(i64);

#[inline]
pub(crate) fn gained(next: &Next, block: *mut c_void) {
    count(next.taken_by(block), 1);
}

#[inline]
pub(crate) fn leaving(next: &Next, block: *mut c_void) -> Leaving {
    Leaving(next.taken_by(block))
}

#[inline]
pub(crate) fn left(Leaving(bytes): Leaving) {
    count(-bytes, -1);
}

#[inline]
pub(crate) fn stayed(_: Leaving, _block: *mut c_void) {}

#[inline]
pub(crate) fn moved(next: &Next, Leaving(bytes): Leaving, to: *mut c_void) {
    count(next.taken_by(to) - bytes, 0);
}

pub(crate) fn mapped(_at: *mut c_void, length: usize) {
    count_mapping(length as i64);
}

pub(crate) fn unmapped(_at: *mut c_void, length: usize) {
    count_mapping(-(length as i64));
}

pub(crate) fn remapped((_, before): (*mut c_void, usize), (_, after): (*mut c_void, usize)) {
    count_mapping(after as i64 - before as i64);
}
