//! The functions that open descriptors and start threads and processes, which stand before the C library's own.
//!
//! Each goes on to the next in line, and tells the `observer` what number was given out. What is closed needs no
//! word: memcase asks the kernel which numbers are still there, and the last to be given one out is who opened it.
//! What the C library opens for itself (in popen(3), or by system calls that no function here makes) has no path.

use core::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use core::mem::transmute_copy;
use core::ptr::{NonNull, null_mut, with_exposed_provenance_mut};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::next::{self, function, next};
use super::observer;

/// `ENOSYS` and `EAGAIN` of errno(3).
const ENOSYS: c_int = 38;
const EAGAIN: c_int = 11;
/// `F_DUPFD` and `F_DUPFD_CLOEXEC` of fcntl(2).
const DUPLICATE: [c_int; 2] = [0, 1030];

/// A function of the libraries behind this one, which is looked up once.
struct Behind(&'static CStr, AtomicUsize);

impl Behind {
    const fn named(name: &'static [u8]) -> Self {
        match CStr::from_bytes_with_nul(name) {
            Ok(name) => Self(name, AtomicUsize::new(0)),
            Err(_) => panic!("a name ends with its only zero"),
        }
    }

    /// The function; `F` is its type.
    fn get<F>(&self) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        let mut at = self.1.load(Ordering::Relaxed);
        if at == 0 {
            at = function::<NonNull<c_void>>(self.0)?
                .expose_provenance()
                .get();
            self.1.store(at, Ordering::Relaxed);
        }
        let place: *mut c_void = with_exposed_provenance_mut(at);
        // SAFETY: the caller names the type that the C library documents for it.
        Some(unsafe { transmute_copy(&place) })
    }
}

/// Functions that go on to the next of their name, and then tell what they gave out.
macro_rules! stand_before {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty, $tell:expr, or $failed:expr;)*) => {
        #[expect(non_upper_case_globals, reason = "they have the names of functions")]
        mod behind {
            $(pub(super) static $name: super::Behind = super::Behind::named(concat!(stringify!($name), "\0").as_bytes());)*
        }

        /// Looks all of them up: in a child that was forked from many threads it may be too late for it.
        pub(crate) fn prepare() {
            $(behind::$name.get::<*mut c_void>();)*
            for one in [&THREAD, &FILENO, &DIRFD, &ATTRIBUTES, &STACK, &DESTROY] {
                one.get::<*mut c_void>();
            }
        }

        $(
        /// # Safety
        /// As the function of this name in the C library.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $kind),*) -> $result {
            let behind: Option<unsafe extern "C" fn($($kind),*) -> $result> = behind::$name.get();
            let Some(behind) = behind else {
                next::set_errno(ENOSYS);
                return $failed;
            };
            // SAFETY: the arguments are the caller's.
            let result = unsafe { behind($($argument),*) };
            $tell(result);
            result
        }
        )*
    };
}

static THREAD: Behind = Behind::named(b"pthread_create\0");
static FILENO: Behind = Behind::named(b"fileno\0");
static DIRFD: Behind = Behind::named(b"dirfd\0");
static ATTRIBUTES: Behind = Behind::named(b"pthread_getattr_np\0");
static STACK: Behind = Behind::named(b"pthread_attr_getstack\0");
static DESTROY: Behind = Behind::named(b"pthread_attr_destroy\0");

/// Tells of a number, if it is one.
fn number(file: c_int) {
    if let Ok(number) = usize::try_from(file) {
        observer::opened(number);
    }
}

/// Tells of two, where the call that wrote them succeeded.
fn both(result: c_int, files: *mut c_int) {
    if result == 0 && !files.is_null() {
        // SAFETY: the call succeeded, so that the caller's place holds two.
        unsafe {
            number(*files);
            number(*files.add(1));
        }
    }
}

/// Tells of the descriptor of a stream.
fn stream(stream: *mut c_void) {
    of_handle(stream, &FILENO);
}

/// Tells of the descriptor of a folder that is read.
fn folder(folder: *mut c_void) {
    of_handle(folder, &DIRFD);
}

