//! Where readings come from: the kernel's files of a process, or `sysinfo` elsewhere.

pub mod counters;
pub mod inventory;
pub mod mappings;
pub mod stacks;

mod linux;
mod portable;
mod selftest;

use crate::trace::Member;

pub use linux::LinuxProbe;
pub(in crate::measure) use linux::is_ending;
pub use portable::PortableProbe;
pub use selftest::{Statm, statm};

/// What a process holds at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resident {
    /// Anonymous resident bytes.
    pub anon: u64,
    /// All resident bytes.
    pub resident: u64,
}

/// What is read only now and then, because it costs more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Open file descriptors.
    pub fds: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Descendants, at any depth.
    pub children: Option<u64>,
    /// Resident bytes of shared memory.
    pub shmem: Option<u64>,
}

/// What only a walk over the pages tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shares {
    /// Proportional set size of the process and its descendants.
    pub pss: u64,
    /// Swapped bytes.
    pub swap: u64,
}

/// A source of memory readings of one process.
pub trait Probe: std::fmt::Debug + Send {
    /// What it holds now; `None` when it is gone. A dead process reads as zero
    /// resident pages without an error: that is death, never a sample.
    fn resident(&mut self) -> Option<Resident>;

    /// The highest resident bytes since the last reset, which this call makes.
    fn take_peak(&mut self) -> Option<u64>;

    /// Descriptors and threads of the process, and its descendants.
    fn counts(&mut self) -> Counts;

    /// Shares of pages; costs 15 to 20 µs a resident MiB.
    fn shares(&mut self) -> Option<Shares>;

    /// The numbers of the living processes that count in beside the first one, as of the last
    /// reading: cheap, and exact at a quiescent point.
    fn below(&self) -> Vec<u32>;

    /// What each process held, with the number of the reading of [`Probe::resident`] in place of the
    /// iteration, from 0. Empty where there never was a second process.
    fn members(&mut self) -> Vec<Member>;

    /// The file name of a mapped library that brings an allocator of its own, which
    /// malloc's counters do not see; with `runtimes`, those of languages are taken for known.
    fn private_allocator(&mut self, runtimes: bool) -> Option<String>;

    /// Page faults of children that have ended and were waited for.
    fn faults_of_children(&mut self) -> Option<u64>;

    /// The processor it ran on last.
    fn processor(&mut self) -> Option<usize>;

    /// Whether it has begun to end: what it holds may be given back in part.
    fn is_ending(&mut self) -> bool;

    /// Bytes by which `anon` may be off.
    fn granularity(&self) -> u64;
}
