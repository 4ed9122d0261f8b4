//! How often the dearer readings are taken, so that they cost little beside the body.

use std::time::Duration;

/// Readings that must be evenly spaced: a stride chosen once, from what a turn and
/// a reading cost.
#[derive(Debug, Clone, Copy)]
pub(in crate::measure) struct Stride {
    chosen: Option<u64>,
    spent: Duration,
    turns: u64,
    /// The share of the turns' time that the readings may add.
    share: f64,
}

/// Turns after which the stride is chosen; until then every turn is read.
pub(in crate::measure) const TRIAL: u64 = 4;
/// The longest stride: 240 iterations still hold 15 readings.
const LONGEST: u64 = 16;

impl Stride {
    pub(in crate::measure) fn new(share: f64) -> Self {
        Self {
            chosen: None,
            spent: Duration::ZERO,
            turns: 0,
            share,
        }
    }

    /// Whether a reading is due after iteration `at`.
    pub(in crate::measure) fn is_due(&self, at: u64) -> bool {
        self.chosen.is_none_or(|stride| at.is_multiple_of(stride))
    }

    /// Tells what the turn and the reading behind it cost. Once the trial is over,
    /// returns the stride, so that readings off it can be dropped.
    pub(in crate::measure) fn note(&mut self, turn: Duration, reading: Duration) -> Option<u64> {
        if self.chosen.is_some() {
            return None;
        }
        self.spent += turn;
        self.turns += 1;
        if self.turns < TRIAL {
            return None;
        }
        let turn = self.spent.as_secs_f64() / self.turns as f64;
        let mut stride = 1;
        while stride < LONGEST && reading.as_secs_f64() > self.share * turn * stride as f64 {
            stride *= 2;
        }
        self.chosen = Some(stride);
        Some(stride)
    }
}

/// Peaks: read and reset as soon as the reading costs less than 5 % of the time
/// since the last one. A long iteration is thus read at its own end, whatever the
/// short ones before it; many short ones share a reading.
#[derive(Debug, Clone, Copy)]
pub(in crate::measure) struct PeakPace {
    since: Duration,
    turns: u32,
    cost: Duration,
}

const PEAK_SHARE: u32 = 20;
/// A peak is never shared by more iterations than this.
const MOST_TURNS: u32 = 64;

impl PeakPace {
    pub(in crate::measure) fn new(cost: Duration) -> Self {
        Self {
            since: Duration::ZERO,
            turns: 0,
            cost,
        }
    }

    /// Whether the peak is to be read after a turn of this length.
    pub(in crate::measure) fn is_due(&mut self, turn: Duration) -> bool {
        self.since += turn;
        self.turns += 1;
        self.turns >= MOST_TURNS || self.since >= self.cost * PEAK_SHARE
    }

    /// Tells that it was read, and what that cost.
    pub(in crate::measure) fn taken(&mut self, cost: Duration) {
        // The dearest of some calls would be an accident of the scheduler.
        self.cost = (self.cost * 7 + cost) / 8;
        self.since = Duration::ZERO;
        self.turns = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    #[test]
    fn a_cheap_reading_is_taken_at_every_turn_and_a_dear_one_at_every_sixteenth() {
        for (turn, reading, expected) in [(1000, 10, 1), (100, 12, 4), (10, 12_000, 16)] {
            let mut stride = Stride::new(0.05);
            let chosen = (0..TRIAL)
                .map(|_| stride.note(US * turn, US * reading))
                .last();
            assert_eq!(chosen, Some(Some(expected)), "{turn} {reading}");
            assert!(stride.is_due(16));
            assert_eq!(stride.is_due(17), expected == 1);
            assert_eq!(stride.note(US, US), None);
        }
    }

    #[test]
    fn a_long_turn_among_short_ones_is_read_at_its_own_end() {
        let mut pace = PeakPace::new(US * 20);
        assert!(!(0..30).any(|_| pace.is_due(US * 10)));
        assert!(pace.is_due(US * 50_000));
        pace.taken(US * 20);
        assert!(!pace.is_due(US * 10));
    }

    #[test]
    fn short_turns_share_a_reading_but_not_too_many() {
        let mut pace = PeakPace::new(US * 1000);
        assert_eq!((1..=100).find(|_| pace.is_due(US)), Some(MOST_TURNS));
    }
}
