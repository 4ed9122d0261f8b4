//! What both libraries share with memcase and with the C library: a file of the environment, mapped, and forks.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::null_mut;

use super::FAILED;
use super::next::{function, next};

unsafe extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn close(file: c_int) -> c_int;
    fn __errno_location() -> *mut c_int;
}

/// `O_RDWR | O_CLOEXEC` of open(2).
const OPEN: c_int = 0o2 | 0o2_000_000;
/// `PROT_READ | PROT_WRITE` and `MAP_SHARED` of mmap(2).
const READ_WRITE: c_int = 3;
const SHARED: c_int = 1;

/// Maps the file that this variable names, in the size of a `T`; it is never unmapped.
pub(crate) fn map<T>(variable: &CStr) -> Option<*mut T> {
    // SAFETY: getenv, open, close and mmap as documented; the path is the environment's own C string; errno is
    // put back for a program whose first allocation this happens in.
    unsafe {
        let errno = *__errno_location();
        let path = getenv(variable.as_ptr());
        if path.is_null() {
            return None;
        }
        let file = open(path, OPEN);
        let mut place = FAILED;
        if let (true, Some(mmap)) = (file >= 0, next().mmap) {
            place = mmap(null_mut(), size_of::<T>(), READ_WRITE, SHARED, file, 0);
        }
        if file >= 0 {
            close(file);
        }
        *__errno_location() = errno;
        (place != FAILED).then(|| place.cast())
    }
}

/// Has this called in each child that the program forks, in its only thread.
pub(crate) fn in_forked_children(handler: extern "C" fn()) {
    // In a C library that lacks the one, the other is a function.
    type Handler = Option<extern "C" fn()>;
    type Register = unsafe extern "C" fn(Handler, Handler, Handler, *mut c_void) -> c_int;
    let register: Option<Register> =
        function(c"__register_atfork").or_else(|| function(c"pthread_atfork"));
    if let Some(register) = register {
        // SAFETY: the types are those of pthread_atfork(3); the handle of a library that is never
        // unloaded may be null.
        unsafe { register(None, None, Some(handler), null_mut()) };
    }
}
