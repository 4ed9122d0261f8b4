//! Turns of a run that is debugged: one by one, each as long as a person takes.

use std::time::Instant;

use super::run::Session;
use super::types::Stopped;
use crate::measure::interrupt;

impl Session {
    /// One turn.
    pub fn step(&mut self) -> Result<(), Stopped> {
        if let Some(stopped) = self.ended() {
            return Err(stopped);
        }
        if interrupt::requested() {
            return Err(Stopped::Interrupted);
        }
        self.iterate(Instant::now())
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}
