//! Who keeps what leaks, as a graph: in the language of Graphviz, and drawn as SVG.

mod dot;
mod graph;
mod written;

pub(super) use graph::{Graph, Node, Part};
pub use written::{dot, svg};
