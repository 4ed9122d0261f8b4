//! How the workload advances. `step`: in lock-step, one sample at each quiescent point. `service`: the
//! same, by requests from outside.

mod connection;
pub mod follow;
mod http;
pub mod orders;
pub mod service;
pub mod slot;
pub mod step;
pub mod turns;
