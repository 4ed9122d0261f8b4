//! What all processes of a target may hold together, as a container's limit: by a cgroup of its own,
//! else by a watch over its tree.

pub(super) mod cgroup;
mod hold;
mod watch;

pub(in crate::measure) use cgroup::try_group;
pub use hold::MemoryCap;
pub(super) use hold::{Cap, Ready};
