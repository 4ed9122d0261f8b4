//! How the workload advances. `step`: in lock-step, one sample at each quiescent point.

pub mod follow;
pub mod slot;
pub mod step;
