//! `memcase doctor`: gathers what a machine can measure, and measures a little of it.

mod cases;
mod gather;
mod library;
mod trial;

pub use gather::gather;
