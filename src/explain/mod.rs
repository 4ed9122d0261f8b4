//! Where growth comes from, and who keeps it: what a tracer found in a second run, weighed against what was measured.
//!
//! Pure: `runner::explain` runs the tracers and reads the sources.

mod cause;
mod choice;
mod event_loop;
mod findings;
mod jvm;
mod model;
mod native;
mod owners;
mod rates;
mod replaced;
mod unpaired;
mod weigh;

pub use choice::{accounted, is_nearer};
pub use findings::{Chain, Findings, Grown, Link, Made, Owner, Place, Site, Span};
pub use model::{Culprit, Explanation, KeptFile, Kind, Line, Measured};
pub use native::{Rest, Surroundings, heaptrack_findings, native_findings};
pub use owners::give_to_owners;
pub use weigh::{lines, weigh};
