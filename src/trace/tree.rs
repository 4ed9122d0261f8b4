//! What the end of a trace tells of the target's tree: its processes, its limits, and the one it passed.

use serde::{Deserialize, Serialize};

/// The limits of a case that growth will reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CaseLimits {
    /// Bytes that all processes of the target may hold together.
    pub memory: Option<u64>,
    /// The highest resident bytes at any time.
    pub peak: Option<u64>,
}

/// What held up a limit of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcer {
    /// The kernel, by a cgroup of the target's own.
    Cgroup,
    /// memcase, by a look at all processes every 10 ms.
    Watch,
}

/// The proof that a target passed the memory it may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStop {
    /// Bytes that all its processes may hold together.
    pub limit: u64,
    /// What held up the limit.
    pub by: Enforcer,
    /// Kills that the kernel had made in the cgroup for the limit, before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<(u64, u64)>,
    /// The most that was seen: the cgroup's own mark, or what the last look found.
    pub highest: u64,
    /// Whether the target itself lived on, and another process of it was killed.
    pub survived: bool,
}

/// One process of a target's tree, and what it grew by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Member {
    /// 0 is the target itself; those below it are numbered as they came.
    pub child: u32,
    /// Its command line, shortened.
    pub command: String,
    /// Iterations completed at its first reading.
    pub from: u64,
    /// Anonymous bytes then.
    pub first: u64,
    /// Iterations completed at its last reading.
    pub to: u64,
    /// Anonymous bytes then.
    pub last: u64,
    /// Iterations completed when it had lost its parent, if it did while the target lived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphan: Option<u64>,
    /// Whether it ended before the target did.
    #[serde(default)]
    pub ended: bool,
}
