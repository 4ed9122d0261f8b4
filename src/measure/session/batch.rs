//! Turns on trial: how long they are with more runs of the body in each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::record::by_metric;
use super::run::Session;
use super::types::Stopped;
use crate::measure::cadence::Stride;
use crate::measure::driver::follow::Follow;
use crate::measure::driver::step;
use crate::trace::{Metric, Series};

/// What turns on trial showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The lower quartile of the times of its turns: what else the machine does makes some longer.
    pub turn: Duration,
    /// What each turn of the second half kept, by metric: bytes, or a count.
    pub growth: BTreeMap<Metric, i64>,
}

impl Session {
    /// Goes through `turns` turns, and measures them. None where they take longer than `patience`.
    pub fn try_turns(&mut self, turns: u32, patience: Duration) -> Result<Option<Trial>, Stopped> {
        let began = Instant::now();
        let mut times = Vec::with_capacity(turns as usize);
        let mut half = BTreeMap::new();
        let mut follow = Follow::begin();
        for turn in 1..=turns {
            if began.elapsed() >= patience {
                self.active += began.elapsed();
                return Ok(None);
            }
            self.probe.processor().inspect(|&cpu| follow.to(cpu));
            let before = self.in_turns;
            self.iterate(Instant::now())?;
            times.push(self.in_turns.saturating_sub(before));
            if turn == turns / 2 {
                half = self.held()?;
            }
        }
        let end = self.held()?;
        times.sort_unstable();
        self.active += began.elapsed();
        let growth = |(metric, held): (&Metric, &i64)| {
            let grown = end.get(metric)? - held;
            Some((*metric, grown / i64::from(turns - turns / 2).max(1)))
        };
        Ok(Some(Trial {
            turn: times.get(times.len() / 4).copied().unwrap_or_default(),
            growth: half.iter().filter_map(growth).collect(),
        }))
    }

    /// Goes through as many turns as another process was tried with.
    pub fn go_through(&mut self, turns: u32) -> Result<(), Stopped> {
        let began = Instant::now();
        for _ in 0..turns {
            self.iterate(Instant::now())?;
        }
        self.active += began.elapsed();
        Ok(())
    }

    /// From now on the body runs twice as often in a turn. The samples stay what they are, at the
    /// iterations at which they were taken; those to come are as far from one another as a turn is long.
    pub fn double(&mut self) -> Result<(), Stopped> {
        // So that all that are to come lie at multiples of the turn.
        if !self.turns.is_multiple_of(2) {
            self.go_through(1)?;
        }
        self.exchange(step::DOUBLE, Instant::now())?;
        self.turns /= 2;
        self.options.batch *= 2;
        self.trace.header.batch = self.options.batch;
        self.collections = Stride::new(1.0);
        self.counts = Stride::new(0.05);
        Ok(())
    }

    /// What it holds now, right after a collection. The trace is left as it is: these turns may count.
    fn held(&mut self) -> Result<BTreeMap<Metric, i64>, Stopped> {
        let last = |(metric, series): (&Metric, &Series)| Some((*metric, *series.values.last()?));
        let mut held: BTreeMap<Metric, u64> = self.trace.series.iter().filter_map(last).collect();
        if self.collects && self.options.collect && !self.slot().is_full() {
            self.exchange(step::COLLECT, Instant::now())?;
            let slot = self.slot();
            let native = self.in_use();
            for (metric, value) in [
                (Metric::Live, self.live(slot, native)),
                (Metric::External, slot.external()),
            ] {
                held.extend(value.map(|value| (metric, value)));
            }
        }
        held.extend(by_metric(self.probe.counts()));
        let signed = |(metric, value)| Some((metric, i64::try_from(value).ok()?));
        Ok(held.into_iter().filter_map(signed).collect())
    }
}
