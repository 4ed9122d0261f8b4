//! The 64-byte slot in which a target tells the counters of its own heap; `docs/protocol.md`.

use std::os::fd::BorrowedFd;

/// The version of the slot's layout.
pub const VERSION: u32 = 1;

/// The target answers `c`.
pub const COLLECTS: u32 = 1;
/// The heap's bytes are valid.
pub const HEAP: u32 = 2;
/// The number of blocks is valid.
pub const BLOCKS: u32 = 4;
/// The external bytes are valid.
pub const EXTERNAL: u32 = 8;
/// The C allocator's bytes are valid.
pub const MALLOC: u32 = 16;
/// The heap was read right after a full collection.
pub const FULL: u32 = 32;
/// The language's own collector is switched off.
pub const COLLECTOR_OFF: u32 = 128;
/// Free memory was given back before the turn was answered.
pub const TRIMS: u32 = 64;

/// What the slot says after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot {
    /// Which fields are valid, and what the target can do.
    pub flags: u32,
    heap: u64,
    blocks: u64,
    external: u64,
    malloc: u64,
    /// Iterations the target says it has run.
    pub iterations: u64,
}

impl Slot {
    /// Reads the slot; one that the target never wrote, or wrote in a layout that
    /// is not known, has no flags.
    pub fn read(slot: BorrowedFd<'_>) -> Self {
        let mut bytes = [0; 64];
        match rustix::io::pread(slot, &mut bytes, 0) {
            Ok(64) => Self::parse(&bytes),
            _ => Self::default(),
        }
    }

    fn parse(bytes: &[u8; 64]) -> Self {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|k| bytes[at * 8 + k]));
        let head = word(0);
        if head as u32 != VERSION {
            return Self::default();
        }
        Self {
            flags: (head >> 32) as u32,
            heap: word(1),
            blocks: word(2),
            external: word(3),
            malloc: word(4),
            iterations: word(5),
        }
    }

    fn has(self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Whether the target answers `c`.
    pub fn collects(self) -> bool {
        self.has(COLLECTS)
    }

    /// Whether free memory is given back at each turn.
    pub fn trims(self) -> bool {
        self.has(TRIMS)
    }

    /// Whether the heap was read right after a full collection.
    pub fn is_full(self) -> bool {
        self.has(FULL)
    }

    /// Live bytes, if they were read right after a full collection.
    pub fn live(self) -> Option<u64> {
        let part = |flag, value| if self.has(flag) { value } else { 0 };
        (self.has(FULL) && self.has(HEAP | MALLOC))
            .then(|| part(HEAP, self.heap).saturating_add(part(MALLOC, self.malloc)))
    }

    /// Bytes of the language's own heap, if they were read right after a full collection.
    pub fn heap(self) -> Option<u64> {
        (self.has(FULL) && self.has(HEAP)).then_some(self.heap)
    }

    /// The same at any time: garbage that was not yet collected is in it.
    pub fn heap_with_garbage(self) -> Option<u64> {
        self.has(HEAP).then_some(self.heap)
    }

    /// Whether the target has switched its collector off.
    pub fn collector_is_off(self) -> bool {
        self.has(COLLECTOR_OFF)
    }

    /// Whether the target has a heap of its own that it counts.
    pub fn has_heap(self) -> bool {
        self.has(HEAP)
    }

    /// External bytes, if they were read right after a full collection.
    pub fn external(self) -> Option<u64> {
        (self.has(FULL) && self.has(EXTERNAL)).then_some(self.external)
    }

    /// Blocks in use.
    pub fn blocks(self) -> Option<u64> {
        self.has(BLOCKS).then_some(self.blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(version: u32, flags: u32) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..4].copy_from_slice(&version.to_le_bytes());
        bytes[4..8].copy_from_slice(&flags.to_le_bytes());
        for (word, value) in [(1, 1000u64), (2, 20), (3, 300), (4, 4000), (5, 5)] {
            bytes[word * 8..word * 8 + 8].copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn live_is_the_sum_of_the_heaps_that_are_valid_after_a_full_collection() {
        let live = |flags| Slot::parse(&bytes(VERSION, flags)).live();
        assert_eq!(live(FULL | HEAP | MALLOC), Some(5000));
        assert_eq!(live(FULL | MALLOC), Some(4000));
        assert_eq!(live(FULL | HEAP), Some(1000));
        assert_eq!(live(HEAP | MALLOC), None);
        assert_eq!(live(FULL), None);
    }

    #[test]
    fn a_slot_of_another_version_says_nothing() {
        let slot = Slot::parse(&bytes(2, FULL | HEAP | BLOCKS));
        assert_eq!(slot, Slot::default());
        assert_eq!(slot.blocks(), None);
    }
}
