//! What to run and what is claimed of it: the case file, lowered once into validated types.

mod check;
pub mod discover;
mod driver;
mod duration;
pub mod error;
pub mod file;
mod lower;
mod marks;
mod matrix;
pub mod model;
mod plain;
mod program;
mod report;
mod scan;
pub mod schema;
mod serve;
mod service;
mod syntax;
mod template;
mod value;
mod wording;
mod written;

pub(crate) use check::{Form, check_form};
pub use discover::{Loaded, load, load_one};
pub(crate) use duration::parse as parse_duration;
pub use error::CaseError;
pub(crate) use error::printable;
pub use lower::is_name;
pub(crate) use marks::{Content, Key, Kind, Mark, Node};
pub use model::{
    Case, CaseId, Claim, Code, CommandTarget, Expectation, FileTarget, ITERATIONS, Language,
    Limits, MeasureSettings, Program, Snippet, Target, Tools,
};
pub(crate) use report::{Report, key_mark, value_mark};
pub(crate) use schema::schema_of;
pub use service::{
    HttpRequest, ITERATION, PORT, Ready, Request, ServiceTarget, Stop, StopSignal, fill,
};
pub use template::template;
pub(crate) use wording::{Notation, alternatives, nearest};
pub(crate) use written::WrittenLimits;
