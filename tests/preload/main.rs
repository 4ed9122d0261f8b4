//! What the preloaded library counts, block by block, in programs of every kind; and where it is not loaded.

#![expect(clippy::unwrap_used, reason = "in a test a failure may panic")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says why")]

mod allocations;
mod children;
mod loading;
mod paths;
mod paths_of_programs;
mod replaced;
mod report;
mod surroundings;
mod target;
mod threads;
