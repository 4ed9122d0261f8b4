//! `/proc/PID/status` of one process, kept open: 12 µs for all that a sample needs of it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

use super::held::Kinds;

/// What the kernel tells of a living process; memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Status {
    pub(super) resident: u64,
    pub(super) highest: u64,
    pub(super) kinds: Kinds,
    pub(super) threads: u64,
    /// Who started it.
    pub(super) parent: u32,
}

/// The files of one process.
#[derive(Debug)]
pub(super) struct Files {
    pid: u32,
    status: File,
    clear_refs: Option<File>,
    /// The highest value as the kernel told it last, and as it was at the reset that failed.
    told: u64,
    known: u64,
}

impl Files {
    pub(super) fn open(pid: u32) -> io::Result<Self> {
        Ok(Self {
            pid,
            status: File::open(format!("/proc/{pid}/status"))?,
            clear_refs: OpenOptions::new()
                .write(true)
                .open(format!("/proc/{pid}/clear_refs"))
                .ok(),
            told: 0,
            known: 0,
        })
    }

    /// What it holds now, and its short name; none when it has ended.
    pub(super) fn read<'b>(&mut self, buffer: &'b mut [u8]) -> Option<(Status, &'b [u8])> {
        let n = self.status.read_at(buffer, 0).ok()?;
        let (mut status, name) = parse(&buffer[..n])?;
        self.told = status.highest;
        if self.clear_refs.is_none() && status.highest <= self.known {
            status.highest = status.resident;
        }
        Some((status, name))
    }

    /// Lets the highest value begin anew at what is held now. Where that is refused, it is
    /// the one of all the life, and counts when it has risen.
    pub(super) fn reset(&mut self) {
        if let Some(clear_refs) = &self.clear_refs {
            // proc(5): 5 resets the high-water mark to what is resident now.
            if clear_refs.write_at(b"5", 0).is_ok() {
                return;
            }
            self.clear_refs = None;
        }
        self.known = self.told;
    }

    /// Its part of what it holds `now`: 15 to 20 µs a resident MiB. Opened anew: a kept one stays with the program
    /// before an exec.
    pub(super) fn walk(&self, now: Kinds) -> Option<Kinds> {
        let text = fs::read(format!("/proc/{}/smaps_rollup", self.pid)).ok()?;
        let of = |name: &[u8]| field(&text, name);
        let swap = of(b"SwapPss:").unwrap_or(now.swap);
        let parts = [b"Pss_Anon:".as_slice(), b"Pss_File:", b"Pss_Shmem:"].map(of);
        if let [Some(anon), Some(file), Some(shmem)] = parts {
            return Some(Kinds {
                anon,
                file,
                shmem,
                swap,
            });
        }
        // Kernels before 5.4 do not tell the parts.
        let (resident, pss) = (of(b"Rss:")?, of(b"Pss:")?);
        let share = pss as f64 / resident.max(1) as f64;
        let part = now.with(now, |bytes, _| (bytes as f64 * share) as u64);
        Some(Kinds { swap, ..part })
    }

    /// The command line as one line, paths without their folders.
    pub(super) fn command(&self) -> Option<String> {
        crate::measure::process::command(self.pid)
    }
}

/// A field in bytes.
fn field(text: &[u8], name: &[u8]) -> Option<u64> {
    let line = text
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(name))?;
    number(line).map(|kib| kib * 1024)
}

fn number(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit());
    let digits = &digits[..end.unwrap_or(digits.len())];
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// None without resident memory: that is a process that has ended.
fn parse(text: &[u8]) -> Option<(Status, &[u8])> {
    let mut status = Status::default();
    let mut name = &b""[..];
    for line in text.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            continue;
        };
        let (key, value) = (&line[..colon], &line[colon + 1..]);
        let kib = || number(value).unwrap_or(0) * 1024;
        match key {
            b"Name" => name = value.trim_ascii(),
            b"PPid" => {
                let parent = number(value).and_then(|parent| u32::try_from(parent).ok());
                status.parent = parent.unwrap_or_default();
            }
            b"VmHWM" => status.highest = kib(),
            b"VmRSS" => status.resident = kib(),
            b"RssAnon" => status.kinds.anon = kib(),
            b"RssFile" => status.kinds.file = kib(),
            b"RssShmem" => status.kinds.shmem = kib(),
            b"VmSwap" => status.kinds.swap = kib(),
            b"Threads" => {
                status.threads = number(value).unwrap_or(0);
                break;
            }
            _ => {}
        }
    }
    (status.resident > 0).then_some((status, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_by_its_fields_and_a_dead_process_has_none() {
        let text =
            b"Name:\ta b\nPPid:\t42\nVmHWM:\t    300 kB\nVmRSS:\t     200 kB\nRssAnon:\t 150 kB\n\
            RssFile:\t 50 kB\nRssShmem:\t 3 kB\nVmSwap:\t 7 kB\nThreads:\t3\nSigQ:\t1/2\n";
        let (status, name) = parse(text).unwrap();
        assert_eq!((status.resident, status.highest), (200 << 10, 300 << 10));
        let kinds = Kinds {
            anon: 150 << 10,
            file: 50 << 10,
            shmem: 3 << 10,
            swap: 7 << 10,
        };
        assert_eq!(
            (status.kinds, status.threads, status.parent, name),
            (kinds, 3, 42, &b"a b"[..])
        );
        assert_eq!(parse(b"Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn what_this_process_takes_and_gives_back_is_its_highest_until_the_reset() {
        let mut buffer = vec![0; 8192];
        let mut files = Files::open(std::process::id()).unwrap();
        let (before, _) = files.read(&mut buffer).unwrap();
        files.reset();
        drop(std::hint::black_box(vec![1_u8; 64 << 20]));
        let (after, _) = files.read(&mut buffer).unwrap();
        assert!(after.highest > before.resident + (50 << 20), "{after:?}");
        let walk = files.walk(after.kinds).unwrap();
        assert!(walk.anon > 0 && walk.file > 0, "{walk:?}");
        assert!(walk.resident() < after.highest, "{walk:?} {after:?}");
    }
}
