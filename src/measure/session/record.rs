//! The readings of a session, on their way into its trace.

use super::run::Session;
use crate::measure::driver::slot::Slot;
use crate::measure::probe::{Counts, inventory};
use crate::trace::{Inventory, Metric};

impl Session {
    /// The counters of the language's own heap, where the target has any.
    pub(super) fn slot(&self) -> Slot {
        if self.fills_slot {
            Slot::read(self.process.slot())
        } else {
            Slot::default()
        }
    }

    /// The readings of every quiescent point.
    pub(super) fn sample(&mut self, slot: Slot) {
        let at = self.done();
        let Some(resident) = self.probe.resident() else {
            self.died(format!("the target was gone after iteration {at}"));
            return;
        };
        self.resident = resident.resident;
        self.trace.push(Metric::Anon, at, resident.anon);
        let native = self.in_use();
        self.note_company();
        let bytes = |value: i64| u64::try_from(value).unwrap_or(0);
        for (metric, value) in [
            (Metric::Live, self.live(slot, native)),
            (Metric::External, slot.external()),
            (Metric::Native, native.map(|native| bytes(native.bytes))),
            (Metric::Mapped, native.map(|native| bytes(native.mapped))),
            (Metric::Blocks, slot.blocks()),
        ] {
            if let Some(value) = value {
                self.trace.push(metric, at, value);
            }
        }
    }

    pub(super) fn count(&mut self) {
        let at = self.done();
        for (metric, value) in by_metric(self.probe.counts()) {
            self.trace.push(metric, at, value);
        }
    }

    /// The walk over the pages, at the ends of stages; and whether an allocator came in that
    /// the live bytes do not know of.
    pub(super) fn walk(&mut self) {
        let at = self.done();
        self.see_whether_it_still_counts();
        if self.trace.header.live_complete
            && let Some(library) = self.probe.private_allocator(self.runtime_is_known)
        {
            self.trace.header.live_complete = false;
            self.trace.header.private_allocator = Some(library);
        }
        let known = self.trace.get(Metric::Pss);
        if known.is_some_and(|pss| pss.at.last() == Some(&at)) {
            return;
        }
        if let Some(shares) = self.probe.shares() {
            self.trace.push(Metric::Pss, at, shares.pss);
            self.trace.push(Metric::Swap, at, shares.swap);
        }
    }

    /// What it holds by name.
    pub(super) fn inventory(&self) -> Inventory {
        let pid = self.process.pid();
        Inventory {
            mappings: inventory::mappings(pid),
            descriptors: inventory::descriptors(pid),
            threads: inventory::threads(pid),
        }
    }

    /// Drops the readings of the trial that are off the stride chosen behind it.
    pub(super) fn thin(&mut self, metrics: &[Metric], stride: u64) {
        let every = stride * u64::from(self.options.batch);
        for metric in metrics {
            if let Some(series) = self.trace.series.get_mut(metric) {
                let (at, values) = series
                    .at
                    .iter()
                    .zip(&series.values)
                    .filter(|(at, _)| at.is_multiple_of(every))
                    .map(|(&at, &value)| (at, value))
                    .unzip();
                series.at = at;
                series.values = values;
            }
        }
    }

    pub(super) fn preallocate(&mut self) {
        let points = (self.options.horizon / u64::from(self.options.batch)) as usize + 2;
        let counted = [Metric::Native, Metric::Mapped];
        let counted = counted.into_iter().filter(|_| self.counters.is_some());
        let always = [Metric::Anon, Metric::Peak, Metric::Live, Metric::Blocks];
        for metric in always.into_iter().chain(counted) {
            let series = self.trace.series.entry(metric).or_default();
            series.at.reserve(points.min(1 << 20));
            series.values.reserve(points.min(1 << 20));
        }
    }
}

/// The counts that could be read.
pub(super) fn by_metric(counts: Counts) -> impl Iterator<Item = (Metric, u64)> {
    [
        (Metric::Fds, counts.fds),
        (Metric::Threads, counts.threads),
        (Metric::Children, counts.children),
        (Metric::Shmem, counts.shmem),
    ]
    .into_iter()
    .filter_map(|(metric, value)| Some((metric, value?)))
}
