//! The functions of the allocator, and of mappings, that stand before the C library's own.
//!
//! Each goes on to the next in line, and tells the `observer` of this library what became of the block.

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

use super::next::{self, Next, bump, next};
use super::{EINVAL, ENOMEM, FAILED, FIXED, observer};

/// Tells of a block that the next allocator handed out.
#[inline]
fn gained(next: &Next, block: *mut c_void) -> *mut c_void {
    if !block.is_null() {
        observer::gained(next, block);
    }
    block
}

/// # Safety
/// As malloc(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    let next = next();
    match next.malloc {
        // SAFETY: the arguments are the caller's.
        Some(malloc) => gained(next, unsafe { malloc(size) }),
        None => bump::take(size, bump::ALIGNMENT),
    }
}

/// # Safety
/// As calloc(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calloc(members: usize, size: usize) -> *mut c_void {
    let next = next();
    match next.calloc {
        // SAFETY: the arguments are the caller's.
        Some(calloc) => gained(next, unsafe { calloc(members, size) }),
        // What the reserve hands out was never written to.
        None => match members.checked_mul(size) {
            Some(size) => bump::take(size, bump::ALIGNMENT),
            None => null_mut(),
        },
    }
}

/// # Safety
/// As realloc(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    let next = next();
    if let Some(held) = bump::held(block) {
        // SAFETY: as malloc(3); the reserve's block has `held` bytes, and never is freed.
        unsafe {
            let moved = malloc(size);
            if !moved.is_null() {
                core::ptr::copy_nonoverlapping(block.cast::<u8>(), moved.cast(), held.min(size));
            }
            return moved;
        }
    }
    let Some(realloc) = next.realloc else {
        return if block.is_null() {
            bump::take(size, bump::ALIGNMENT)
        } else {
            null_mut()
        };
    };
    // Told before, as another thread may be given its place at once.
    let leaving = (!block.is_null()).then(|| observer::leaving(next, block));
    // SAFETY: the arguments are the caller's.
    let moved = unsafe { realloc(block, size) };
    match (moved.is_null(), leaving) {
        (false, Some(leaving)) => observer::moved(next, leaving, moved),
        (false, None) => observer::gained(next, moved),
        // A size of zero frees (glibc); without memory the old block stays.
        (true, Some(leaving)) if size == 0 => observer::left(leaving),
        (true, Some(leaving)) => observer::stayed(leaving, block),
        (true, None) => {}
    }
    moved
}

/// # Safety
/// As reallocarray(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarray(
    block: *mut c_void,
    members: usize,
    size: usize,
) -> *mut c_void {
    match members.checked_mul(size) {
        // SAFETY: the block is the caller's.
        Some(size) => unsafe { realloc(block, size) },
        None => {
            next::set_errno(ENOMEM);
            null_mut()
        }
    }
}

/// # Safety
/// As free(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(block: *mut c_void) {
    if block.is_null() || bump::held(block).is_some() {
        return;
    }
    let next = next();
    if let Some(free) = next.free {
        observer::left(observer::leaving(next, block));
        // SAFETY: the block is the caller's.
        unsafe { free(block) }
    }
}

/// The function of C23; in a library that has none a program does not find it, or finds it here.
///
/// # Safety
/// As free(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(block: *mut c_void, _size: usize) {
    // SAFETY: the block is the caller's.
    unsafe { free(block) }
}

/// The function of C23.
///
/// # Safety
/// As free(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(block: *mut c_void, _alignment: usize, _size: usize) {
    // SAFETY: the block is the caller's.
    unsafe { free(block) }
}

/// # Safety
/// As `posix_memalign(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(
    place: *mut *mut c_void,
    alignment: usize,
    size: usize,
) -> c_int {
    let next = next();
    match next.posix_memalign {
        Some(posix_memalign) => {
            // SAFETY: the arguments are the caller's; after a success the place holds a block.
            unsafe {
                let error = posix_memalign(place, alignment, size);
                if error == 0 {
                    gained(next, *place);
                }
                error
            }
        }
        None if !alignment.is_power_of_two() || !alignment.is_multiple_of(size_of::<usize>()) => {
            EINVAL
        }
        None => {
            let block = bump::take(size, alignment);
            if block.is_null() {
                return ENOMEM;
            }
            // SAFETY: the place is the caller's.
            unsafe { *place = block };
            0
        }
    }
}

