//! The decision rule for one metric at one look; knows samples and a tolerance, not where they come from.
//!
//! `docs/statistics.md` explains each constant and what was tried in its place.

mod leak;
mod panel;
mod stable;
mod step;

pub use leak::Route;
pub(crate) use leak::{A_POOL, A_STEADY, B_ALONE, B_STEADY, FALL, GRANULES};
pub use panel::{Call, LEAST_SAMPLES, Panel, Scale, TAILS};
pub(crate) use panel::{QUANTILES, Tail};
pub(crate) use stable::mean_and_sd;
pub(crate) use step::{isolated_step, take_out_step};
