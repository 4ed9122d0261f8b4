//! A limit before it holds and while it does, whoever holds it up.

use std::io;
use std::os::fd::OwnedFd;

use super::cgroup::Cgroup;
use super::watch::Watch;
use crate::measure::process::tree::Tree;
use crate::trace::{Enforcer, MemoryStop};

/// What a process may map for itself, where only a watch stands behind the limit, is never
/// bounded below this: stacks of threads and heaps of runtimes are mapped and never used.
const LEAST_DATA: u64 = 1 << 30;

/// A limit, and by what it is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryCap {
    /// Bytes that all processes of the target may hold together.
    pub bytes: u64,
    /// By what; none is a cgroup where one can be made, else a watch.
    pub by: Option<Enforcer>,
}

/// A limit that is about to be put on a target.
#[derive(Debug)]
pub(in crate::measure::process) struct Ready {
    bytes: u64,
    cgroup: Option<Cgroup>,
}

/// A limit that holds.
#[derive(Debug)]
pub(in crate::measure::process) enum Cap {
    Cgroup(Cgroup),
    Watch(Watch),
}

impl Ready {
    pub(in crate::measure::process) fn new(cap: MemoryCap) -> io::Result<Self> {
        let cgroup = match cap.by {
            Some(Enforcer::Watch) => None,
            Some(Enforcer::Cgroup) => Some(Cgroup::create(cap.bytes)?),
            None => Cgroup::create(cap.bytes).ok(),
        };
        Ok(Self {
            bytes: cap.bytes,
            cgroup,
        })
    }

    /// Where a process writes to be held by the limit.
    pub(in crate::measure::process) fn door(&self) -> io::Result<Option<OwnedFd>> {
        self.cgroup.as_ref().map(Cgroup::door).transpose()
    }

    /// What one process may map, where no cgroup stops it between two looks of the watch.
    pub(in crate::measure::process) fn data(&self) -> Option<u64> {
        let data = self.bytes.saturating_mul(2).max(LEAST_DATA);
        self.cgroup.is_none().then_some(data)
    }

    /// From now on it holds.
    pub(in crate::measure::process) fn hold(
        self,
        tree: impl FnOnce() -> io::Result<Tree>,
        leader: u32,
    ) -> io::Result<Cap> {
        match self.cgroup {
            Some(cgroup) => Ok(Cap::Cgroup(cgroup)),
            None => Watch::start(tree()?, leader, self.bytes).map(Cap::Watch),
        }
    }
}

impl Cap {
    /// The proof, once the limit was passed.
    pub(in crate::measure::process) fn passed(&self) -> Option<MemoryStop> {
        match self {
            Self::Cgroup(cgroup) => cgroup.passed(),
            Self::Watch(watch) => watch.passed(),
        }
    }
}
