//! A child that cannot outlive its deadline or its owner, and what it is joined to memcase by.
//!
//! Every target runs in a session of its own, dies with memcase (`PR_SET_PDEATHSIG`),
//! and carries a marker in its environment by which strays are found and killed:
//! by memcase itself, as the subreaper of all its descendants, and by a guard
//! process (`keeper`) should memcase be killed.

pub mod keeper;

pub(super) mod cap;
mod child;
mod debugger;
mod direct;
mod disturbance;
mod errand;
mod exit;
mod gate;
mod kin;
mod output;
mod preload;
mod progress;
mod spawn;
mod strays;
mod tree;
mod usage;

pub use cap::MemoryCap;
pub use cap::cgroup::own_limit;
pub use child::{LAST_BREATH, Process, Progress, StartOptions, Unaware};
pub use debugger::{Gdb, Lent, Terminal, gdb_stacks, has_gdb, why_not_traced};
pub use direct::Direct;
pub use disturbance::{disturbance, tracer_of};
pub use errand::Errand;
pub use exit::Exit;
pub use gate::{Moment, Ran, run_to_exit};
pub use kin::Roll;
pub use preload::{NAME as LIBRARY_NAME, Uncounted};
pub use spawn::SET_FOR_ALL;
pub(in crate::measure) use tree::command;
pub use tree::{Pages, Tree, pages};
pub use usage::{Of, Usage};
