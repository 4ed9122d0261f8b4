//! The step protocol (docs/protocol.md) for generated Rust programs.
//! Nothing in a turn allocates; the slot is written with one system call.

use std::ffi::{c_char, c_int, c_void};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::FromRawFd as _;
use std::os::unix::fs::FileExt as _;

const COLLECTS: u32 = 1;
const MALLOC: u32 = 16;
const FULL: u32 = 32;
const TRIMS: u32 = 64;

/// glibc's `struct mallinfo2`, by position.
#[repr(C)]
struct MallInfo2([usize; 10]);

const HBLKHD: usize = 4;
const UORDBLKS: usize = 7;

unsafe extern "C" {
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
}

/// This program's side of the protocol.
pub struct Driver {
    orders: File,
    answers: File,
    slot: Option<File>,
    runs: u64,
    next: u64,
    left: u64,
    mallinfo2: Option<extern "C" fn() -> MallInfo2>,
    malloc_trim: Option<extern "C" fn(usize) -> c_int>,
}

fn number(name: &str) -> Option<i32> {
    std::env::var(name).ok()?.parse().ok()
}

fn descriptor(name: &str) -> Option<File> {
    let fd = number(name)?;
    // SAFETY: memcase hands over these descriptors, and nothing else here owns them;
    // F_SETFD (2) with FD_CLOEXEC (1) keeps them from programs that the snippet starts.
    unsafe {
        fcntl(fd, 2, 1);
        Some(File::from_raw_fd(fd))
    }
}

/// A function of the C library that not every one has.
fn function(name: &std::ffi::CStr) -> *mut c_void {
    // SAFETY: the null handle (RTLD_DEFAULT) searches what is loaded already.
    unsafe { dlsym(std::ptr::null_mut(), name.as_ptr()) }
}

impl Driver {
    pub fn new() -> Self {
        let trims = number("MEMCASE_TRIM") != Some(0);
        let (counts, trim) = (function(c"mallinfo2"), function(c"malloc_trim"));
        Self {
            orders: descriptor("MEMCASE_READ_FD").expect("started by memcase"),
            answers: descriptor("MEMCASE_WRITE_FD").expect("started by memcase"),
            slot: descriptor("MEMCASE_SLOT_FD"),
            runs: number("MEMCASE_BATCH").map_or(1, |runs| runs.max(1) as u64),
            next: 0,
            left: 0,
            // SAFETY: these are the types that glibc documents for the two names; a null
            // pointer becomes None.
            mallinfo2: unsafe { std::mem::transmute::<*mut c_void, Option<_>>(counts) },
            malloc_trim: if trims {
                // SAFETY: as above.
                unsafe { std::mem::transmute::<*mut c_void, Option<_>>(trim) }
            } else {
                None
            },
        }
    }

    /// Trims, counts, publishes and answers. There is nothing to collect: every reading
    /// of the allocator is the truth, so each one counts as full.
    pub fn answer(&mut self) {
        let mut flags = COLLECTS | FULL;
        if let Some(trim) = self.malloc_trim {
            trim(0);
            flags |= TRIMS;
        }
        let mut in_use = 0;
        if let Some(count) = self.mallinfo2 {
            let info = count();
            in_use = (info.0[UORDBLKS] + info.0[HBLKHD]) as u64;
            flags |= MALLOC;
        }
        let mut slot = [0; 64];
        slot[..4].copy_from_slice(&1_u32.to_le_bytes());
        slot[4..8].copy_from_slice(&flags.to_le_bytes());
        slot[32..40].copy_from_slice(&in_use.to_le_bytes());
        slot[40..48].copy_from_slice(&self.next.to_le_bytes());
        if let Some(file) = &self.slot {
            file.write_all_at(&slot, 0).expect("the slot can be written");
        }
        self.answers.write_all(b"\n").expect("memcase listens");
    }

    /// The number of the next iteration; answers when a turn is over; none at the end.
    pub fn iteration(&mut self) -> Option<u64> {
        if self.left == 0 {
            if self.next > 0 {
                self.answer();
            }
            let mut order = [0];
            loop {
                match self.orders.read(&mut order) {
                    Ok(1) if order[0] == b'\n' => break,
                    Ok(1) if order[0] == b'c' => self.answer(),
                    Ok(1) if order[0] == b'2' => {
                        self.runs *= 2;
                        self.answer();
                    }
                    Ok(1) => panic!("memcase: the order {} is not known", order[0]),
                    // A signal that the snippet handles.
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    _ => return None,
                }
            }
            self.left = self.runs;
        }
        self.left -= 1;
        self.next += 1;
        Some(self.next - 1)
    }
}
