//! The next allocator in line: its functions, and a small reserve for what is asked of us while they are looked up.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute_copy;
use core::sync::atomic::{AtomicU8, Ordering};

#[link(name = "c")]
unsafe extern "C" {
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
    #[link_name = "abort"]
    fn libc_abort() -> !;
}

/// `RTLD_NEXT` of dlsym(3).
const RTLD_NEXT: *mut c_void = usize::MAX as *mut c_void;

type Sized = unsafe extern "C" fn(usize) -> *mut c_void;
type Usable = unsafe extern "C" fn(*mut c_void) -> usize;
type Aligned = unsafe extern "C" fn(usize, usize) -> *mut c_void;

/// The functions that stand behind ours.
pub(crate) struct Next {
    pub(crate) malloc: Option<Sized>,
    pub(crate) calloc: Option<unsafe extern "C" fn(usize, usize) -> *mut c_void>,
    pub(crate) realloc: Option<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void>,
    pub(crate) free: Option<unsafe extern "C" fn(*mut c_void)>,
    pub(crate) posix_memalign:
        Option<unsafe extern "C" fn(*mut *mut c_void, usize, usize) -> c_int>,
    pub(crate) aligned_alloc: Option<Aligned>,
    pub(crate) memalign: Option<Aligned>,
    pub(crate) valloc: Option<Sized>,
    pub(crate) pvalloc: Option<Sized>,
    usable: Option<Usable>,
    /// Whether the word before a block holds its size, as glibc's does.
    sized: bool,
    pub(crate) mmap: Option<super::allocator::Mmap>,
    pub(crate) mmap64: Option<super::allocator::Mmap>,
    pub(crate) munmap: Option<unsafe extern "C" fn(*mut c_void, usize) -> c_int>,
    pub(crate) mremap:
        Option<unsafe extern "C" fn(*mut c_void, usize, usize, c_int, *mut c_void) -> *mut c_void>,
}

impl Next {
    const NONE: Self = Self {
        malloc: None,
        calloc: None,
        realloc: None,
        free: None,
        posix_memalign: None,
        aligned_alloc: None,
        memalign: None,
        valloc: None,
        pvalloc: None,
        usable: None,
        sized: false,
        mmap: None,
        mmap64: None,
        munmap: None,
        mremap: None,
    };

    /// The bytes that a block takes in the allocator, the same when it is handed out and taken back.
    #[inline]
    pub(crate) fn taken_by(&self, block: *mut c_void) -> i64 {
        if self.sized {
            // SAFETY: the block is alive and the allocator's own.
            return unsafe { size_before(block) } as i64;
        }
        // SAFETY: as above.
        self.usable.map_or(0, |usable| unsafe { usable(block) }) as i64
    }

    /// Whether this is glibc, where the word before a block holds its size and three flags: reading it
    /// costs nothing, where to ask is half of the cost of counting. A block is asked for to be sure.
    fn is_sized(&self) -> bool {
        let own: Option<Sized> = function(c"__libc_malloc");
        let (Some(malloc), Some(free), Some(usable)) = (self.malloc, self.free, self.usable) else {
            return false;
        };
        if own.map(|own| own as usize) != Some(malloc as usize) {
            return false;
        }
        [24, 1000, 100_000].into_iter().all(|size| {
            // SAFETY: a block of this size is read only before its start, where glibc has its word.
            unsafe {
                let block = malloc(size);
                if block.is_null() {
                    return false;
                }
                let agree = size_before(block) == usable(block) + size_of::<usize>();
                free(block);
                agree
            }
        })
    }
}

/// The word before a block, without the flags in its low bits.
///
/// # Safety
/// The block is alive and glibc's.
#[inline]
unsafe fn size_before(block: *mut c_void) -> usize {
    // SAFETY: the caller's word.
    unsafe { block.cast::<usize>().sub(1).read() & !7 }
}

struct Table(UnsafeCell<Next>);
// SAFETY: written once, by the one that moved STATE from ASLEEP to SEARCHING, before READY is stored.
unsafe impl Sync for Table {}

static TABLE: Table = Table(UnsafeCell::new(Next::NONE));
static NOTHING: Table = Table(UnsafeCell::new(Next::NONE));
static STATE: AtomicU8 = AtomicU8::new(ASLEEP);
const ASLEEP: u8 = 0;
const SEARCHING: u8 = 1;
const READY: u8 = 2;

/// The next functions; none of them while they are being looked up.
#[inline]
pub(crate) fn next() -> &'static Next {
    if STATE.load(Ordering::Acquire) == READY {
        // SAFETY: nobody writes to the table after READY.
        return unsafe { &*TABLE.0.get() };
    }
    search()
}

