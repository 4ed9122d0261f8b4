//! What this kernel lets memcase read and hold up: each thing tried, or read where it is set.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};

use serde::Serialize;

use super::process::cap;
use crate::measure::probe::{Statm, statm};

/// What was found. A refusal is why, in a clause.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Kernel {
    /// Whether `statm` shows each page at once; none where it can not be read.
    pub statm_exact: Option<bool>,
    /// Why the pages of a process can not be walked (`smaps_rollup`).
    pub walk_refused: Option<String>,
    /// Why the pages that a mapping has can not be read (`pagemap`).
    pub pagemap_refused: Option<String>,
    /// Why the high-water mark can not be reset (`clear_refs`).
    pub peak_refused: Option<String>,
    /// Why child processes are not listed (`task/*/children`).
    pub children_refused: Option<String>,
    /// `always`, `madvise` or `never`; none where the kernel has no such pages.
    pub huge_pages: Option<String>,
    /// What `yama` allows who would trace, from 0 (all) to 3 (nothing); none without it.
    pub ptrace_scope: Option<u8>,
    /// Whether each process has addresses of its own.
    pub random_addresses: Option<bool>,
    /// Version of the control groups that bound memory.
    pub cgroup: Option<u8>,
    /// Why no group can be made for a target.
    pub group_refused: Option<String>,
    /// Bytes of swap.
    pub swap: Option<u64>,
}

/// Tries it all, in a few milliseconds.
pub fn kernel() -> Kernel {
    let (cgroup, group) = cap::try_group();
    Kernel {
        statm_exact: File::open("/proc/self/statm")
            .is_ok()
            .then(|| statm() == Statm::Exact),
        walk_refused: refusal(readable("/proc/self/smaps_rollup")),
        pagemap_refused: refusal(readable("/proc/self/pagemap")),
        peak_refused: refusal(reset_peak()),
        children_refused: refusal(readable(&format!(
            "/proc/self/task/{}/children",
            std::process::id()
        ))),
        huge_pages: fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled")
            .ok()
            .and_then(|text| chosen(&text).map(str::to_owned)),
        ptrace_scope: number("/proc/sys/kernel/yama/ptrace_scope"),
        random_addresses: random_addresses(),
        cgroup,
        group_refused: refusal(group),
        swap: fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| swap(&text)),
    }
}

fn refusal(result: io::Result<()>) -> Option<String> {
    result.err().map(|error| error.to_string())
}

/// Whether something can be read: opening alone is not refused everywhere that reading is.
fn readable(path: &str) -> io::Result<()> {
    File::open(path)?.read(&mut [0; 8]).map(drop)
}

fn reset_peak() -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .open("/proc/self/clear_refs")?;
    file.write_all(b"5")?;
    let status = fs::read_to_string("/proc/self/status")?;
    if status.lines().any(|line| line.starts_with("VmHWM:")) {
        return Ok(());
    }
    Err(io::Error::other("the kernel tells no high-water mark"))
}

/// The word in brackets, as the kernel marks the one that holds.
fn chosen(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word)
}

fn number<T: std::str::FromStr>(path: &str) -> Option<T> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Set for the machine, and not taken back for this process (`setarch -R`, a debugger).
fn random_addresses() -> Option<bool> {
    const NO_RANDOMIZE: u32 = 0x0004_0000;
    let set: u8 = number("/proc/sys/kernel/randomize_va_space")?;
    let own = fs::read_to_string("/proc/self/personality").ok();
    let own = own.and_then(|text| u32::from_str_radix(text.trim(), 16).ok());
    Some(set > 0 && own.is_none_or(|own| own & NO_RANDOMIZE == 0))
}

fn swap(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("SwapTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_that_holds_is_the_one_in_brackets() {
        assert_eq!(chosen("always [madvise] never\n"), Some("madvise"));
        assert_eq!(chosen("[always] madvise never\n"), Some("always"));
        assert_eq!(chosen("none\n"), None);
    }

    #[test]
    fn swap_is_told_in_bytes() {
        let text = "MemTotal: 8 kB\nSwapCached: 1 kB\nSwapTotal:     2048 kB\n";
        assert_eq!(swap(text), Some(2 << 20));
        assert_eq!(swap("MemTotal: 8 kB\n"), None);
    }

    #[test]
    fn what_can_not_be_read_is_refused_with_a_reason() {
        assert!(refusal(readable("/proc/self/statm")).is_none());
        assert!(refusal(readable("/proc/self/no-such-file")).is_some());
    }
}