fn of_handle(handle: *mut c_void, asks: &Behind) {
    type Ask = unsafe extern "C" fn(*mut c_void) -> c_int;
    if handle.is_null() {
        return;
    }
    if let Some(ask) = asks.get::<Ask>() {
        // SAFETY: the C library just handed out the handle.
        number(unsafe { ask(handle) });
    }
}

/// Tells of a process whose number a call wrote, where it succeeded.
fn spawned(result: c_int, pid: *mut c_int) {
    if result == 0 && !pid.is_null() {
        // SAFETY: the call succeeded, so that the caller's place holds the number.
        started(unsafe { *pid });
    }
}

/// Tells of a process, in the one that started it.
fn started(pid: c_int) {
    if pid > 0 {
        observer::started(pid as usize, observer::path());
    }
}

fn duplicated(file: c_int, command: c_int) {
    if DUPLICATE.contains(&command) {
        number(file);
    }
}

// Arguments that vary are passed in the registers of those that do not; one that is not there is passed on as
// whatever its register holds, as the C library's own wrappers do.
stand_before! {
    open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int, number, or -1;
    open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int, number, or -1;
    __open_2(path: *const c_char, flags: c_int) -> c_int, number, or -1;
    __open64_2(path: *const c_char, flags: c_int) -> c_int, number, or -1;
    openat(at: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int, number, or -1;
    openat64(at: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int, number, or -1;
    __openat_2(at: c_int, path: *const c_char, flags: c_int) -> c_int, number, or -1;
    __openat64_2(at: c_int, path: *const c_char, flags: c_int) -> c_int, number, or -1;
    creat(path: *const c_char, mode: c_uint) -> c_int, number, or -1;
    creat64(path: *const c_char, mode: c_uint) -> c_int, number, or -1;
    mkstemp(template: *mut c_char) -> c_int, number, or -1;
    mkstemp64(template: *mut c_char) -> c_int, number, or -1;
    mkostemp(template: *mut c_char, flags: c_int) -> c_int, number, or -1;
    mkostemp64(template: *mut c_char, flags: c_int) -> c_int, number, or -1;
    memfd_create(name: *const c_char, flags: c_uint) -> c_int, number, or -1;
    shm_open(name: *const c_char, flags: c_int, mode: c_uint) -> c_int, number, or -1;
    dup(file: c_int) -> c_int, number, or -1;
    dup2(file: c_int, to: c_int) -> c_int, number, or -1;
    dup3(file: c_int, to: c_int, flags: c_int) -> c_int, number, or -1;
    fcntl(file: c_int, command: c_int, with: c_long) -> c_int, |given| duplicated(given, command), or -1;
    fcntl64(file: c_int, command: c_int, with: c_long) -> c_int, |given| duplicated(given, command), or -1;
    pipe(files: *mut c_int) -> c_int, |result| both(result, files), or -1;
    pipe2(files: *mut c_int, flags: c_int) -> c_int, |result| both(result, files), or -1;
    socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int, number, or -1;
    socketpair(domain: c_int, kind: c_int, protocol: c_int, files: *mut c_int) -> c_int,
        |result| both(result, files), or -1;
    accept(file: c_int, address: *mut c_void, length: *mut c_uint) -> c_int, number, or -1;
    accept4(file: c_int, address: *mut c_void, length: *mut c_uint, flags: c_int) -> c_int, number, or -1;
    epoll_create(size: c_int) -> c_int, number, or -1;
    epoll_create1(flags: c_int) -> c_int, number, or -1;
    eventfd(initial: c_uint, flags: c_int) -> c_int, number, or -1;
    signalfd(file: c_int, mask: *const c_void, flags: c_int) -> c_int, number, or -1;
    timerfd_create(clock: c_int, flags: c_int) -> c_int, number, or -1;
    inotify_init() -> c_int, number, or -1;
    inotify_init1(flags: c_int) -> c_int, number, or -1;
    fopen(path: *const c_char, mode: *const c_char) -> *mut c_void, stream, or null_mut();
    fopen64(path: *const c_char, mode: *const c_char) -> *mut c_void, stream, or null_mut();
    freopen(path: *const c_char, mode: *const c_char, old: *mut c_void) -> *mut c_void, stream, or null_mut();
    freopen64(path: *const c_char, mode: *const c_char, old: *mut c_void) -> *mut c_void, stream, or null_mut();
    tmpfile() -> *mut c_void, stream, or null_mut();
    tmpfile64() -> *mut c_void, stream, or null_mut();
    popen(command: *const c_char, mode: *const c_char) -> *mut c_void, stream, or null_mut();
    opendir(path: *const c_char) -> *mut c_void, folder, or null_mut();
    fork() -> c_int, started, or -1;
    posix_spawn(pid: *mut c_int, path: *const c_char, actions: *const c_void, with: *const c_void,
        arguments: *const *mut c_char, environment: *const *mut c_char) -> c_int,
        |result| spawned(result, pid), or ENOSYS;
    posix_spawnp(pid: *mut c_int, path: *const c_char, actions: *const c_void, with: *const c_void,
        arguments: *const *mut c_char, environment: *const *mut c_char) -> c_int,
        |result| spawned(result, pid), or ENOSYS;
}

/// What a thread begins with.
type Routine = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// What a new thread is to do, and the path by which it was started.
struct Begin {
    routine: Routine,
    argument: *mut c_void,
    path: u32,
}

/// # Safety
/// As `pthread_create(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(
    thread: *mut c_void,
    attributes: *const c_void,
    routine: Routine,
    argument: *mut c_void,
) -> c_int {
    type Create = unsafe extern "C" fn(*mut c_void, *const c_void, Routine, *mut c_void) -> c_int;
    let (Some(create), Some(malloc), Some(free)) =
        (THREAD.get::<Create>(), next().malloc, next().free)
    else {
        return EAGAIN;
    };
    let path = observer::path();
    // SAFETY: the block is as large as what is written there, and is given to the thread, or back.
    unsafe {
        let begin = malloc(size_of::<Begin>()).cast::<Begin>();
        if begin.is_null() {
            return EAGAIN;
        }
        begin.write(Begin {
            routine,
            argument,
            path,
        });
        let error = create(thread, attributes, first, begin.cast());
        if error != 0 {
            free(begin.cast());
        }
        error
    }
}

/// Where the calling thread's stack is, and how long; it holds the thread's own variables too.
fn stack_of_thread() -> Option<(usize, usize)> {
    unsafe extern "C" {
        fn pthread_self() -> usize;
    }
    type Attributes = unsafe extern "C" fn(usize, *mut c_void) -> c_int;
    type Stack = unsafe extern "C" fn(*const c_void, *mut usize, *mut usize) -> c_int;
    type Destroy = unsafe extern "C" fn(*mut c_void) -> c_int;
    // `pthread_attr_t` has 56 bytes in glibc and musl.
    let mut attributes = [0_u64; 8];
    let attributes: *mut c_void = (&raw mut attributes).cast();
    let (mut start, mut length) = (0, 0);
    let (get, stack, destroy) = (
        ATTRIBUTES.get::<Attributes>()?,
        STACK.get::<Stack>()?,
        DESTROY.get::<Destroy>()?,
    );
    // SAFETY: as in pthread_getattr_np(3): what it filled is asked, and then given back.
    unsafe {
        if get(pthread_self(), attributes) != 0 {
            return None;
        }
        let error = stack(attributes, &raw mut start, &raw mut length);
        destroy(attributes);
        (error == 0).then_some((start, length))
    }
}

/// The first that a new thread does: it tells its number and its stack, which only it knows. The C library maps
/// stacks by itself, keeps those of threads that ended, and gives them to others.
unsafe extern "C" fn first(begin: *mut c_void) -> *mut c_void {
    unsafe extern "C" {
        fn gettid() -> c_int;
    }
    // SAFETY: the block is this thread's, by `pthread_create`, and the routine and its argument are the caller's.
    unsafe {
        let Begin {
            routine,
            argument,
            path,
        } = begin.cast::<Begin>().read();
        if let Some(free) = next().free {
            free(begin);
        }
        observer::started(gettid() as usize, path);
        if let Some((start, length)) = stack_of_thread() {
            observer::given(start, length, path);
        }
        routine(argument)
    }
}
