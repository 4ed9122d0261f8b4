//! Linux: `/proc/PID/statm` through a descriptor kept open, and its dearer neighbours.
//!
//! Costs a reading, measured: `statm` 1.5 µs, `status` 12 µs, `clear_refs` 5 to 10 µs,
//! `smaps_rollup` 15 to 20 µs a resident MiB (`docs/measurement.md`).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use super::selftest::Statm;
use super::{Counts, Probe, Resident, Shares};
use crate::measure::process::{Pages, Tree, pages};
use crate::trace::Member;

/// Reads the kernel's files of one process.
#[derive(Debug)]
pub struct LinuxProbe {
    pid: u32,
    statm: File,
    status: File,
    clear_refs: Option<File>,
    exactness: Statm,
    /// None where the kernel was built without the lists of children.
    tree: Option<Tree>,
    /// Whether the processes below count in.
    sum: bool,
    page: u64,
    buffer: Vec<u8>,
}

impl LinuxProbe {
    /// Opens the files of `pid`. With `sum`, the memory of all processes of `tree` is told.
    pub fn open(pid: u32, exactness: Statm, tree: Option<Tree>, sum: bool) -> io::Result<Self> {
        let file = |name: &str| File::open(format!("/proc/{pid}/{name}"));
        Ok(Self {
            pid,
            statm: file("statm")?,
            status: file("status")?,
            clear_refs: OpenOptions::new()
                .write(true)
                .open(format!("/proc/{pid}/clear_refs"))
                .ok(),
            exactness,
            tree,
            sum,
            page: rustix::param::page_size() as u64,
            buffer: vec![0; 16 * 1024],
        })
    }

    fn shmem(&mut self) -> Option<u64> {
        let n = self.status.read_at(&mut self.buffer, 0).ok()?;
        field(&self.buffer[..n], b"RssShmem:").map(|kib| kib * 1024)
    }

    /// A field of `stat`, numbered as in `proc_pid_stat(5)`; the first behind the name is 3.
    fn stat(&self, field: usize) -> Option<u64> {
        stat(self.pid, field)
    }

    /// Whether a variable of its environment begins like this.
    fn is_told(&self, start: &str) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        environment
            .split(|&byte| byte == 0)
            .any(|variable| variable.starts_with(start.as_bytes()))
    }

    /// The anonymous bytes by a walk over the pages, where `statm` is not exact.
    fn walked(&self) -> Option<u64> {
        let text = fs::read(format!("/proc/{}/smaps_rollup", self.pid)).ok()?;
        field(&text, b"Anonymous:").map(|kib| kib * 1024)
    }
}

impl Probe for LinuxProbe {
    fn resident(&mut self) -> Option<Resident> {
        let mut own = pages(&self.statm, &mut self.buffer)?;
        if self.exactness == Statm::Approximate {
            own.anon = self.walked()? / self.page;
        }
        let Pages { anon, resident } = match &mut self.tree {
            Some(tree) if self.sum => {
                tree.look_if_due();
                tree.hold(own)
            }
            _ => own,
        };
        Some(Resident {
            anon: anon * self.page,
            resident: resident * self.page,
        })
    }

    fn take_peak(&mut self) -> Option<u64> {
        let clear_refs = self.clear_refs.as_ref()?;
        let n = self.status.read_at(&mut self.buffer, 0).ok()?;
        let peak = field(&self.buffer[..n], b"VmHWM:")? * 1024;
        // proc(5): 5 resets the high-water mark to what is resident now.
        clear_refs.write_at(b"5", 0).ok()?;
        let below = match &self.tree {
            Some(tree) if self.sum => tree.living().filter_map(peak_below).sum(),
            _ => 0,
        };
        Some(peak + below)
    }

    fn counts(&mut self) -> Counts {
        let children = self.tree.as_mut().map(|tree| {
            tree.look();
            tree.count() as u64
        });
        Counts {
            fds: descriptors(self.pid),
            threads: threads(self.pid),
            children,
            shmem: self.shmem(),
        }
    }

    fn shares(&mut self) -> Option<Shares> {
        let mut shares = rollup(self.pid)?;
        let Some(tree) = &mut self.tree else {
            return Some(shares);
        };
        tree.look();
        for more in tree.living().filter_map(rollup) {
            shares.pss += more.pss;
            shares.swap += more.swap;
        }
        Some(shares)
    }

    fn below(&self) -> Vec<u32> {
        self.tree
            .as_ref()
            .filter(|_| self.sum)
            .map_or_else(Vec::new, |tree| tree.living().collect())
    }

    fn members(&mut self) -> Vec<Member> {
        let page = self.page;
        let Some(tree) = self.tree.as_mut().filter(|_| self.sum) else {
            return Vec::new();
        };
        let mut members = tree.roll().members().to_vec();
        for member in &mut members {
            member.first *= page;
            member.last *= page;
        }
        members
    }

    fn private_allocator(&mut self, runtimes: bool) -> Option<String> {
        let maps = fs::read(format!("/proc/{}/maps", self.pid)).ok()?;
        let runtimes = match runtimes {
            true => &[][..],
            false if self.is_told("PYTHONMALLOC=malloc") => OTHERS,
            false => RUNTIMES,
        };
        own_allocator(&String::from_utf8_lossy(&maps), runtimes).map(str::to_owned)
    }

    fn faults_of_children(&mut self) -> Option<u64> {
        self.stat(11)
    }

    fn processor(&mut self) -> Option<usize> {
        self.stat(39).map(|processor| processor as usize)
    }

    fn is_ending(&mut self) -> bool {
        is_ending(self.pid)
    }

