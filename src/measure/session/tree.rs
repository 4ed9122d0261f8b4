//! The processes of a session's target, on their way into its trace.

use super::run::Session;
use super::types::Stopped;
use crate::trace::{Heap, Member, MemoryStop, Metric};

impl Session {
    /// The numbers of the living processes of the target, itself first: exact at a quiescent
    /// point, as of the last sample. Without `measure.children` it is the target alone.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids = vec![self.process.pid()];
        pids.extend(self.probe.below());
        pids
    }

    /// Who was there, and what each held at its first and its last sample.
    pub(super) fn members(&mut self) -> Vec<Member> {
        let at = self
            .trace
            .get(Metric::Anon)
            .map_or(&[][..], |series| &series.at);
        // Readings after the last sample (the settle probe) belong to it.
        let end = at.last().copied().unwrap_or(0);
        let iteration = |reading: u64| at.get(reading as usize).copied().unwrap_or(end);
        let mut members = self.probe.members();
        for member in &mut members {
            member.from = iteration(member.from);
            member.to = iteration(member.to);
            member.orphan = member.orphan.map(iteration);
        }
        members
    }

    /// Why it can not be advanced any more, if so.
    pub(super) fn ended(&self) -> Option<Stopped> {
        self.stopped
            .clone()
            .filter(|stopped| !matches!(stopped, Stopped::Time | Stopped::Growth))
    }

    /// The proof that its processes passed the memory they may have, now or before.
    pub(super) fn over_memory(&mut self) -> Option<MemoryStop> {
        match &self.stopped {
            Some(Stopped::Memory(stop)) => Some(stop.clone()),
            _ => self.process.over_memory(),
        }
    }

    /// A language's heap is that of one process: with others beside it, it does not count all. The
    /// C allocator is counted in each of them.
    pub(super) fn note_company(&mut self) {
        let header = &mut self.trace.header;
        let counted = header.heap == Heap::Malloc && self.company_is_counted;
        if header.live_complete && !counted && !self.probe.below().is_empty() {
            header.live_complete = false;
        }
    }

    /// Whether the target grew by more than a run may take. Processes that were forked share
    /// pages, which resident bytes count again and again: where there are any, only a walk
    /// over the pages may end the run.
    pub(super) fn grew_too_much(&mut self) -> bool {
        let cap = self.growth_cap();
        if self.resident.saturating_sub(self.first_resident) <= cap {
            return false;
        }
        if self.probe.below().is_empty() {
            return true;
        }
        let first = self
            .trace
            .get(Metric::Pss)
            .and_then(|series| series.values.first().copied());
        let (Some(first), Some(now)) = (first, self.probe.shares()) else {
            return true;
        };
        let grown = now.pss.saturating_sub(first);
        // What is shared counts as having been there, so that the next walk waits for growth.
        self.first_resident = self.resident.saturating_sub(grown);
        grown > cap
    }
}
