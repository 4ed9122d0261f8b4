//! The loop: plan, measure, look, decide, tell.

pub mod artifacts;
pub mod harness;
pub mod horizon;
mod memory;
pub mod permits;
pub mod plan;
mod processes;
pub mod schedule;
pub mod suite;
