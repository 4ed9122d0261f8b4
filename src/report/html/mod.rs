//! A run as one page for a browser: its table, its cases, their curves. Nothing is loaded from anywhere.

mod details;
mod escape;
mod page;
mod plot;
mod row;
mod thinned;

pub use page::{TracesOf, html};
