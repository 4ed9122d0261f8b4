//! Chance that is the same in every run of a case: drawn from the case's id, never from a clock.

use std::time::Duration;

/// A stream of numbers, by `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub struct Dice(u64);

/// The seed of a case: FNV-1a of its id.
pub fn seed_of(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Dice {
    /// The stream of a seed, and of one of the case's processes (0 for the case as a whole).
    pub fn new(seed: u64, process: u32) -> Self {
        let mut dice = Self(seed ^ u64::from(process).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An exponentially distributed wait with this mean, and at most eight times it: no
    /// moment is likelier than another, so that no rhythm of the target is met or missed.
    pub fn wait(&mut self, mean: Duration) -> Duration {
        mean.mul_f64((-(1.0 - self.share()).ln()).min(8.0))
    }

    /// Puts items into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.share() * (last + 1) as f64) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_process_others() {
        let draw = |process| {
            let mut dice = Dice::new(seed_of("a/b"), process);
            [dice.share(), dice.share()].map(f64::to_bits)
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn waits_have_their_mean_and_an_order_keeps_its_items() {
        let mut dice = Dice::new(1, 0);
        let mean = Duration::from_millis(5);
        let total: Duration = (0..10_000).map(|_| dice.wait(mean)).sum();
        let found = total.as_secs_f64() / 10_000.0 / mean.as_secs_f64();
        assert!((found - 1.0).abs() < 0.05, "{found}");
        let mut items: Vec<u32> = (0..100).collect();
        dice.shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
