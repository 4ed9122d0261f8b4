//! One drawing of traces, as SVG, as PNG and in the cells of a terminal.
//!
//! A scene is built from traces and what they show, in the numbers of the data. It is laid out
//! once, as a picture of lines, areas and words; two painters paint that picture, so that SVG and PNG do not differ.

mod build;
mod canvas;
mod font;
mod holders;
mod labels;
mod layout;
mod legend;
mod marks;
mod parts;
mod picture;
mod png;
mod run;
mod scene;
mod svg;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod thin;
mod ticks;
mod written;

pub use build::scene;
pub(super) use holders::holders;
pub use run::{Along, PlotError, Run, Wish};
pub use scene::{Curve, Fit, Form, Mark, Note, Place, Scale, Scene};
pub use terminal::{Screen, plot, whole};
pub use theme::Theme;
pub use ticks::Quantity;
pub use written::{png, svg};
