//! What a session knows of its target's allocator: whether it is counted, and what counts as live.

use super::begin::bare_header;
use super::run::Session;
use super::types::SessionOptions;
use crate::measure::driver::slot::Slot;
use crate::measure::probe::counters::{self, InUse};
use crate::runtime::Launch;
use crate::trace::{Collector, Header, Heap};

/// The facts that a session begins with.
pub(super) fn header(
    launch: &Launch,
    options: &SessionOptions,
    slot: Slot,
    granularity: u64,
) -> Header {
    Header {
        batch: options.batch,
        heap: launch.heap,
        collected: options.collect && slot.collects(),
        trimmed: slot.trims(),
        live_complete: launch.live_complete && slot.live().is_some(),
        anon_granularity: granularity,
        ..bare_header(launch, options)
    }
}

/// Why a program is not counted that looks as if it could be.
const NOT_LOADED: &str = "the library was not loaded: the program is another user's, or was executed \
                          by one that cleared its environment, or is linked statically";
/// Why it is counted no more.
const EXECUTED: &str = "it executed another program in its place";

impl Session {
    /// The self-test of the counters: the library announces itself in the shared memory before the
    /// program's first line, so its silence means that it was not loaded.
    pub(super) fn see_whether_it_counts(&mut self, launch: &Launch) {
        let refused = self.process.counters().err().cloned();
        let counts = self.in_use().is_some() && self.shares() != Some(false);
        let header = &mut self.trace.header;
        if counts {
            // What PHP maps it counts itself, Lua takes all from the C allocator, and what Ruby's
            // objects do not own there is told beside its heap.
            let whole = matches!(header.heap, Heap::None | Heap::Php | Heap::Lua | Heap::Ruby);
            let complete = launch.live_complete || whole;
            if header.heap == Heap::None {
                header.heap = Heap::Malloc;
            }
            header.live_complete = complete;
            return;
        }
        self.counters = None;
        if refused.as_ref().is_some_and(|refused| refused.replaced) {
            header.live_complete = false;
        }
        let why = refused.map(|refused| refused.why);
        header.uncounted = Some(why.unwrap_or_else(|| NOT_LOADED.to_owned()));
        for (name, value) in &launch.uncounted_env {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            header.environment.reducers.push(format!("{name}={value}"));
        }
    }

    /// Notes where the target has switched its collector off.
    pub(super) fn see_collector(&mut self, slot: Slot) {
        if slot.collector_is_off() {
            self.trace.header.collector = Collector::Off;
        }
    }

    /// The same at the ends of stages: whether it still counts, and all of its processes.
    pub(super) fn see_whether_it_still_counts(&mut self) {
        let Some(counters) = &self.counters else {
            return;
        };
        let lost = counters.lost();
        let replaced = self
            .counted_below()
            .into_iter()
            .chain([self.process.pid()])
            .any(|pid| counters::shares(pid) == Some(false));
        let header = &mut self.trace.header;
        if lost > 0 && self.options.children {
            header.lost = lost;
            header.live_complete = false;
        }
        if replaced && header.uncounted.is_none() {
            header.uncounted = Some(EXECUTED.to_owned());
            header.live_complete = false;
        }
    }

    fn shares(&self) -> Option<bool> {
        counters::shares(self.process.pid())
    }

    /// The processes beside the target whose counts are added to its own.
    fn counted_below(&self) -> Vec<u32> {
        match self.trace.header.heap {
            Heap::None | Heap::Malloc => self.probe.below(),
            _ => Vec::new(),
        }
    }

    /// What the C allocator has in use in the target and in the processes that count in, as they count
    /// it themselves. A language's heap is that of the target alone, and so is the count beside it.
    pub(super) fn in_use(&mut self) -> Option<InUse> {
        let pid = self.process.pid();
        let below = self.counted_below();
        let all = std::iter::once(pid).chain(below.iter().copied());
        let (sum, counted) = self.counters.as_mut()?.read(all);
        self.company_is_counted = counted == 1 + below.len();
        (counted > 0).then_some(sum)
    }

    /// All bytes that the target has in use: those of the language's heap and those of the C
    /// allocator, unless the heap is told alone.
    pub(super) fn live(&self, slot: Slot, native: Option<InUse>) -> Option<u64> {
        let Some(native) = native.filter(|_| !self.trace.header.heap.is_told_alone()) else {
            return slot.live();
        };
        let native = u64::try_from(native.bytes).unwrap_or(0);
        if self.trace.header.heap == Heap::Lua {
            slot.is_full().then_some(native)
        } else if slot.has_heap() {
            // Without forced collections the counts are as exact, and hold the garbage too.
            let heap = match (self.options.collect, self.trace.header.heap) {
                (false, Heap::Cpython) => slot.heap_with_garbage(),
                _ => slot.heap(),
            };
            heap.map(|heap| heap.saturating_add(native))
        } else {
            Some(native)
        }
    }
}