#[cold]
fn search() -> &'static Next {
    let first = STATE.compare_exchange(ASLEEP, SEARCHING, Ordering::AcqRel, Ordering::Acquire);
    if first.is_err() {
        // dlsym itself allocates, or another thread was quicker by a hair.
        // SAFETY: nobody ever writes to this table.
        return unsafe { &*NOTHING.0.get() };
    }
    let mut found = Next {
        malloc: function(c"malloc"),
        calloc: function(c"calloc"),
        realloc: function(c"realloc"),
        free: function(c"free"),
        posix_memalign: function(c"posix_memalign"),
        aligned_alloc: function(c"aligned_alloc"),
        memalign: function(c"memalign"),
        valloc: function(c"valloc"),
        pvalloc: function(c"pvalloc"),
        usable: function(c"malloc_usable_size"),
        mmap: function(c"mmap"),
        mmap64: function(c"mmap64"),
        munmap: function(c"munmap"),
        mremap: function(c"mremap"),
        sized: false,
    };
    found.sized = found.is_sized();
    // SAFETY: only the one that is SEARCHING comes here, and nobody reads before READY.
    unsafe { *TABLE.0.get() = found };
    STATE.store(READY, Ordering::Release);
    // SAFETY: as above.
    unsafe { &*TABLE.0.get() }
}

/// A function of the libraries behind this one; `F` is an optional function pointer.
pub(crate) fn function<F>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the name is a C string; the caller names the type that the C library documents for it.
    unsafe {
        let found = dlsym(RTLD_NEXT, name.as_ptr());
        (!found.is_null()).then(|| transmute_copy::<*mut c_void, F>(&found))
    }
}

pub(crate) fn set_errno(error: c_int) {
    // SAFETY: the C library returns the place of the thread's own errno.
    unsafe { *__errno_location() = error };
}

pub(crate) fn abort() -> ! {
    // SAFETY: it may be called at any time.
    unsafe { libc_abort() }
}

/// The system calls themselves, for the moment before the next functions are known.
pub(crate) mod system {
    use core::ffi::{c_int, c_long, c_void};

    #[link(name = "c")]
    unsafe extern "C" {
        fn syscall(number: c_long, ...) -> c_long;
    }

    /// # Safety
    /// As mmap(2).
    pub(crate) unsafe fn mmap(
        at: *mut c_void,
        length: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: i64,
    ) -> *mut c_void {
        // SAFETY: the caller's; number 9 is mmap on x86-64.
        unsafe { syscall(9, at, length, protection, flags, file, offset) as *mut c_void }
    }

    /// # Safety
    /// As munmap(2).
    pub(crate) unsafe fn munmap(at: *mut c_void, length: usize) -> c_int {
        // SAFETY: the caller's; number 11 is munmap on x86-64.
        unsafe { syscall(11, at, length) as c_int }
    }

    /// # Safety
    /// As mremap(2).
    pub(crate) unsafe fn mremap(
        at: *mut c_void,
        before: usize,
        after: usize,
        flags: c_int,
        to: *mut c_void,
    ) -> *mut c_void {
        // SAFETY: the caller's; number 25 is mremap on x86-64.
        unsafe { syscall(25, at, before, after, flags, to) as *mut c_void }
    }
}

/// A reserve for the few blocks that are asked for before the next allocator is known. Its blocks are
/// never given back and never counted.
pub(crate) mod bump {
    use core::cell::UnsafeCell;
    use core::ffi::c_void;
    use core::ptr::null_mut;
    use core::sync::atomic::{AtomicUsize, Ordering};

    /// What malloc(3) guarantees.
    pub(crate) const ALIGNMENT: usize = 16;
    /// Bytes of a page on x86-64.
    pub(crate) const PAGE: usize = 4096;
    const SIZE: usize = 64 * 1024;

    #[repr(C, align(4096))]
    struct Reserve(UnsafeCell<[u8; SIZE]>);
    // SAFETY: every byte is handed out once.
    unsafe impl Sync for Reserve {}

    static RESERVE: Reserve = Reserve(UnsafeCell::new([0; SIZE]));
    static USED: AtomicUsize = AtomicUsize::new(0);

    /// A block of the reserve, with its size in the word before it; null when it is used up.
    pub(crate) fn take(size: usize, alignment: usize) -> *mut c_void {
        let alignment = alignment.max(ALIGNMENT);
        let mut used = USED.load(Ordering::Relaxed);
        loop {
            let Some(end) = (used + size_of::<usize>())
                .checked_next_multiple_of(alignment)
                .and_then(|start| start.checked_add(size))
                .filter(|&end| end < SIZE)
            else {
                super::set_errno(super::super::ENOMEM);
                return null_mut();
            };
            match USED.compare_exchange_weak(used, end, Ordering::Relaxed, Ordering::Relaxed) {
                Err(now) => used = now,
                Ok(_) => {
                    let start = end - size;
                    // SAFETY: `start..end` and the word before lie in the reserve and are nobody else's;
                    // the alignment makes room for a whole, aligned word.
                    unsafe {
                        let base = RESERVE.0.get().cast::<u8>();
                        base.add(start - size_of::<usize>())
                            .cast::<usize>()
                            .write(size);
                        return base.add(start).cast();
                    }
                }
            }
        }
    }

    /// The size of a block of the reserve; none if it came from elsewhere.
    #[inline]
    pub(crate) fn held(block: *mut c_void) -> Option<usize> {
        let base = RESERVE.0.get() as usize;
        let place = (block as usize).wrapping_sub(base);
        // SAFETY: a block in the reserve has its size in the word before it.
        (place < SIZE).then(|| unsafe { block.cast::<usize>().sub(1).read() })
    }
}