    fn granularity(&self) -> u64 {
        self.page
    }
}

/// A field of `/proc/PID/stat` behind the name, numbered as in proc(5).
fn stat(pid: u32, field: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = &stat[stat.rfind(')')? + 1..];
    rest.split_ascii_whitespace().nth(field - 3)?.parse().ok()
}

/// Whether a process has begun to end, or is gone.
pub(in crate::measure) fn is_ending(pid: u32) -> bool {
    // PF_EXITING of the kernel's flags, set before memory is given back.
    const EXITING: u64 = 4;
    stat(pid, 9).is_none_or(|flags| flags & EXITING != 0)
}

/// The number behind `name` at the start of a line.
fn field(text: &[u8], name: &[u8]) -> Option<u64> {
    let line = text
        .split(|&byte| byte == b'\n')
        .find(|line| line.starts_with(name))?;
    std::str::from_utf8(&line[name.len()..])
        .ok()?
        .split_ascii_whitespace()
        .next()?
        .parse()
        .ok()
}

/// A program in one of these keeps its objects where malloc does not see them.
const RUNTIMES: &[&str] = &[
    "libpython",
    "python3",
    "node",
    "libjvm",
    "libruby",
    "libphp",
    "libcoreclr",
    "libmono",
    "beam.smp",
];
/// The same where Python takes all from malloc.
const OTHERS: &[&str] = RUNTIMES.split_at(2).1;

/// The first mapped file that is, or is known to hold, an allocator other than malloc's.
fn own_allocator<'m>(maps: &'m str, runtimes: &[&str]) -> Option<&'m str> {
    const KNOWN: [&str; 8] = [
        "jemalloc", "mimalloc", "tcmalloc", "snmalloc", "rpmalloc",
        // Arrow holds mimalloc and jemalloc, Polars and DuckDB jemalloc.
        "libarrow", "polars", "duckdb",
    ];
    maps.lines()
        .filter_map(|line| line.rsplit('/').next().filter(|_| line.contains('/')))
        .find(|name| {
            KNOWN.iter().any(|known| name.contains(known))
                || runtimes.iter().any(|known| name.starts_with(known))
        })
}

fn rollup(pid: u32) -> Option<Shares> {
    let text = fs::read(format!("/proc/{pid}/smaps_rollup")).ok()?;
    Some(Shares {
        pss: field(&text, b"Pss:")? * 1024,
        swap: field(&text, b"Swap:").unwrap_or(0) * 1024,
    })
}

/// The highest private bytes of a process below the target since the last reset, which this call
/// makes: pages of files are the leader's too, and count there.
fn peak_below(pid: u32) -> Option<u64> {
    let text = fs::read(format!("/proc/{pid}/status")).ok()?;
    let peak = field(&text, b"VmHWM:")?;
    let shared = field(&text, b"RssFile:")? + field(&text, b"RssShmem:")?;
    // Where it can not be reset, the peak is that of all its life.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), b"5");
    Some(peak.saturating_sub(shared) * 1024)
}

/// The folder of threads has one link for each, and two of its own.
fn threads(pid: u32) -> Option<u64> {
    let links = fs::metadata(format!("/proc/{pid}/task")).ok()?.nlink();
    links.checked_sub(2)
}

/// Since Linux 6.2 the folder's size is the number of its entries; before, it is
/// 0 and they are counted.
fn descriptors(pid: u32) -> Option<u64> {
    let folder = format!("/proc/{pid}/fd");
    match fs::metadata(&folder).ok()?.len() {
        0 => Some(fs::read_dir(&folder).ok()?.count() as u64),
        size => Some(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_at_the_start_of_their_line_only() {
        let text = b"Name:\tVmHWM:\nVmHWM:\t  123 kB\nVmRSS:\t4 kB\n";
        assert_eq!(field(text, b"VmHWM:"), Some(123));
        assert_eq!(field(text, b"VmRSS:"), Some(4));
        assert_eq!(field(text, b"None:"), None);
    }

    #[test]
    fn a_library_with_an_allocator_of_its_own_is_known_by_its_name() {
        let maps = "7f0 r-xp 0 08:01 5 /usr/lib/libc.so.6\n7f1 rw-p 0 00:00 0 [heap]\n";
        assert_eq!(own_allocator(maps, RUNTIMES), None);
        let maps = format!("{maps}7f2 r-xp 0 08:01 6 /x/jemalloc-src/libz.so\n");
        assert_eq!(own_allocator(&maps, RUNTIMES), None);
        let maps = format!("{maps}7f3 r-xp 0 08:01 7 /usr/bin/python3.11\n");
        assert_eq!(own_allocator(&maps, RUNTIMES), Some("python3.11"));
        assert_eq!(own_allocator(&maps, OTHERS), None);
        assert_eq!(own_allocator(&maps, &[]), None);
        let maps = format!("{maps}7f3 r-xp 0 08:01 7 /env/pyarrow/libarrow.so.2100\n");
        assert_eq!(own_allocator(&maps, &[]), Some("libarrow.so.2100"));
    }

    #[test]
    fn this_process_reads_as_alive_and_as_the_walk_says() {
        let mut probe = LinuxProbe::open(std::process::id(), Statm::Exact, None, false)
            .expect("proc is mounted");
        let resident = probe.resident().expect("this process is alive");
        assert!(resident.anon > 0 && resident.anon <= resident.resident);
        assert!(probe.counts().fds > Some(2));
        assert!(probe.counts().threads >= Some(1));
        assert!(probe.shares().expect("own pages can be walked").pss > 0);
        assert!(probe.processor().is_some());
    }
}
