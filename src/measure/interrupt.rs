//! Whether the end was asked for: by a person or a supervisor (SIGINT, SIGTERM, SIGHUP), or by the run itself.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

static ASKED: AtomicBool = AtomicBool::new(false);
static ENOUGH: AtomicBool = AtomicBool::new(false);
/// The process that Ctrl-C is for; memcase itself while it is 0.
static MEANT: AtomicU32 = AtomicU32::new(0);

/// Supervisors signal a process and then its group (`timeout(1)`): that is one wish, not two.
const ONE_WISH: Duration = Duration::from_secs(1);

/// Listens from now on. The first signal asks for an orderly end, with children
/// killed and results kept; one that comes more than a second later ends the process
/// at once, as it would without this function (the guard process then removes what is left).
pub fn install() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let mut first: Option<Instant> = None;
            for signal in signals.forever() {
                let meant = MEANT.load(Ordering::Relaxed);
                if signal == SIGINT && meant != 0 {
                    pass(meant);
                    continue;
                }
                request();
                if first.get_or_insert_with(Instant::now).elapsed() > ONE_WISH {
                    // It ends the process, unless the signal has no such default.
                    let _ = emulate_default_handler(signal);
                }
            }
        })?;
    Ok(())
}

/// Ctrl-C is for this process from now on, which has the terminal; for memcase again where it is none.
/// memcase's own number says that the terminal tells the process by itself.
pub fn is_meant_for(pid: Option<u32>) {
    MEANT.store(pid.unwrap_or(0), Ordering::Relaxed);
}

fn pass(meant: u32) {
    if meant != std::process::id()
        && let Some(pid) = Pid::from_raw(meant as i32)
    {
        // One that is gone needs no signal.
        let _ = kill_process(pid, Signal::INT);
    }
}

/// Whether what is being measured is to end.
pub fn requested() -> bool {
    by_signal() || ENOUGH.load(Ordering::Relaxed)
}

/// Whether it is a person or a supervisor who wants the end.
pub fn by_signal() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Ends what is being measured because the run has seen enough.
pub fn enough() {
    ENOUGH.store(true, Ordering::Relaxed);
}

/// What is measured from now on is another thing, of which the run has not seen enough.
pub fn go_on() {
    ENOUGH.store(false, Ordering::Relaxed);
}

/// Asks for the end, as a signal would.
pub fn request() {
    ASKED.store(true, Ordering::Relaxed);
}
