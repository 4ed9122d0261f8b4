//! Reads what the library that keeps call paths has written (`preload/tables.rs`): paths, what each has in use, and
//! what of the descriptors, threads and processes that are there it opened or started.
//!
//! The memory is shared through a file, and is read at quiescent points only; nothing runs in the target for it.

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::io::{Error, Result};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::{pread, pwrite};

use super::mappings::Pagemap;
use crate::trace::Metric;

/// The layout that both sides know; `preload/tables.rs`.
const VERSION: u32 = 2;
const MAGIC: &[u8; 8] = b"memstack";
const NAME: &str = "memcase-stacks";
/// Bytes of the file: more than the tables have; what is not written to takes no memory.
const SIZE: u64 = 512 << 20;
const HEAD: usize = 64;
const SHARDS: u64 = 256;
const MAPPINGS: u64 = 1 << 16;
const MAPPING: usize = 24;
const FIRST_MAPPING: u64 = HEAD as u64 * (SHARDS + 1);
const FIRST_STACK: u64 = FIRST_MAPPING + MAPPING as u64 * MAPPINGS;
const STACK: usize = 384;
const STACKS: u64 = 1 << 17;
/// Where the paths of descriptors begin, behind chains and blocks; and those of threads and processes.
const FIRST_FILE: u64 =
    FIRST_STACK + STACK as u64 * STACKS + 4 * ((1 << 16) + (1 << 20)) + 24 * (1 << 24);
const FILES: u64 = 1 << 16;
const FIRST_TASK: u64 = FIRST_FILE + 4 * FILES;
const TASKS: u64 = 1 << 22;
/// Where the frames of a path begin.
const FRAMES: usize = 32;
/// Paths that are read at once.
const AT_ONCE: u64 = 1024;

/// What one call path has in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Usable bytes of its blocks, and the pages of its mappings that are there.
    pub bytes: i64,
    /// Its blocks and mappings.
    pub blocks: i64,
}

/// What all call paths have in use at one moment, by the number of the path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// Only of those that have something.
    pub held: BTreeMap<u32, Held>,
    /// Descriptors, threads and children that are there, by the path that opened or started them; 0 where it was not
    /// seen.
    pub counted: BTreeMap<(Metric, u32), i64>,
    /// Paths that were known.
    pub paths: u32,
    /// Blocks and mappings that found no room so far.
    pub lost: u64,
}

/// Whether call paths are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The library has not announced itself: it was not loaded.
    Silent,
    /// They are, in the process with this number.
    Tracing(u32),
    /// The library found no unwinder.
    NoUnwinder,
}

/// The tables of one target.
#[derive(Debug)]
pub struct Stacks {
    file: OwnedFd,
}

/// Makes the file that a target's tables are shared through.
pub fn create() -> rustix::io::Result<OwnedFd> {
    let file = memfd_create(NAME, MemfdFlags::CLOEXEC)?;
    ftruncate(&file, SIZE)?;
    let mut head = [0; 12];
    head[..8].copy_from_slice(MAGIC);
    head[8..].copy_from_slice(&VERSION.to_le_bytes());
    pwrite(&file, &head, 0)?;
    Ok(file)
}

/// The head of the tables.
struct Head {
    state: u32,
    owner: u32,
    stacks: u32,
    mappings: u32,
    lost: u64,
}

impl Stacks {
    /// Reads from the file that `create` made.
    pub fn open(file: BorrowedFd<'_>) -> Result<Self> {
        Ok(Self {
            file: file.try_clone_to_owned()?,
        })
    }

    /// Whether there is something to be read.
    pub fn state(&self) -> Result<State> {
        let head = self.head()?;
        Ok(match head.state {
            1 => State::Tracing(head.owner),
            2 => State::NoUnwinder,
            _ => State::Silent,
        })
    }

    /// What is in use now.
    pub fn mark(&self) -> Result<Mark> {
        let head = self.head()?;
        let mut mark = Mark {
            paths: head.stacks,
            lost: head.lost,
            ..Mark::default()
        };
        let mut buffer = vec![0; STACK * AT_ONCE as usize];
        for first in (0..u64::from(head.stacks)).step_by(AT_ONCE as usize) {
            let many = AT_ONCE.min(u64::from(head.stacks) - first);
            let part = &mut buffer[..STACK * many as usize];
            self.read(part, FIRST_STACK + STACK as u64 * first)?;
            for (number, path) in (first as u32..).zip(part.chunks_exact(STACK)) {
                let held = Held {
                    bytes: word(path, 16) as i64,
                    blocks: word(path, 24) as i64,
                };
                if held != Held::default() {
                    mark.held.insert(number, held);
                }
            }
        }
        let mut part = vec![0; MAPPING * head.mappings as usize];
        self.read(&mut part, FIRST_MAPPING)?;
        let pages = Pagemap::open(head.owner).ok();
        for one in part.chunks_exact(MAPPING) {
            let (start, length, path) = (word(one, 0), word(one, 8), word(one, 16));
            let there = pages
                .as_ref()
                .and_then(|pages| pages.present(start, length));
            let held = mark.held.entry(path as u32).or_default();
            held.bytes += there.unwrap_or(length) as i64;
            held.blocks += 1;
        }
        mark.counted = self.counted(head.owner)?;
        Ok(mark)
    }

