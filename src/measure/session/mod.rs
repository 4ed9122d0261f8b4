//! One run of one program.

mod batch;
mod begin;
mod clock;
mod counted;
mod debugged;
mod explained;
mod failed;
mod free;
mod ramp;
mod record;
mod run;
mod traced;
mod tree;
mod types;

pub use batch::Trial;
pub use clock::run_by_clock;
pub use explained::Order;
pub use free::{Followed, FreeRun, follow_by_clock};
pub use ramp::run_to_count;
pub use run::Session;
pub use traced::{Image, Traced};
pub use types::{Finished, MeasureError, SessionOptions, Stopped};
