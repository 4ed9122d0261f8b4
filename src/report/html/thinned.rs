//! A series with fewer readings, in which no peak is lost: each that is kept was measured so.

use serde::Serialize;

use crate::trace::Series;

/// Stretches of a thinned series; of each its lowest and its highest reading are kept.
const STRETCHES: usize = 200;

/// Readings on their way into a page, written as differences in a common unit: the differences of a
/// curve are small numbers, and mostly the same ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Thinned {
    /// Readings that there were.
    readings: usize,
    /// Places on the axis.
    at: Differences,
    /// The readings there.
    values: Differences,
}

/// The first number, the unit, and the differences of all that follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Differences(u64, u64, Steps);

/// Differences in units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Steps {
    /// So many, all of one unit; where the unit is zero, nothing ever changes.
    Alike(usize),
    /// Each of them.
    Each(Vec<i64>),
}

impl Thinned {
    pub(super) fn new(series: &Series) -> Self {
        let kept = kept(&series.values);
        let of = |numbers: &[u64]| {
            Differences::of(&kept.iter().map(|&index| numbers[index]).collect::<Vec<_>>())
        };
        Self {
            readings: series.len(),
            at: of(&series.at),
            values: of(&series.values),
        }
    }
}

/// Which readings are kept: the first, the last, and the lowest and highest of each stretch.
fn kept(values: &[u64]) -> Vec<usize> {
    let all = values.len();
    if all <= 2 * STRETCHES {
        return (0..all).collect();
    }
    let mut kept = vec![0, all - 1];
    for stretch in 0..STRETCHES {
        let within = || stretch * all / STRETCHES..(stretch + 1) * all / STRETCHES;
        kept.extend(within().min_by_key(|&index| values[index]));
        kept.extend(within().max_by_key(|&index| values[index]));
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}

impl Differences {
    fn of(numbers: &[u64]) -> Self {
        let steps: Vec<i64> = numbers
            .windows(2)
            .map(|pair| pair[1] as i64 - pair[0] as i64)
            .collect();
        let unit = steps.iter().map(|step| step.unsigned_abs()).fold(0, gcd);
        let in_units = |step: &i64| if unit == 0 { 0 } else { step / unit as i64 };
        let alike = steps.iter().all(|step| *step == unit as i64);
        Self(
            numbers.first().copied().unwrap_or(0),
            unit,
            if alike {
                Steps::Alike(steps.len())
            } else {
                Steps::Each(steps.iter().map(in_units).collect())
            },
        )
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(Differences(first, unit, steps): &Differences) -> Vec<u64> {
        let steps = match steps {
            Steps::Alike(count) => vec![1; *count],
            Steps::Each(steps) => steps.clone(),
        };
        let mut now = *first as i64;
        let mut numbers = vec![*first];
        for step in steps {
            now += step * *unit as i64;
            numbers.push(now as u64);
        }
        numbers
    }

    #[test]
    fn every_reading_that_is_kept_was_measured_there_and_no_spike_or_dip_is_lost() {
        let mut series = Series::default();
        for i in 0..5_000u64 {
            let value = match i {
                1_234 => 900_000,
                4_321 => 7,
                _ => 40_960 + 64 * (i % 17),
            };
            series.push(8 * i, value);
        }
        let thinned = Thinned::new(&series);
        let (at, values) = (read(&thinned.at), read(&thinned.values));
        assert_eq!(at.len(), values.len());
        assert!(at.len() <= 2 * STRETCHES + 2, "{}", at.len());
        for (place, value) in at.iter().zip(&values) {
            assert_eq!(series.values[*place as usize / 8], *value);
        }
        assert!(values.contains(&900_000) && values.contains(&7));
        assert_eq!((at[0], at[at.len() - 1]), (0, 8 * 4_999));
        assert!(at.is_sorted());
        assert_eq!(thinned.readings, 5_000);
    }

    #[test]
    fn a_short_series_is_kept_whole_and_a_steady_one_is_short_to_write() {
        let steady = Series {
            at: (0..300).map(|i| 2 * i).collect(),
            values: vec![4096; 300],
        };
        let thinned = Thinned::new(&steady);
        assert_eq!(read(&thinned.at), steady.at);
        assert_eq!(read(&thinned.values), steady.values);
        assert_eq!(
            serde_json::to_string(&thinned).unwrap(),
            r#"{"readings":300,"at":[0,2,299],"values":[4096,0,299]}"#
        );
        let falling = Series {
            at: vec![0, 1, 5],
            values: vec![300, 100, 200],
        };
        let thinned = Thinned::new(&falling);
        assert_eq!(read(&thinned.at), falling.at);
        assert_eq!(read(&thinned.values), falling.values);
    }
}
