//! Mathematics on `&[f64]`; knows nothing of memory, iterations or verdicts.
//!
//! Distributions come from `statrs`; what it does not have is here: block levels, trimmed
//! increments, lines through a few points, octave rates, local bases and Welch's interval.
//! All functions are pure and none of them panics on finite input of the stated length.

mod events;
mod excursion;
mod increments;
mod levels;
mod line;
mod octave;
mod order;
mod ranks;
mod student;
mod welch;

pub use events::event_size;
pub use excursion::{Excursions, excursions, excursions_after, local_base};
pub use increments::{Increments, increments};
pub use levels::{BlockLevels, block_count, block_levels};
pub use line::{Line, ordinary_least_squares, theil_sen};
pub use octave::{OCTAVES, OctaveRates, octave_rates};
pub use order::{lower_quantile, median};
pub use ranks::{PairSlopes, least_squares, pair_slopes};
pub use student::{StudentTable, student_upper};
pub use welch::{Change, Mean, WelchInterval, welch};
