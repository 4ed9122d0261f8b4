//! Traces that are written by a formula, and the verdicts on them.

mod traces;

pub(crate) use traces::{MIB, at_the_end, pages, run, traces};
