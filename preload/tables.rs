//! The memory shared with memcase: call paths with what each has in use, blocks by their address, mappings, and
//! the path of each descriptor, thread and process by its number.
//!
//! A path is kept once, and never goes: it is entered without a lock, and its sums are added to atomically.
//! Blocks hang in chains below the hash of their address; a chain belongs to a shard, with a lock of its own.
//! All of it is bounded: what finds no room is told by a count. The file is sparse, so only what is used exists.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use super::numbers::Numbers;
use super::unwind::{DEPTH, Path};

/// The version of this layout; `measure::probe::stacks` reads the same.
const VERSION: u32 = 2;
/// The first word of the file.
const MAGIC: u64 = u64::from_le_bytes(*b"memstack");
/// What `state` says.
pub(crate) const TRACING: u32 = 1;
pub(crate) const NO_UNWINDER: u32 = 2;

/// Locks of chains of blocks.
const SHARDS: usize = 256;
/// Chains of blocks, a power of two.
const CHAINS: usize = 1 << 20;
/// Blocks that can be known at once.
const BLOCKS: usize = 1 << 24;
/// Chains of paths, a power of two.
const STACK_CHAINS: usize = 1 << 16;
/// Paths that can be known.
const STACKS: usize = 1 << 17;
/// Mappings that can be known at once.
const MAPPINGS: usize = 1 << 16;
/// The path of what found no room for its own.
pub(crate) const NO_STACK: u32 = 0;

/// Bytes of a block, and its path.
pub(crate) type Entry = (i64, u32);

/// A spin lock: what it guards takes a few dozen instructions.
#[repr(transparent)]
struct Lock(AtomicU32);

impl Lock {
    fn hold<R>(&self, act: impl FnOnce() -> R) -> R {
        unsafe extern "C" {
            fn sched_yield() -> c_int;
        }
        let mut tries = 0_u32;
        while self
            .0
            .compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            tries += 1;
            if tries.is_multiple_of(64) {
                // SAFETY: it may be called at any time; who holds the lock may wait for the processor.
                unsafe { sched_yield() };
            }
            core::hint::spin_loop();
        }
        let result = act();
        self.0.store(0, Ordering::Release);
        result
    }
}

#[repr(C, align(64))]
struct Shard {
    lock: Lock,
    /// The first of its blocks that are free to be used again.
    free: UnsafeCell<u32>,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Block {
    address: u64,
    bytes: i64,
    stack: u32,
    next: u32,
}

#[repr(C)]
struct Stack {
    hash: UnsafeCell<u64>,
    next: UnsafeCell<u32>,
    len: UnsafeCell<u32>,
    bytes: AtomicI64,
    blocks: AtomicI64,
    frames: UnsafeCell<[u64; DEPTH]>,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Mapping {
    start: u64,
    length: u64,
    stack: u64,
}

/// All that is shared.
#[repr(C, align(4096))]
pub(crate) struct Tables {
    magic: u64,
    version: u32,
    state: AtomicU32,
    /// The process that writes here; 0 for nobody.
    owner: AtomicU32,
    /// Paths and blocks that were ever used; numbers start at 1.
    stacks_used: AtomicU32,
    blocks_used: AtomicU32,
    mappings_used: AtomicU32,
    /// Blocks and mappings that found no room.
    lost: AtomicU64,
    lost_mappings: AtomicU64,
    mapping_lock: Lock,
    shards: [Shard; SHARDS],
    mappings: UnsafeCell<[Mapping; MAPPINGS]>,
    stacks: [Stack; STACKS],
    stack_chains: [AtomicU32; STACK_CHAINS],
    chains: [UnsafeCell<u32>; CHAINS],
    blocks: UnsafeCell<[Block; BLOCKS]>,
    pub(crate) numbers: Numbers,
}

// SAFETY: chains, blocks and free lists are touched under their shard's lock, mappings under theirs; a path is
// written before its number is stored where others find it, and not after.
unsafe impl Sync for Tables {}

const _: () = assert!(size_of::<Block>() == 24);
const _: () = assert!(size_of::<Stack>() == 384);
const _: () = assert!(core::mem::offset_of!(Tables, state) == 12);
const _: () = assert!(core::mem::offset_of!(Tables, lost) == 32);
const _: () = assert!(core::mem::offset_of!(Tables, mappings) == 64 * (SHARDS + 1));
const _: () = assert!(core::mem::offset_of!(Tables, stacks) == 64 * (SHARDS + 1) + 24 * MAPPINGS);
const _: () = assert!(
    core::mem::offset_of!(Tables, numbers)
        == 64 * (SHARDS + 1)
            + 24 * MAPPINGS
            + 384 * STACKS
            + 4 * (STACK_CHAINS + CHAINS)
            + 24 * BLOCKS
);
const _: () = assert!(size_of::<Tables>() <= 512 << 20);

/// Spreads the bits of a number; the constant is that of Fibonacci hashing.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value ^ value >> 32
}

impl Tables {
    pub(crate) fn is_known(&self) -> bool {
        self.magic == MAGIC && self.version == VERSION
    }

