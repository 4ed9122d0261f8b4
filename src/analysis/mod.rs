//! From traces to a verdict; pure. A decision is a function of the traces so far.
//!
//! `rule` decides one metric, `describe` tells what it looks like, [`look`] combines the metrics of a
//! case at one moment of a run, and [`judge`] repeats a run's looks on recorded traces.

mod counts;
pub mod describe;
mod finding;
mod garbage;
mod grid;
mod horizon;
mod judge;
mod kind;
mod look;
mod onset;
mod ramp;
mod ramp_words;
pub mod rule;
mod series;
mod spikes;
mod tail;
mod tally;
mod threshold;
pub(crate) mod unknown;
mod verdict;
mod words;

pub use garbage::{Garbage, garbage};
pub use horizon::{Reach, iterations_to};
pub use judge::judge;
pub use kind::LeakKind;
pub use look::{LOOKS, RESIDENT_FROM, look, looks};
pub use ramp::{judge as judge_ramp, ramp_counts};
pub use tail::{TailSlopes, tail_slopes};
pub use tally::{Counted, Highest, Over, PartTally, PhaseTally, Tally};
pub use threshold::{Crossed, Threshold, Watch};
pub use verdict::{
    Decision, Finding, Interval, Policy, Shape, Spikes, Status, Verdict, VerdictKind,
};
