//! Whether `statm` is exact on this kernel: touch pages one at a time and see each.
//!
//! Linux 6.2 to about 6.15 sums per-processor counters lazily, in steps of 32 pages
//! and more; before and after, and in kernels that took the fix back, it is exact.
//! Versions do not tell (fixes are carried between branches), so it is tried.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::ptr;
use std::sync::OnceLock;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// What the self-test found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statm {
    /// Each touched page was seen at once.
    Exact,
    /// It lags; `smaps_rollup` is read in its place.
    Approximate,
}

const PAGES: usize = 64;
/// Other threads of this process may touch pages meanwhile; a lagging counter fails every time.
const TRIES: usize = 5;

/// What this kernel's `statm` is worth; tried once, in 0.3 ms.
pub fn statm() -> Statm {
    static FOUND: OnceLock<Statm> = OnceLock::new();
    *FOUND.get_or_init(|| {
        if (0..TRIES).any(|_| single_steps() == Some(PAGES)) {
            Statm::Exact
        } else {
            Statm::Approximate
        }
    })
}

/// How many of the touched pages were seen as steps of one page; none where it
/// could not be tried.
#[expect(unsafe_code, reason = "maps pages of its own and writes to them")]
fn single_steps() -> Option<usize> {
    let page = rustix::param::page_size();
    let statm = File::open("/proc/self/statm").ok()?;
    let resident = || -> Option<u64> {
        let mut buffer = [0; 128];
        let n = statm.read_at(&mut buffer, 0).ok()?;
        let text = std::str::from_utf8(&buffer[..n]).ok()?;
        text.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    // SAFETY: a new anonymous mapping at an address of the kernel's choice.
    let start = unsafe {
        mmap_anonymous(
            ptr::null_mut(),
            PAGES * page,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    }
    .ok()?;
    #[cfg(target_os = "linux")]
    // SAFETY: the whole of the mapping made above. A huge page would be one step of 512.
    let _ =
        unsafe { rustix::mm::madvise(start, PAGES * page, rustix::mm::Advice::LinuxNoHugepage) };
    let mut last = resident();
    let mut steps = 0;
    for k in 0..PAGES {
        // SAFETY: inside the mapping, which nobody else knows.
        unsafe { start.cast::<u8>().add(k * page).write_volatile(1) };
        let now = resident();
        if let (Some(before), Some(after)) = (last, now)
            && after == before + 1
        {
            steps += 1;
        }
        last = now;
    }
    // SAFETY: the whole of the mapping made above, not used any more.
    let _ = unsafe { munmap(start, PAGES * page) };
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_self_test_can_be_made_here() {
        assert!(single_steps().is_some());
    }
}
