//! One event enum, one reporter trait, one file a format. Reporters render and never decide.

mod attempt;
mod baseline;
mod curve;
pub mod difference;
mod doctor;
mod document;
mod event;
mod explain;
mod family;
mod github;
mod holders;
mod html;
mod human;
mod json;
mod junit;
mod libtest_json;
mod limits;
mod line;
mod live;
mod markdown;
mod next;
pub mod plot;
mod ramp;
mod read;
mod record;
mod several;
mod side;
mod sink;
mod tap;
mod text;
mod transcript;
mod why;

pub use attempt::Attempt;
pub use baseline::{compared_line, described};
pub use doctor::doctor_text;
pub use document::Document;
pub use event::{CaseReport, EVENT_VERSION, Event, Judged, Summary, VerdictReport};
pub use explain::{curve_of, explain, headline, judged};
pub use family::Relative;
pub use github::annotations;
pub use holders::{dot, svg};
pub use html::{TracesOf, html};
pub use human::{Human, Layout};
pub use json::Json;
pub use junit::junit;
pub use libtest_json::LibtestJson;
pub use limits::{LimitKind, Passed, Reaches, Span};
pub use line::Line;
pub use live::Live;
pub use markdown::markdown;
pub use read::{Started, Told, told};
pub use record::{RecordReport, record_line};
pub use several::Several;
pub use side::Side;
pub use tap::Tap;
pub use text::{duration, iterations, slope};

/// Renders what happens, as it happens.
///
/// Implementations are called from several threads at once. They never fail: a
/// reporter whose output is gone remembers why, and the run asks it.
pub trait Reporter: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);

    /// A piece of what libtest prints, as it comes; pieces need not be whole lines.
    fn libtest(&self, _bytes: &[u8]) {}

    /// Why nothing more can be written, if so.
    fn closed(&self) -> Option<std::io::ErrorKind>;
}
