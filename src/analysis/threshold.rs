//! A line of memory that a run is watched for: a level, or growth in one iteration.

use std::fmt;
use std::str::FromStr;

use crate::units::{Bytes, Per, Rate};

/// Iterations before one can be called unusual.
const BEFORE: usize = 5;

/// What is watched for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// So many bytes.
    Level(u64),
    /// An iteration that grows by so many bytes more than the median of those before it.
    Growth(f64),
}

/// That it was crossed, and by which iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossed {
    /// Iterations completed.
    pub after: u64,
    /// What was read then.
    pub value: u64,
    /// The growth beyond the median, in bytes an iteration.
    pub beyond: Option<f64>,
}

/// What was seen of a run so far.
#[derive(Debug, Clone)]
pub struct Watch {
    threshold: Threshold,
    last: Option<(u64, u64)>,
    /// The growth of each iteration, the smallest first.
    steps: Vec<f64>,
    highest: Option<Crossed>,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: String| {
            format!("{why}; write a level, 300MiB, or growth in one iteration, +64KiB/iter")
        };
        let Some(growth) = text.trim().strip_prefix('+') else {
            let bytes: Bytes = text.parse().map_err(|error| wrong(format!("{error}")))?;
            if bytes.0 == 0 {
                return Err(wrong("all memory is above nothing".to_owned()));
            }
            return Ok(Self::Level(bytes.0));
        };
        if !growth.contains('/') {
            return Err(wrong(format!("`{text}` does not say in what")));
        }
        let rate = Rate::parse(growth, Per::Iteration).map_err(|error| wrong(error.to_string()))?;
        if rate.per != Per::Iteration || rate.bytes < 0.0 {
            return Err(wrong(format!("`{text}` is not growth in one iteration")));
        }
        Ok(Self::Growth(rate.bytes))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level(bytes) => write!(f, "{}", Bytes(*bytes)),
            Self::Growth(bytes) => write!(f, "+{}/iter", Bytes(*bytes as u64)),
        }
    }
}

impl Watch {
    /// Nothing seen yet.
    pub fn new(threshold: Threshold) -> Self {
        Self {
            threshold,
            last: None,
            steps: Vec::new(),
            highest: None,
        }
    }

    /// One more reading, after so many iterations; whether it crosses the line.
    pub fn see(&mut self, after: u64, value: u64) -> Option<Crossed> {
        let before = self.last.replace((after, value));
        let mut seen = Crossed {
            after,
            value,
            beyond: None,
        };
        let (height, crossed) = match self.threshold {
            Threshold::Level(level) => (value as f64, value >= level),
            Threshold::Growth(most) => {
                let (at, was) = before.filter(|(at, _)| *at < after)?;
                let step = (value as f64 - was as f64) / (after - at) as f64;
                let beyond = self.median().map(|median| step - median);
                let place = self.steps.partition_point(|other| *other < step);
                self.steps.insert(place, step);
                seen.beyond = beyond;
                (beyond?, beyond? > most)
            }
        };
        let highest = |other: Crossed| other.beyond.unwrap_or(other.value as f64);
        if self.highest.is_none_or(|other| height > highest(other)) {
            self.highest = Some(seen);
        }
        crossed.then_some(seen)
    }

    /// The reading that came nearest to the line, or went furthest beyond it.
    pub fn highest(&self) -> Option<Crossed> {
        self.highest
    }

    fn median(&self) -> Option<f64> {
        let steps = &self.steps;
        let middle = steps.len() / 2;
        match steps.len() {
            few if few < BEFORE => None,
            odd if odd % 2 == 1 => Some(steps[middle]),
            _ => Some(f64::midpoint(steps[middle - 1], steps[middle])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    #[test]
    fn a_level_and_growth_are_told_apart() {
        assert_eq!("300MiB".parse(), Ok(Threshold::Level(300 << 20)));
        assert_eq!("+64KiB/iter".parse(), Ok(Threshold::Growth(65_536.0)));
        for text in [
            "",
            "300",
            "0 B",
            "+64KiB",
            "+64/iter",
            "+1 KiB/s",
            "-5MiB",
            "+-1 KiB/iter",
            "x",
        ] {
            let error = text.parse::<Threshold>().unwrap_err();
            assert!(error.contains("+64KiB/iter"), "{text}: {error}");
        }
    }

    #[test]
    fn a_level_is_crossed_by_the_first_reading_that_reaches_it() {
        let mut watch = Watch::new(Threshold::Level(100));
        assert_eq!(watch.see(0, 99), None);
        let crossed = watch.see(1, 100).unwrap();
        assert_eq!((crossed.after, crossed.value), (1, 100));
        watch.see(2, 50);
        assert_eq!(watch.highest().unwrap().after, 1);
    }

    #[test]
    fn growth_is_counted_beyond_the_median_of_the_iterations_before() {
        let mut watch = Watch::new(Threshold::Growth(64.0 * KIB as f64));
        // The first grows by much: nothing is known yet.
        let mut held = 0;
        for after in 0..20 {
            held += if after == 1 { 900 * KIB } else { 10 * KIB };
            assert_eq!(watch.see(after, held), None, "{after}");
        }
        assert_eq!(watch.see(20, held + 74 * KIB), None);
        let crossed = watch.see(21, held + (74 + 75) * KIB).unwrap();
        assert_eq!(crossed.beyond, Some(65.0 * KIB as f64));
        assert_eq!(watch.highest(), Some(crossed));
    }
}
