//! Results that a person accepted, and how a later run compares with them.
//!
//! A [`Fit`] is what is kept of a run, [`compare`] says what became of it since, by intervals, and [`store`] is
//! the one place that touches snapshot files. They are `insta`'s, so that its own tools read them too.

mod compare;
mod contents;
mod fit;
mod number;
mod reference;
mod snapshot;
pub mod store;
mod update;
mod words;

pub use compare::{Comparison, ComparisonKind, Difference, Statistic, compare, compare_with};
pub use contents::FitError;
pub use fit::{FORMAT, Fit, Level, Observed, Slope, Surroundings};
pub use reference::Reference;
pub use snapshot::ByIntervals;
pub use update::{Action, Update};