/// # Safety
/// As `aligned_alloc(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    let next = next();
    match next.aligned_alloc {
        // SAFETY: the arguments are the caller's.
        Some(aligned_alloc) => gained(next, unsafe { aligned_alloc(alignment, size) }),
        None => bump::take(size, alignment),
    }
}

/// # Safety
/// As memalign(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    let next = next();
    match next.memalign {
        // SAFETY: the arguments are the caller's.
        Some(memalign) => gained(next, unsafe { memalign(alignment, size) }),
        None => bump::take(size, alignment),
    }
}

/// # Safety
/// As valloc(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn valloc(size: usize) -> *mut c_void {
    let next = next();
    match next.valloc {
        // SAFETY: the arguments are the caller's.
        Some(valloc) => gained(next, unsafe { valloc(size) }),
        None => bump::take(size, bump::PAGE),
    }
}

/// # Safety
/// As pvalloc(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pvalloc(size: usize) -> *mut c_void {
    let next = next();
    match next.pvalloc {
        // SAFETY: the arguments are the caller's.
        Some(pvalloc) => gained(next, unsafe { pvalloc(size) }),
        None => bump::take(size.next_multiple_of(bump::PAGE), bump::PAGE),
    }
}

pub(crate) type Mmap =
    unsafe extern "C" fn(*mut c_void, usize, c_int, c_int, c_int, i64) -> *mut c_void;

/// Maps by `next`, and counts what was mapped.
///
/// # Safety
/// As mmap(2).
unsafe fn mapped(
    next: Option<Mmap>,
    at: *mut c_void,
    length: usize,
    (protection, flags, file): (c_int, c_int, c_int),
    offset: i64,
) -> *mut c_void {
    // SAFETY: the arguments are the caller's.
    let place = unsafe {
        match next {
            Some(mmap) => mmap(at, length, protection, flags, file, offset),
            None => next::system::mmap(at, length, protection, flags, file, offset),
        }
    };
    if place != FAILED && flags & FIXED == 0 {
        observer::mapped(place, length.next_multiple_of(bump::PAGE));
    }
    place
}

/// # Safety
/// As mmap(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    at: *mut c_void,
    length: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: i64,
) -> *mut c_void {
    // SAFETY: the arguments are the caller's.
    unsafe { mapped(next().mmap, at, length, (protection, flags, file), offset) }
}

/// # Safety
/// As mmap(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap64(
    at: *mut c_void,
    length: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: i64,
) -> *mut c_void {
    // SAFETY: the arguments are the caller's.
    unsafe { mapped(next().mmap64, at, length, (protection, flags, file), offset) }
}

/// # Safety
/// As munmap(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munmap(at: *mut c_void, length: usize) -> c_int {
    // SAFETY: the arguments are the caller's.
    let error = unsafe {
        match next().munmap {
            Some(munmap) => munmap(at, length),
            None => next::system::munmap(at, length),
        }
    };
    if error == 0 {
        observer::unmapped(at, length.next_multiple_of(bump::PAGE));
    }
    error
}

/// The fifth argument is there only with `MREMAP_FIXED`; passing on a register that holds
/// something else is what the C library's own wrapper does too.
///
/// # Safety
/// As mremap(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mremap(
    at: *mut c_void,
    before: usize,
    after: usize,
    flags: c_int,
    to: *mut c_void,
) -> *mut c_void {
    // SAFETY: the arguments are the caller's.
    let place = unsafe {
        match next().mremap {
            Some(mremap) => mremap(at, before, after, flags, to),
            None => next::system::mremap(at, before, after, flags, to),
        }
    };
    if place != FAILED {
        let round = |size: usize| size.next_multiple_of(bump::PAGE);
        observer::remapped((at, round(before)), (place, round(after)));
    }
    place
}
