//! Simulated traces of 43 labelled shapes: 24 that are no leaks and 19 that are.
//!
//! Every parameter is drawn anew for each case; the processes of a case share them up to jitter.

mod cases;
mod leaks;
mod others;
mod parts;
mod rng;

pub(crate) use cases::{Counter, LEAKS, OTHERS, Size, generate};
pub(crate) use rng::Rng;
