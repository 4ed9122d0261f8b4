//! A line of events, as it is written.

use serde::Serialize;

use super::event::{EVENT_VERSION, Event};

/// An event with the version of its format.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// The version.
    pub version: u32,
    /// The event.
    #[serde(flatten)]
    pub event: &'a Event,
}

impl<'a> Line<'a> {
    /// The line of an event.
    pub fn new(event: &'a Event) -> Self {
        Self {
            version: EVENT_VERSION,
            event,
        }
    }
}
