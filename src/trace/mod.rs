//! The samples of one process, by metric; and their form on disk.
//!
//! A trace knows what was read and when. It does not know what is claimed of the
//! case, nor what the numbers mean: that is `analysis`.

mod axis;
mod codec;
mod heap;
mod held;
mod model;
mod record;
mod rows;
mod tree;

pub use axis::{Axis, Driver, FinalReading};
pub use codec::{TraceError, read, write};
pub use heap::Heap;
pub use held::{Held, Inventory, Mappings, grown};
pub use model::{
    Collector, Ending, Environment, Header, Metric, Role, Sample, Series, StopReason,
    TRACE_VERSION, Trace, Unit,
};
pub use record::{Part, Phase, Recording, Share};
pub use rows::Rows;
pub use tree::{CaseLimits, Enforcer, Member, MemoryStop};