    pub(crate) fn announce(&self, state: u32) {
        self.state.store(state, Ordering::Release);
    }

    /// Whether the tables are this process's: the first one's to ask. What a program left that this one was
    /// executed in the place of is forgotten.
    pub(crate) fn claim(&self, own: u32) -> bool {
        match self
            .owner
            .compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => {}
            Err(owner) if owner == own => self.clear(),
            Err(_) => return false,
        }
        self.stacks_used.store(1, Ordering::Relaxed);
        self.blocks_used.store(1, Ordering::Relaxed);
        true
    }

    fn clear(&self) {
        for chain in &self.stack_chains {
            chain.store(0, Ordering::Relaxed);
        }
        self.numbers.clear();
        self.mappings_used.store(0, Ordering::Relaxed);
        self.lost.store(0, Ordering::Relaxed);
        self.lost_mappings.store(0, Ordering::Relaxed);
        self.mapping_lock.0.store(0, Ordering::Relaxed);
        self.stacks[0].bytes.store(0, Ordering::Relaxed);
        self.stacks[0].blocks.store(0, Ordering::Relaxed);
        // SAFETY: nobody else writes: the only thread of this program has just begun.
        unsafe {
            for shard in &self.shards {
                shard.lock.0.store(0, Ordering::Relaxed);
                *shard.free.get() = 0;
            }
            for chain in &self.chains {
                *chain.get() = 0;
            }
        }
    }

    /// The number of a path, which is entered if it is new.
    pub(crate) fn stack(&self, path: &Path) -> u32 {
        let frames = &path.frames[..path.len];
        let hash = frames.iter().fold(path.len as u64, |hash, frame| {
            mix(hash.rotate_left(23) ^ frame)
        });
        let head = &self.stack_chains[hash as usize % STACK_CHAINS];
        let mut first = head.load(Ordering::Acquire);
        if let Some(known) = self.known(first, 0, hash, frames) {
            return known;
        }
        if self.stacks_used.load(Ordering::Relaxed) as usize >= STACKS {
            return NO_STACK;
        }
        let number = self.stacks_used.fetch_add(1, Ordering::Relaxed);
        let Some(stack) = self.stacks.get(number as usize) else {
            return NO_STACK;
        };
        // SAFETY: the number is this thread's alone until it is stored below.
        unsafe {
            *stack.hash.get() = hash;
            (&mut *stack.frames.get())[..frames.len()].copy_from_slice(frames);
            *stack.len.get() = frames.len() as u32;
        }
        stack.bytes.store(0, Ordering::Relaxed);
        stack.blocks.store(0, Ordering::Relaxed);
        loop {
            // SAFETY: as above.
            unsafe { *stack.next.get() = first };
            match head.compare_exchange(first, number, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return number,
                Err(now) => {
                    // Another thread may have entered the same; the number is then used for nothing.
                    if let Some(known) = self.known(now, first, hash, frames) {
                        return known;
                    }
                    first = now;
                }
            }
        }
    }

    /// The path with these frames in a chain, up to a number behind which it was looked for already.
    fn known(&self, mut number: u32, until: u32, hash: u64, frames: &[u64]) -> Option<u32> {
        while number != until && number != 0 {
            let stack = self.stacks.get(number as usize)?;
            // SAFETY: what is in a chain is written to no more.
            unsafe {
                let len = *stack.len.get() as usize;
                if *stack.hash.get() == hash && (&*stack.frames.get()).get(..len) == Some(frames) {
                    return Some(number);
                }
                number = *stack.next.get();
            }
        }
        None
    }

