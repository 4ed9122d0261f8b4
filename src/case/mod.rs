//! What to run and what is claimed of it: the case file, lowered once into validated types.

mod check;
pub mod discover;
mod driver;
mod duration;
pub mod error;
pub mod file;
mod lower;
mod marks;
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
mod wording;
mod written;

pub use discover::{Loaded, load, load_one};
pub use error::CaseError;
pub use lower::is_name;
pub use model::{
    Case, CaseId, Claim, Code, CommandTarget, Expectation, FileTarget, ITERATIONS, Language,
    Limits, MeasureSettings, Program, Snippet, Target, Tools,
};
pub use service::{
    HttpRequest, ITERATION, PORT, Ready, Request, ServiceTarget, Stop, StopSignal, fill,
};
pub use template::template;
pub(crate) use wording::{alternatives, nearest};
