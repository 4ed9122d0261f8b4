//! Reads what the preloaded library counts (`preload/`): bytes and blocks in use in the C allocator, exact.
//!
//! The library adds to slots in memory that is shared through a file; a reading is two `pread`s, 1 to 2 µs,
//! and nothing runs in the target for it.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::{Result, pread, pwrite};

/// The layout that both sides know; `preload/page.rs`.
const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"memcase\0";
/// The file's name, as the list of a process's mappings tells it.
const NAME: &str = "memcase-counters";
const PAGE: usize = 4096;
/// Processes that can be counted at once.
const PROCESSES: usize = 256;
/// Slots of a process, one a thread; the last one is shared.
const SLOTS: usize = 63;
const SLOT: usize = 64;
/// Where the list of process numbers stands.
const PIDS: usize = 16;

/// What a process has in use, as counted from inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InUse {
    /// Usable bytes of its blocks; a forked child starts at 0 with what it inherited.
    pub bytes: i64,
    /// Its blocks.
    pub blocks: i64,
    /// Bytes that it mapped itself, less those that it unmapped: reservations, not memory.
    pub mapped: i64,
}

/// The shared memory of one target and its descendants.
#[derive(Debug)]
pub struct Counters {
    file: OwnedFd,
    pids: Box<[u8; PAGE]>,
    block: Box<[u8; PAGE]>,
}

/// Makes the file that a target's counters are shared through.
pub fn create() -> Result<OwnedFd> {
    let file = memfd_create(NAME, MemfdFlags::CLOEXEC)?;
    ftruncate(&file, (PAGE * (PROCESSES + 1)) as u64)?;
    let mut head = [0; 12];
    head[..8].copy_from_slice(MAGIC);
    head[8..].copy_from_slice(&VERSION.to_le_bytes());
    pwrite(&file, &head, 0)?;
    Ok(file)
}

/// Whether the program that runs as `pid` now shares its counters; none when it is gone. One that was
/// executed in the place of one that did leaves that one's counters behind, which move no more.
pub fn shares(pid: u32) -> Option<bool> {
    match std::fs::read(format!("/proc/{pid}/maps")) {
        Ok(maps) if maps.is_empty() => None,
        Ok(maps) => Some(String::from_utf8_lossy(&maps).contains(NAME)),
        // Another user's.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Some(false),
        Err(_) => None,
    }
}

impl Counters {
    /// Reads from the file that `create` made.
    pub fn open(file: BorrowedFd<'_>) -> std::io::Result<Self> {
        Ok(Self {
            file: file.try_clone_to_owned()?,
            pids: Box::new([0; PAGE]),
            block: Box::new([0; PAGE]),
        })
    }

    /// The sum over those of the processes that are counted, and how many these are.
    pub fn read(&mut self, processes: impl Iterator<Item = u32>) -> (InUse, usize) {
        let mut sum = InUse::default();
        let mut counted = 0;
        if pread(&self.file, &mut self.pids[..], 0) != Ok(PAGE) {
            return (sum, counted);
        }
        for pid in processes {
            let owners = self.pids[PIDS..PIDS + 4 * PROCESSES].chunks_exact(4);
            let Some(place) = owners
                .into_iter()
                .position(|owner| owner == pid.to_le_bytes())
            else {
                continue;
            };
            if let Some(one) = self.one(place) {
                sum.bytes += one.bytes;
                sum.blocks += one.blocks;
                sum.mapped += one.mapped;
                counted += 1;
            }
        }
        (sum, counted)
    }

    fn one(&mut self, place: usize) -> Option<InUse> {
        let start = (PAGE * (place + 1)) as u64;
        // Most programs have few threads: the whole page is read only where it is used.
        let mut wanted = SLOT * 8;
        loop {
            let got = pread(&self.file, &mut self.block[..wanted], start).ok()?;
            let used = u32::from_le_bytes(*self.block.first_chunk()?) as usize;
            let needed = SLOT * (1 + used.min(SLOTS));
            if needed <= got {
                return Some(sum_of(&self.block[SLOT..needed]));
            }
            if wanted == PAGE {
                return None;
            }
            wanted = PAGE;
        }
    }

    /// Processes that could not be counted because too many were.
    pub fn lost(&self) -> u32 {
        let mut lost = [0; 4];
        match pread(&self.file, &mut lost, 12) {
            Ok(4) => u32::from_le_bytes(lost),
            _ => 0,
        }
    }
}

fn sum_of(slots: &[u8]) -> InUse {
    let mut sum = InUse::default();
    for slot in slots.chunks_exact(SLOT) {
        let word = |k: usize| u64::from_le_bytes(std::array::from_fn(|i| slot[8 * k + i]));
        sum.bytes = sum.bytes.wrapping_add(word(0) as i64);
        sum.blocks = sum.blocks.wrapping_add(word(1) as i64);
        sum.mapped = sum.mapped.wrapping_add(word(2) as i64);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn write(file: &OwnedFd, place: usize, pid: u32, slots: &[(i64, i64)], used: u32) {
        pwrite(file, &pid.to_le_bytes(), (PIDS + 4 * place) as u64).unwrap();
        let start = PAGE * (place + 1);
        pwrite(file, &used.to_le_bytes(), start as u64).unwrap();
        for (k, (bytes, blocks)) in slots.iter().enumerate() {
            let mut slot = [0; SLOT];
            slot[..8].copy_from_slice(&bytes.to_le_bytes());
            slot[8..16].copy_from_slice(&blocks.to_le_bytes());
            pwrite(file, &slot, (start + SLOT * (k + 1)) as u64).unwrap();
        }
    }

    #[test]
    fn slots_of_a_process_are_summed_and_so_are_processes() {
        let file = create().unwrap();
        write(&file, 0, 70, &[(1000, 2), (-200, -1)], 2);
        write(&file, 1, 71, &[(5, 1); 12], 12);
        let mut counters = Counters::open(file.as_fd()).unwrap();
        let (sum, counted) = counters.read([70, 71, 72].into_iter());
        assert_eq!((sum.bytes, sum.blocks, counted), (860, 13, 2));
        assert_eq!(counters.read([72].into_iter()), (InUse::default(), 0));
    }

    #[test]
    fn threads_beyond_the_slots_share_the_last_one() {
        let file = create().unwrap();
        write(&file, 3, 9, &[(1, 1); SLOTS], 5000);
        let mut counters = Counters::open(file.as_fd()).unwrap();
        assert_eq!(counters.read([9].into_iter()).0.bytes, SLOTS as i64);
    }
}
