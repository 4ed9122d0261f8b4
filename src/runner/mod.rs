//! The loop: plan, measure, look, decide, tell.

pub mod artifacts;
pub mod baseline;
mod batch;
mod beside;
mod clock;
mod conclude;
pub mod explain;
pub mod harness;
pub mod horizon;
mod lanes;
mod looks;
mod memory;
pub mod merge;
pub mod partition;
pub mod parts;
pub mod permits;
pub mod plan;
mod processes;
mod ramp;
pub mod record;
pub mod retry;
pub mod schedule;
mod serial;
mod shard;
pub mod sides;
pub mod suite;
mod together;
