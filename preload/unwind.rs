//! The call path of the calling thread, by the unwinder of exceptions, which needs no frame pointers.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute_copy;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::next::function;

/// Frames that are kept of a call path, the innermost ones. A few are of this library.
pub(crate) const DEPTH: usize = 44;

/// A call path: return addresses, the innermost first.
pub(crate) struct Path {
    pub(crate) frames: [u64; DEPTH],
    pub(crate) len: usize,
}

type Step = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
type Backtrace = unsafe extern "C" fn(Step, *mut c_void) -> c_int;
type Instruction = unsafe extern "C" fn(*mut c_void) -> usize;

/// The library that every program which knows exceptions has loaded already.
const LIBRARY: &CStr = c"libgcc_s.so.1";
/// `RTLD_NOW` of dlopen(3).
const NOW: c_int = 2;
/// `_URC_NO_REASON` and `_URC_END_OF_STACK` of the unwinder.
const GO_ON: c_int = 0;
const STOP: c_int = 5;

static BACKTRACE: AtomicUsize = AtomicUsize::new(0);
static INSTRUCTION: AtomicUsize = AtomicUsize::new(0);

/// Finds the unwinder and has it do what it does but once; whether there is one.
pub(crate) fn prepare() -> bool {
    type Open = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
    type Symbol = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;
    let (Some(open), Some(symbol)): (Option<Open>, Option<Symbol>) =
        (function(c"dlopen"), function(c"dlsym"))
    else {
        return false;
    };
    // SAFETY: dlopen and dlsym as documented; the library is never closed.
    let (backtrace, instruction) = unsafe {
        let library = open(LIBRARY.as_ptr(), NOW);
        if library.is_null() {
            return false;
        }
        let find = |name: &CStr| symbol(library, name.as_ptr()) as usize;
        (find(c"_Unwind_Backtrace"), find(c"_Unwind_GetIP"))
    };
    if backtrace == 0 || instruction == 0 {
        return false;
    }
    INSTRUCTION.store(instruction, Ordering::Release);
    BACKTRACE.store(backtrace, Ordering::Release);
    capture().len > 0
}

/// The path to here.
#[inline(never)]
pub(crate) fn capture() -> Path {
    let mut path = Path {
        frames: [0; DEPTH],
        len: 0,
    };
    let backtrace = BACKTRACE.load(Ordering::Acquire);
    if backtrace != 0 {
        // SAFETY: the function is the unwinder's and of this type; the path outlives the call.
        unsafe {
            let backtrace = transmute_copy::<usize, Backtrace>(&backtrace);
            backtrace(step, (&raw mut path).cast());
        }
    }
    path
}

unsafe extern "C" fn step(context: *mut c_void, path: *mut c_void) -> c_int {
    let instruction = INSTRUCTION.load(Ordering::Relaxed);
    // SAFETY: the unwinder hands over its context, and what `capture` gave it.
    unsafe {
        let instruction = transmute_copy::<usize, Instruction>(&instruction);
        let path = &mut *path.cast::<Path>();
        let at = instruction(context);
        if at == 0 || path.len == DEPTH {
            return STOP;
        }
        path.frames[path.len] = at as u64;
        path.len += 1;
    }
    GO_ON
}
