//! Where growth comes from, and who keeps it: what a tracer found in a second run, weighed against what was measured.
//!
//! Pure: `runner::explain` runs the tracers and reads the sources.

mod findings;
mod native;

pub use findings::{Chain, Findings, Grown, Link, Owner, Place, Site};
pub use native::{Surroundings, native_findings};