    /// What the kernel says is there now, by who opened or started it.
    fn counted(&self, pid: u32) -> Result<BTreeMap<(Metric, u32), i64>> {
        let mut counted = BTreeMap::new();
        for (metric, numbers, (first, most)) in [
            (Metric::Fds, numbers_of(pid, "fd"), (FIRST_FILE, FILES)),
            (
                Metric::Threads,
                numbers_of(pid, "task"),
                (FIRST_TASK, TASKS),
            ),
            (Metric::Children, children(pid), (FIRST_TASK, TASKS)),
        ] {
            for number in numbers {
                let mut path = [0; 4];
                if number < most {
                    self.read(&mut path, first + 4 * number)?;
                }
                *counted
                    .entry((metric, u32::from_le_bytes(path)))
                    .or_default() += 1;
            }
        }
        Ok(counted)
    }

    /// The return addresses of a path, the innermost first.
    pub fn frames(&self, number: u32) -> Result<Vec<u64>> {
        let mut path = [0; STACK];
        self.read(&mut path, FIRST_STACK + STACK as u64 * u64::from(number))?;
        let len = (word(&path, 8) >> 32) as usize;
        let frames = path[FRAMES..].chunks_exact(8).take(len);
        Ok(frames.map(|frame| word(frame, 0)).collect())
    }

    fn head(&self) -> Result<Head> {
        let mut head = [0; HEAD];
        self.read(&mut head, 0)?;
        let half = |at: usize| (word(&head, at & !7) >> (8 * (at as u64 & 7))) as u32;
        Ok(Head {
            state: half(12),
            owner: half(16),
            stacks: half(20).min(STACKS as u32),
            mappings: half(28).min(MAPPINGS as u32),
            lost: word(&head, 32).saturating_add(word(&head, 40)),
        })
    }

    fn read(&self, mut part: &mut [u8], mut at: u64) -> Result<()> {
        while !part.is_empty() {
            let got = pread(&self.file, &mut *part, at)?;
            if got == 0 {
                return Err(Error::from(std::io::ErrorKind::UnexpectedEof));
            }
            part = &mut part[got..];
            at += got as u64;
        }
        Ok(())
    }
}

/// The numbers that the entries of a folder of a process are named by; none when it is gone.
fn numbers_of(pid: u32, folder: &str) -> Vec<u64> {
    let entries = read_dir(format!("/proc/{pid}/{folder}"))
        .into_iter()
        .flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).collect()
}

/// The processes that a process started and that are not reaped.
fn children(pid: u32) -> Vec<u64> {
    let of = |thread| read_to_string(format!("/proc/{pid}/task/{thread}/children"));
    let lists = numbers_of(pid, "task")
        .into_iter()
        .filter_map(|thread| of(thread).ok());
    let parse =
        |list: String| -> Vec<u64> { list.split_whitespace().flat_map(str::parse).collect() };
    lists.flat_map(parse).collect()
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_path_is_read_with_what_it_holds_and_its_frames() {
        let file = create().unwrap();
        for (at, half) in [(12, 1_u32), (16, 77), (20, 3), (28, 1), (32, 5), (40, 2)] {
            pwrite(&file, &half.to_le_bytes(), at).unwrap();
        }
        let path = FIRST_STACK + 2 * STACK as u64;
        pwrite(&file, &2_u32.to_le_bytes(), path + 12).unwrap();
        for (at, word) in [(16, 96_i64), (24, 3), (32, 0x1234), (40, 0x5678), (48, 9)] {
            pwrite(&file, &word.to_le_bytes(), path + at).unwrap();
        }
        // A mapping of no process: it counts in full.
        for (at, word) in [(0, 0x1000_u64), (8, 8192), (16, 1)] {
            pwrite(&file, &word.to_le_bytes(), FIRST_MAPPING + at).unwrap();
        }
        pwrite(&file, &u32::MAX.to_le_bytes(), 16).unwrap();
        let stacks = Stacks::open(file.as_fd()).unwrap();
        assert_eq!(stacks.state().unwrap(), State::Tracing(u32::MAX));
        let mark = stacks.mark().unwrap();
        let held = |bytes, blocks| Held { bytes, blocks };
        let all = BTreeMap::from([(1, held(8192, 1)), (2, held(96, 3))]);
        assert_eq!((mark.held, mark.paths, mark.lost), (all, 3, 7));
        assert_eq!(stacks.frames(2).unwrap(), [0x1234, 0x5678]);
        assert!(stacks.frames(1).unwrap().is_empty());
    }
}
