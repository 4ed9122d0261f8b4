//! Filter expressions: which cases are meant, in the words of cargo-nextest's filtersets.

mod error;
mod expression;
mod glob;
mod matcher;
mod parse;
mod predicate;

pub use error::FilterError;
pub use expression::Filter;
