//! Call paths of programs that are compiled: from addresses to places, and whose these are.

mod heaptrack;
mod owner;
mod sites;
mod symbols;
mod tidy;

pub use heaptrack::{Rest, heaptrack_findings};
pub use owner::Surroundings;
pub use sites::native_findings;
