//! A process from its start to its end: advance, settle, finish.

use std::time::{Duration, Instant};

use super::begin::{open_probe, setup_failed, start_failed, start_options};
use super::counted::header;
use super::types::{Finished, MeasureError, SessionOptions, Stopped};
use crate::measure::cadence::{PeakPace, Stride};
use crate::measure::driver::follow::Follow;
use crate::measure::driver::orders::Orders;
use crate::measure::driver::slot::Slot;
use crate::measure::driver::step::{self, Failure};
use crate::measure::driver::turns::{End, Turns};
use crate::measure::interrupt;
use crate::measure::probe::counters::Counters;
use crate::measure::probe::stacks::Mark;
use crate::measure::probe::{Probe, Resident};
use crate::measure::process::{Process, tracer_of};
use crate::runtime::Launch;
use crate::trace::{Ending, Heap, Metric, StopReason, Trace};

/// What is read together, on a stride.
const COUNTED: [Metric; 4] = [
    Metric::Fds,
    Metric::Threads,
    Metric::Children,
    Metric::Shmem,
];
/// Growth that ends a run, once it has gone through enough turns for a verdict.
const MUCH: u64 = 512 << 20;
const ENOUGH: u64 = 40;
/// How often a listener is told how far the run is.
const TICK: Duration = Duration::from_millis(50);
/// After how many short turns the sampling thread looks where its target runs.
const FOLLOW_EVERY: u64 = 64;
/// Turns longer than this gain nothing from being followed.
const FOLLOW_BELOW: Duration = Duration::from_millis(2);

/// A running process that waits at a quiescent point between two calls.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Session {
    pub(super) process: Process,
    /// By what it takes its turns.
    pub(super) turns_by: Turns,
    pub(super) probe: Box<dyn Probe>,
    pub(super) options: SessionOptions,
    pub(super) trace: Trace,
    /// The counters of the C allocator, where the target could be made to count.
    pub(super) counters: Option<Counters>,
    /// Whether every process of the tree was in the last reading of them.
    pub(super) company_is_counted: bool,
    /// Whether memcase drives the language, and so knows its heap.
    pub(super) runtime_is_known: bool,
    /// All resident bytes at the start and now, shared ones too: what the machine has to give.
    pub(super) first_resident: u64,
    pub(super) resident: u64,
    pub(super) turns: u64,
    /// Time in which the process ran.
    pub(super) active: Duration,
    pub(super) in_turns: Duration,
    /// Whether the target fills the slot.
    pub(super) fills_slot: bool,
    pub(super) collects: bool,
    pub(super) collections: Stride,
    pub(super) counts: Stride,
    pub(super) peaks: Option<PeakPace>,
    pub(super) stopped: Option<Stopped>,
    /// How a program that takes its turns by requests is given orders.
    pub(super) orders: Option<Orders>,
    /// What its call paths had in use, with the iterations completed.
    pub(super) marks: Vec<(u64, Mark)>,
}

impl Session {
    /// Starts the program and waits until its setup is done.
    pub fn start(launch: &Launch, options: SessionOptions) -> Result<Self, MeasureError> {
        let began = Instant::now();
        let orders = launch.orders.as_deref().map(Orders::make).transpose();
        let orders = orders.map_err(|error| MeasureError::System {
            what: "no pipes could be made for orders",
            error,
        })?;
        let (mut turns_by, mut process) = Turns::start(launch, &start_options(&options))
            .map_err(|error| start_failed(launch, error))?;
        if let Err(failure) = turns_by.ready(&mut process, began + options.timeout) {
            return Err(setup_failed(process, failure, &options));
        }
        let mut probe = open_probe(&process, options.children)?;
        let slot = Slot::read(process.slot());
        let peak_began = Instant::now();
        let peaks = probe
            .take_peak()
            .map(|_| PeakPace::new(peak_began.elapsed()));
        let counters = process
            .counters()
            .ok()
            .and_then(|file| Counters::open(file).ok());
        let mut session = Self {
            trace: Trace::new(header(launch, &options, slot, probe.granularity())),
            counters,
            company_is_counted: true,
            runtime_is_known: launch.heap != Heap::None,
            process,
            turns_by,
            probe,
            options,
            first_resident: 0,
            resident: 0,
            turns: 0,
            active: Duration::ZERO,
            in_turns: Duration::ZERO,
            fills_slot: slot.flags != 0,
            collects: slot.collects(),
            collections: Stride::new(1.0),
            counts: Stride::new(0.05),
            peaks,
            stopped: None,
            orders,
            marks: Vec::new(),
        };
        session.trace.header.descriptors = session.process.open_files();
        session.preallocate();
        session.see_whether_it_counts(launch);
        session.sample(slot);
        session.count();
        session.walk();
        session.first_resident = session.resident;
        session.trace.header.inventory = Some(session.inventory());
        session.active = began.elapsed();
        if session.stopped.is_some() {
            let failure = Failure::Gone("ended before its first iteration".to_owned());
            return Err(setup_failed(session.process, failure, &session.options));
        }
        Ok(session)
    }

