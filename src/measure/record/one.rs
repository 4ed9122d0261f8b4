//! One process of a recorded program: what it holds, and how high it has been.

use std::time::{Duration, Instant};

use super::held::{Division, Seen};
use super::status::{Files, Status};
use crate::measure::probe::is_ending;
use crate::measure::process::{Of, Usage};
use crate::trace::Part;

/// One part in this many of its memory may be new and of files or shared, before it is walked again.
const OPEN: u64 = 8;

/// One process.
#[derive(Debug)]
pub(super) struct One {
    pub(super) part: Part,
    pub(super) files: Files,
    pub(super) name: Vec<u8>,
    pub(super) now: Status,
    /// The highest resident bytes since the last sample.
    pub(super) highest: u64,
    pub(super) division: Division,
    /// What it holds for the sums: nothing once it has ended.
    pub(super) told: u64,
    pub(super) seen: Seen,
    pub(super) walked: Option<Instant>,
    pub(super) stale: bool,
    pub(super) cost: Duration,
    /// At the last sample.
    pub(super) before: u64,
    /// Whether it is giving its memory back, at its end.
    pub(super) ends: bool,
    pub(super) ended: bool,
}

impl One {
    /// Takes note of what it holds now. What an exit gives back is no reading.
    pub(super) fn follow(&mut self, status: Status) {
        self.highest = self.highest.max(status.highest);
        self.ends = status.resident < self.now.resident && is_ending(self.part.pid);
        if self.ends {
            return;
        }
        self.now = status;
        self.division.follow(status.kinds);
        self.stale |= self.division.open(status.kinds) > status.resident / OPEN;
    }

    /// Takes note of what it holds now; of the only one all that came since a walk is its own.
    pub(super) fn weigh(&mut self, alone: bool) {
        let now = self.now.kinds;
        let most = self.division.most(now);
        self.told = if alone {
            most.resident()
        } else {
            self.division.least(now).resident()
        };
        let seen = &mut self.seen;
        seen.resident = seen.resident.max(self.now.resident);
        seen.told = seen.told.max(self.told);
        seen.most = seen.most.max(most.resident());
        seen.charged = seen.charged.max(most.charged());
    }

    /// What was taken and given back between two looks; only the kernel's mark tells of it.
    pub(super) fn unseen(&self) -> u64 {
        self.highest.saturating_sub(self.seen.resident)
    }

    pub(super) fn peak(&self) -> u64 {
        self.seen.told + self.unseen()
    }

    pub(super) fn walk(&mut self, buffer: &mut [u8]) -> Duration {
        let processor = || Usage::of(Of::Thread).processor;
        let (before, began) = (self.now.kinds, processor());
        let part = self.files.walk(before);
        let after = self.files.read(buffer).map(|(now, _)| now.kinds);
        self.division = match (part, after) {
            (Some(part), Some(after)) => Division::walked(before, part, after),
            // What it had is the others' now.
            (_, None) => Division::forked(before),
            (None, Some(_)) => self.division,
        };
        self.walked = Some(Instant::now());
        self.stale = false;
        self.cost = processor().saturating_sub(began);
        self.cost
    }

    /// Its command, where it became another program.
    pub(super) fn renamed(&mut self) -> Option<Part> {
        let command = self.files.command()?;
        if command == self.part.command {
            return None;
        }
        self.part.command = command;
        Some(self.part.clone())
    }

    /// How long a walk will take, by the last one or by its size.
    pub(super) fn dear(&self) -> Duration {
        let by_size = Duration::from_micros(50 + (self.now.resident >> 20) * 20);
        self.walked.map_or(by_size, |_| self.cost)
    }
}
