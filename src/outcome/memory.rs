//! A case that passed the memory it may have, in a sentence with the proof.

use super::Outcome;
use crate::trace::{Enforcer, MemoryStop};
use crate::units::Bytes;

impl Outcome {
    /// A case that passed `limits.memory`, whatever it claims: process number `process`, and `when`
    /// in words (`after 40 iterations`).
    pub fn over_memory(stop: &MemoryStop, process: u32, when: &str) -> Self {
        let limit = Bytes(stop.limit);
        let whom = if stop.survived {
            "a process that the target had started"
        } else {
            "it"
        };
        let proof = match (stop.by, stop.oom_kills) {
            (Enforcer::Cgroup, Some((before, after))) => format!(
                "the kernel killed {whom} (`oom_kill` of its cgroup went from {before} to {after})"
            ),
            _ => format!(
                "memcase found {} in its processes and killed them",
                Bytes(stop.highest)
            ),
        };
        Self::failed(format!(
            "process {process} passed `limits.memory` of {limit} {when}: {proof}"
        ))
    }
}