    fn add(&self, stack: u32, bytes: i64, blocks: i64) {
        if let Some(stack) = self.stacks.get(stack as usize) {
            stack.bytes.fetch_add(bytes, Ordering::Relaxed);
            stack.blocks.fetch_add(blocks, Ordering::Relaxed);
        }
    }

    fn chain(&self, address: usize) -> (&Shard, *mut u32) {
        let number = (mix(address as u64 >> 4) >> 8) as usize % CHAINS;
        (&self.shards[number % SHARDS], self.chains[number].get())
    }

    fn block(&self, number: u32) -> *mut Block {
        // SAFETY: numbers that are handed out are below `BLOCKS`.
        unsafe { self.blocks.get().cast::<Block>().add(number as usize) }
    }

    /// Enters a block.
    pub(crate) fn enter(&self, address: usize, (bytes, stack): Entry) {
        // One that is known went without a word, by the inner door of the C library.
        self.strike(address);
        let (shard, chain) = self.chain(address);
        let entered = shard.lock.hold(|| {
            // SAFETY: under the shard's lock.
            unsafe {
                let mut number = *shard.free.get();
                if number != 0 {
                    *shard.free.get() = (*self.block(number)).next;
                } else if (self.blocks_used.load(Ordering::Relaxed) as usize) < BLOCKS - SHARDS {
                    // At most one thread of each shard comes here at once.
                    number = self.blocks_used.fetch_add(1, Ordering::Relaxed);
                } else {
                    return false;
                }
                self.block(number).write(Block {
                    address: address as u64,
                    bytes,
                    stack,
                    next: *chain,
                });
                *chain = number;
            }
            true
        });
        if entered {
            self.add(stack, bytes, 1);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Strikes a block off; what was known of it.
    pub(crate) fn strike(&self, address: usize) -> Option<Entry> {
        let (shard, chain) = self.chain(address);
        let found = shard.lock.hold(|| {
            // SAFETY: under the shard's lock.
            unsafe {
                let mut link = chain;
                while *link != 0 {
                    let number = *link;
                    let block = self.block(number);
                    if (*block).address == address as u64 {
                        *link = (*block).next;
                        (*block).next = *shard.free.get();
                        *shard.free.get() = number;
                        return Some(((*block).bytes, (*block).stack));
                    }
                    link = &raw mut (*block).next;
                }
            }
            None
        });
        if let Some((bytes, stack)) = found {
            self.add(stack, -bytes, -1);
        }
        found
    }

    /// Enters a mapping.
    pub(crate) fn map(&self, start: usize, length: usize, stack: u32) {
        self.mapping_lock
            .hold(|| self.push(start as u64, length as u64, u64::from(stack)));
    }

    /// Under the lock of mappings.
    fn push(&self, start: u64, length: u64, stack: u64) {
        let used = self.mappings_used.load(Ordering::Relaxed) as usize;
        if used == MAPPINGS {
            self.lost_mappings.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mapping = Mapping {
            start,
            length,
            stack,
        };
        // SAFETY: under the lock; the place is within the table.
        unsafe {
            self.mappings
                .get()
                .cast::<Mapping>()
                .add(used)
                .write(mapping)
        };
        self.mappings_used.store(used as u32 + 1, Ordering::Release);
    }

    /// Strikes off what lies within; of a mapping that goes on before or behind, that part stays.
    pub(crate) fn unmap(&self, start: usize, length: usize) {
        let (start, end) = (start as u64, (start + length) as u64);
        self.mapping_lock.hold(|| {
            let all = self.mappings.get().cast::<Mapping>();
            // From the back: what was mapped last is unmapped first, more often than not.
            let mut k = self.mappings_used.load(Ordering::Relaxed) as usize;
            while k > 0 {
                k -= 1;
                // SAFETY: under the lock; `k` is below the number used.
                let one = unsafe { all.add(k).read() };
                let behind = one.start + one.length;
                if one.start >= end || behind <= start {
                    continue;
                }
                let last = self.mappings_used.load(Ordering::Relaxed) as usize - 1;
                // SAFETY: as above.
                unsafe { all.add(k).write(all.add(last).read()) };
                self.mappings_used.store(last as u32, Ordering::Release);
                if one.start < start {
                    self.push(one.start, start - one.start, one.stack);
                }
                if behind > end {
                    self.push(end, behind - end, one.stack);
                }
                if one.start <= start && behind >= end {
                    return;
                }
            }
        });
    }
}
