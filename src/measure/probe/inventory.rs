//! What a process holds by name: where its anonymous memory lies, which descriptors are open, how its threads are called.
//!
//! Read at the start and at the end of a run, never between: a walk over the mappings takes 1 ms for a
//! small program and 50 ms for a large one.

use std::collections::BTreeMap;
use std::fs;

use crate::trace::{Held, Mappings};

/// What glibc aligns the heaps of its further arenas to (`HEAP_MAX_SIZE`).
const ARENA: u64 = 64 << 20;

/// Anonymous bytes of a process by where they lie; none when it is gone or may not be read.
pub fn mappings(pid: u32) -> Option<Mappings> {
    let text = fs::read(format!("/proc/{pid}/smaps")).ok()?;
    Some(sum_of(&String::from_utf8_lossy(&text)))
}

fn sum_of(smaps: &str) -> Mappings {
    let mut sum = Mappings::default();
    let mut place = Place::Other;
    for line in smaps.lines() {
        if let Some(found) = Place::of(line) {
            place = found;
            if place == Place::Other {
                sum.count += 1;
            }
        } else if let Some(rest) = line.strip_prefix("Anonymous:") {
            let kib: u64 = rest
                .split_ascii_whitespace()
                .next()
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0);
            match place {
                Place::Malloc => sum.malloc += kib * 1024,
                Place::File => sum.files += kib * 1024,
                Place::Other => sum.other += kib * 1024,
            }
        }
    }
    sum
}

/// Whose memory a mapping is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The heap that `brk` moves, or an arena of glibc.
    Malloc,
    /// Written pages of a mapped file.
    File,
    /// All else: own mappings, stacks, large blocks.
    Other,
}

impl Place {
    /// `55d0-55f1 rw-p 00000000 00:00 0   [heap]`: the head of a mapping; none for a line of figures.
    fn of(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (start, _) = words.next()?.split_once('-')?;
        let start = u64::from_str_radix(start, 16).ok()?;
        Some(match words.nth(4) {
            Some("[heap]") => Self::Malloc,
            Some(name) if name.starts_with('/') => Self::File,
            None if start.is_multiple_of(ARENA) => Self::Malloc,
            _ => Self::Other,
        })
    }
}

/// Open descriptors by what they lead to.
pub fn descriptors(pid: u32) -> Vec<Held> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    counted(entries.flatten().filter_map(|entry| {
        let target = fs::read_link(entry.path()).ok()?;
        let target = target.to_string_lossy().into_owned();
        Some((kind_of(&target).to_owned(), target))
    }))
}

/// `socket:[123]`, `anon_inode:[eventpoll]`, `/a/path`: what sort of thing it is.
fn kind_of(target: &str) -> &str {
    if target.starts_with('/') {
        return match target {
            _ if target.starts_with("/memfd:") => "memfd",
            _ if target.starts_with("/dev/shm/") => "shared memory",
            _ if target.starts_with("/dev/") => "device",
            _ => "file",
        };
    }
    match target.split_once(':') {
        Some(("anon_inode", name)) => name.trim_matches(['[', ']']),
        Some((kind, _)) => kind,
        None => "other",
    }
}

/// Threads by their names.
pub fn threads(pid: u32) -> Vec<Held> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    counted(entries.flatten().filter_map(|entry| {
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        let name = name.trim_end().to_owned();
        Some((name.clone(), name))
    }))
}

fn counted(things: impl Iterator<Item = (String, String)>) -> Vec<Held> {
    let mut counts: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for (kind, example) in things {
        let entry = counts.entry(kind).or_default();
        entry.0 += 1;
        // The last one stands for what was opened last, more or less.
        entry.1 = example;
    }
    counts
        .into_iter()
        .map(|(kind, (count, example))| Held {
            kind,
            count,
            example,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_bytes_are_told_apart_by_where_they_lie() {
        let smaps = "\
55d000000000-55d000021000 rw-p 00000000 00:00 0                          [heap]
Rss:                 132 kB
Anonymous:           132 kB
7f0004000000-7f0004021000 rw-p 00000000 00:00 0 
Anonymous:            20 kB
7f1000001000-7f1000005000 rw-p 00000000 00:00 0 
Anonymous:             8 kB
AnonHugePages:         0 kB
7f2000000000-7f2000005000 rw-p 00001000 08:01 77             /usr/lib/x.so
Anonymous:             4 kB
";
        let sum = sum_of(smaps);
        assert_eq!(sum.malloc, 152 << 10);
        assert_eq!((sum.other, sum.files, sum.count), (8 << 10, 4 << 10, 1));
    }

    #[test]
    fn descriptors_are_named_by_what_they_lead_to() {
        for (target, kind) in [
            ("socket:[12]", "socket"),
            ("pipe:[3]", "pipe"),
            ("anon_inode:[eventpoll]", "eventpoll"),
            ("/tmp/a (deleted)", "file"),
            ("/dev/null", "device"),
            ("/memfd:x (deleted)", "memfd"),
        ] {
            assert_eq!(kind_of(target), kind);
        }
    }

    #[test]
    fn this_process_has_memory_descriptors_and_threads() {
        let me = std::process::id();
        assert!(mappings(me).expect("own mappings can be read").other > 0);
        assert!(descriptors(me).iter().map(|held| held.count).sum::<u64>() > 2);
        assert!(!threads(me).is_empty());
    }
}
