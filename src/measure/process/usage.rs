//! What the kernel kept of processor time and highest memory, of memcase and of its ended children.

use std::mem::MaybeUninit;
use std::time::Duration;

/// Whose usage is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// memcase itself.
    Own,
    /// The thread that asks.
    Thread,
    /// All descendants that have ended and were waited for.
    Ended,
}

/// Processor time and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Time on a processor, in the program and in the kernel.
    pub processor: Duration,
    /// Highest resident bytes of any one process. Of a program that was just started it is at
    /// least what its starter held: the kernel keeps it across an exec.
    pub highest: u64,
}

impl Usage {
    /// What was used so far.
    #[expect(unsafe_code, reason = "a system call that no safe crate has")]
    pub fn of(whose: Of) -> Self {
        let who = match whose {
            Of::Own => libc::RUSAGE_SELF,
            Of::Thread => libc::RUSAGE_THREAD,
            Of::Ended => libc::RUSAGE_CHILDREN,
        };
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is to a structure of the kernel's size, and zeros are a valid value of it.
        let usage = unsafe {
            if libc::getrusage(who, usage.as_mut_ptr()) != 0 {
                return Self::default();
            }
            usage.assume_init()
        };
        let time = |time: libc::timeval| {
            Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
        };
        Self {
            processor: time(usage.ru_utime) + time(usage.ru_stime),
            highest: usage.ru_maxrss as u64 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_memory() {
        assert!(Usage::of(Of::Own).highest > 1 << 20);
    }
}
