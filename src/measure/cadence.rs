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
/// short ones before it; many short ones share a reading. The iteration behind a
/// reading is read alone: where every shared reading holds a spike, only those
/// tell what is usual.
#[derive(Debug, Clone, Copy)]
pub(in crate::measure) struct PeakPace {
    /// Time that readings may still be charged to.
    credit: Duration,
    /// Time that the last readings cost beyond it.
    debt: Duration,
    turns: u32,
    cost: Duration,
    /// Whether the next turn is read alone.
    alone: bool,
}

const PEAK_SHARE: u32 = 20;
/// A peak is never shared by more iterations than this.
const MOST_TURNS: u32 = 64;

impl PeakPace {
    pub(in crate::measure) fn new(cost: Duration) -> Self {
        Self {
            credit: Duration::ZERO,
            debt: Duration::ZERO,
            turns: 0,
            cost,
            alone: false,
        }
    }

    /// Whether the peak is to be read after a turn of this length.
    pub(in crate::measure) fn is_due(&mut self, turn: Duration) -> bool {
        self.credit += turn;
        self.turns += 1;
        self.alone || self.turns >= MOST_TURNS || self.credit >= self.cost * PEAK_SHARE + self.debt
    }

    /// Tells that it was read, and what that cost.
    pub(in crate::measure) fn taken(&mut self, cost: Duration) {
        self.debt = if self.alone {
            (self.cost * PEAK_SHARE).saturating_sub(self.credit)
        } else {
            Duration::ZERO
        };
        self.alone = !self.alone;
        self.credit = Duration::ZERO;
        self.turns = 0;
        // The dearest of some calls would be an accident of the scheduler: one call
        // raises the figure by an eighth at most, and halves the distance downwards.
        self.cost = if cost < self.cost {
            (self.cost + cost) / 2
        } else {
            (self.cost * 7 + cost.min(self.cost * 2)) / 8
        };
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
        assert!(pace.is_due(US * 10), "the next one is read alone");
        pace.taken(US * 20);
        assert!(!pace.is_due(US * 10));
    }

    #[test]
    fn what_is_usual_is_read_even_where_every_shared_reading_holds_a_spike() {
        let mut pace = PeakPace::new(US * 1000);
        let mut alone = 0;
        let mut last = 0;
        for turn in 1..=1000 {
            let spike = turn % 37 == 0;
            if pace.is_due(if spike { US * 2000 } else { US * 7 }) {
                alone += u32::from(turn == last + 1 && !spike);
                last = turn;
                pace.taken(US * 1000);
            }
        }
        assert!(alone >= 10, "{alone}");
    }

    #[test]
    fn readings_cost_a_twentieth_of_the_time() {
        let mut pace = PeakPace::new(US * 20);
        let turns = 10_000;
        let mut readings = 0;
        for _ in 0..turns {
            if pace.is_due(US * 50) {
                readings += 1;
                pace.taken(US * 20);
            }
        }
        assert!(readings * 20 * 20 <= turns * 50, "{readings}");
    }

    #[test]
    fn one_interrupted_reading_does_not_make_the_next_ones_rare() {
        let mut pace = PeakPace::new(US * 20);
        pace.taken(US * 50_000);
        pace.taken(US * 20);
        assert!(pace.is_due(US * 1000));
    }

    #[test]
    fn short_turns_share_a_reading_but_not_too_many() {
        let mut pace = PeakPace::new(US * 1000);
        assert_eq!((1..=100).find(|_| pace.is_due(US)), Some(MOST_TURNS));
    }
}