    /// Runs until `to` iterations are completed, or `until` passes.
    /// `tick` is told the iteration and the anonymous bytes now and then.
    pub fn advance(
        &mut self,
        to: u64,
        until: Instant,
        tick: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Stopped> {
        if let Some(stopped) = self.ended() {
            return Err(stopped);
        }
        let began = Instant::now();
        let ran_before = self.active;
        let mut follow = Follow::begin();
        let mut next_tick = began;
        let result = loop {
            if self.done() >= to {
                break Ok(());
            }
            let now = Instant::now();
            self.active = ran_before + (now - began);
            if interrupt::requested() {
                break Err(Stopped::Interrupted);
            }
            if now >= until || self.active >= self.options.timeout {
                break Err(Stopped::Time);
            }
            if self.turns.is_multiple_of(FOLLOW_EVERY) && self.mean_turn() < FOLLOW_BELOW {
                self.probe.processor().inspect(|&cpu| follow.to(cpu));
            }
            if let Err(stopped) = self.iterate(now) {
                break Err(stopped);
            }
            let anon = self.last(Metric::Anon).unwrap_or(0);
            if self.grew_too_much() {
                break Err(Stopped::Growth);
            }
            if now >= next_tick {
                next_tick = now + TICK;
                tick(self.done(), anon);
            }
        };
        // Out of time means that the core is shared: the stage goes on.
        if !matches!(
            result,
            Err(Stopped::Died(_) | Stopped::Memory(_) | Stopped::Time)
        ) {
            self.walk();
        }
        self.active = ran_before + began.elapsed();
        self.stopped = result.clone().err();
        result
    }

    /// Who traces it beside memcase, in words.
    pub fn tracer(&self) -> Option<String> {
        tracer_of(self.process.pid())
    }

    /// The samples so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Time in which the process ran, so far.
    pub fn active(&self) -> Duration {
        self.active
    }

    /// The settle probe: two full collections, a trim, one more reading, kept in the ending.
    pub fn settle(&mut self) -> Result<(), Stopped> {
        if let Some(stopped) = self.ended() {
            return Err(stopped);
        }
        if self.collects {
            let began = Instant::now();
            for _ in 0..2 {
                self.exchange(step::COLLECT, began)?;
            }
        }
        let Some(Resident { anon, .. }) = self.probe.resident() else {
            return Err(self.died("ended during the settle probe".to_owned()));
        };
        let slot = Slot::read(self.process.slot());
        let native = self.in_use();
        let live = self.live(slot, native);
        self.see_collector(slot);
        let ending = self.trace.ending.take().unwrap_or_else(|| self.ending());
        self.trace.ending = Some(Ending {
            settled_anon: Some(anon),
            settled_live: live,
            inventory: Some(self.inventory()),
            ..ending
        });
        Ok(())
    }

    /// Lets the target tear down and ends it, whatever it does.
    pub fn finish(mut self) -> Finished {
        let mut ending = self.trace.ending.take().unwrap_or_else(|| self.ending());
        ending.reason = self.reason();
        ending.members = self.members();
        let died = match &self.stopped {
            Some(Stopped::Died(why)) => Some(why.clone()),
            _ => None,
        };
        let end = if self.ended().is_some() {
            self.process.close();
            self.process
                .wait(Duration::ZERO)
                .map(|exit| End::Ended(exit, exit.is_success()))
        } else {
            Some(self.turns_by.end(&mut self.process))
        };
        ending.memory = self.over_memory();
        let (exit, output) = self.process.end(false);
        let (exit, unfair, lingered) = match end {
            Some(End::Ended(exit, fair)) => (exit.to_string(), (!fair).then_some(exit), None),
            Some(End::Lingers(why)) => (format!("{exit}, by memcase"), None, Some(why)),
            None => (format!("{exit}, by memcase"), None, None),
        };
        let broken = died.or_else(|| {
            unfair
                .filter(|_| ending.memory.is_none())
                .map(|exit| format!("the target ended with {exit} after its last iteration"))
        });
        ending.exit.clone_from(&exit);
        self.trace.ending = Some(ending);
        Finished {
            trace: self.trace,
            exit,
            broken,
            lingered,
            output,
        }
    }

    /// What it may grow by: little once there are samples enough to judge it by.
    pub(super) fn growth_cap(&self) -> u64 {
        if self.turns < ENOUGH {
            self.options.growth_cap
        } else {
            self.options.growth_cap.min(MUCH)
        }
    }

    /// Iterations completed.
    pub(super) fn done(&self) -> u64 {
        self.turns * u64::from(self.options.batch)
    }

    fn mean_turn(&self) -> Duration {
        self.in_turns / (self.turns.max(1) as u32)
    }

    fn last(&self, metric: Metric) -> Option<u64> {
        self.trace.series.get(&metric)?.values.last().copied()
    }

    /// One turn and the readings behind it.
    pub(super) fn iterate(&mut self, began: Instant) -> Result<(), Stopped> {
        self.exchange(step::GO, began)?;
        let turn = began.elapsed();
        self.turns += 1;
        // A settle probe speaks of the turns before it alone.
        self.trace.ending = None;
        self.in_turns += turn;
        if let Some(peaks) = &mut self.peaks
            && peaks.is_due(turn)
        {
            let began = Instant::now();
            if let Some(peak) = self.probe.take_peak() {
                peaks.taken(began.elapsed());
                let at = self.turns * u64::from(self.options.batch);
                self.trace.push(Metric::Peak, at, peak);
            }
        }
        let mut slot = self.slot();
        // A target that collects fully in every turn has nothing to be asked for.
        let collect = self.collects && self.options.collect && !slot.is_full();
        if collect && self.collections.is_due(self.turns) {
            let began = Instant::now();
            self.exchange(step::COLLECT, began)?;
            slot = self.slot();
            if let Some(stride) = self.collections.note(turn, began.elapsed()) {
                self.thin(&[Metric::Live, Metric::External], stride);
            }
        }
        self.sample(slot);
        if self.counts.is_due(self.turns) {
            let began = Instant::now();
            self.count();
            if let Some(stride) = self.counts.note(turn, began.elapsed()) {
                self.thin(&COUNTED, stride);
            }
        }
        match &self.stopped {
            Some(stopped @ Stopped::Died(_)) => Err(stopped.clone()),
            _ => Ok(()),
        }
    }

    /// Sends a byte and waits for the answer.
    pub(super) fn exchange(&mut self, byte: u8, began: Instant) -> Result<(), Stopped> {
        let left = self.options.timeout.saturating_sub(self.active);
        // As the target counts: from 0.
        let number = self.done();
        let turn = self
            .turns_by
            .turn(&mut self.process, byte, (number, began + left));
        turn.map_err(|failure| self.failed(failure, number))
    }

    fn reason(&self) -> StopReason {
        match &self.stopped {
            None => StopReason::Decided,
            Some(Stopped::Time) => StopReason::Time,
            Some(Stopped::Growth) => StopReason::Growth,
            Some(Stopped::Interrupted) => StopReason::Interrupted,
            Some(Stopped::Memory(_)) => StopReason::Memory,
            Some(Stopped::Died(_)) => StopReason::Died,
        }
    }

    fn ending(&self) -> Ending {
        Ending {
            reason: self.reason(),
            iterations: self.done(),
            exit: String::new(),
            micros: self.in_turns.as_micros() as u64,
            ..Ending::default()
        }
    }
}
