//! Numbers along an axis: round ones, in one unit, as many as there is room for.

use crate::report::text;
use crate::units::scale_of;

/// What the numbers of an axis count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Bytes of memory.
    Bytes,
    /// Things: descriptors, threads, blocks.
    Count,
    /// Iterations, or lines.
    Along,
    /// Time, in milliseconds.
    Milliseconds,
}

/// The numbers of one axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    /// Each with its place.
    pub(super) at: Vec<(f64, String)>,
    /// What they count: `MiB`, `s`, `million`; empty where the numbers are what they are.
    pub(super) unit: String,
    /// Where they count from, if not from zero.
    pub(super) base: Option<f64>,
}

/// Digits behind the point that are still read at once.
const DECIMALS: usize = 3;

/// At most `most` round numbers from `low` to `high`.
pub(super) fn ticks(low: f64, high: f64, quantity: Quantity, most: usize) -> Ticks {
    let range = (high - low).max(f64::MIN_POSITIVE);
    let (size, unit) = unit_of(low.abs().max(high.abs()), quantity);
    let mut step = step_of(range, size, quantity, most);
    let mut ticks = Ticks {
        at: Vec::new(),
        unit: unit.to_owned(),
        base: None,
    };
    let (mut size, mut decimals) = (size, decimals_of(step / size));
    if decimals > DECIMALS {
        // A level of many digits and a change of few: the change is counted.
        let (smaller, unit) = unit_of(range, quantity);
        unit.clone_into(&mut ticks.unit);
        size = smaller;
        step = step_of(range, size, quantity, most);
        ticks.base = Some((low / step).ceil() * step);
        decimals = decimals_of(step / size);
    }
    let base = ticks.base.unwrap_or(0.0);
    let mut k = ((low - base) / step - 1e-9).ceil();
    while base + k * step <= high + step * 1e-9 && ticks.at.len() < 4 * most.max(1) {
        // Of the two zeros only one is for people.
        let shown = k * step / size + 0.0;
        let mut label = if decimals == 0 && shown >= 0.0 {
            text::iterations(shown.round() as u64)
        } else {
            format!("{shown:.decimals$}")
        };
        if ticks.base.is_some() {
            label.insert(0, '+');
        }
        ticks.at.push((base + k * step, label));
        k += 1.0;
    }
    ticks
}

fn unit_of(most: f64, quantity: Quantity) -> (f64, &'static str) {
    const SECOND: f64 = 1000.0;
    match quantity {
        Quantity::Bytes => scale_of(most),
        Quantity::Count | Quantity::Along => match most {
            ..1e7 => (1.0, ""),
            ..1e10 => (1e6, "millions"),
            ..1e13 => (1e9, "billions"),
            _ => (1e12, "trillions"),
        },
        Quantity::Milliseconds => match most / SECOND {
            ..1.0 => (1.0, "ms"),
            ..120.0 => (SECOND, "s"),
            ..7_200.0 => (60.0 * SECOND, "min"),
            ..172_800.0 => (3_600.0 * SECOND, "h"),
            _ => (86_400.0 * SECOND, "days"),
        },
    }
}

/// The least of 1, 2, 5, 10, ... of the unit that leaves no more than `most` steps; what is whole has
/// whole steps.
fn step_of(range: f64, size: f64, quantity: Quantity, most: usize) -> f64 {
    let wanted = range / size / most.max(1) as f64;
    let tens = 10f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|of| of * tens)
        .find(|step| *step >= wanted * (1.0 - 1e-9))
        .unwrap_or(wanted)
        * size;
    match quantity {
        Quantity::Milliseconds => step,
        Quantity::Bytes | Quantity::Count | Quantity::Along => step.max(1.0),
    }
}

fn decimals_of(step: f64) -> usize {
    let mut decimals = 0;
    let mut rest = step;
    while decimals < 12 && (rest - rest.round()).abs() > 1e-6 * rest.abs().max(1e-300) {
        rest *= 10.0;
        decimals += 1;
    }
    decimals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, quantity: Quantity) -> (Vec<String>, String, Option<f64>) {
        let ticks = ticks(low, high, quantity, 5);
        let labels = ticks.at.into_iter().map(|(_, label)| label).collect();
        (labels, ticks.unit, ticks.base)
    }

    #[test]
    fn numbers_are_round_in_the_unit_of_the_largest() {
        let mib = f64::from(1 << 20);
        for (low, high, quantity, expected, unit) in [
            (0.0, 4.2 * mib, Quantity::Bytes, "0 1 2 3 4", "MiB"),
            (
                10.0 * mib,
                11.0 * mib,
                Quantity::Bytes,
                "10.0 10.2 10.4 10.6 10.8 11.0",
                "MiB",
            ),
            (0.0, 1_000.0, Quantity::Along, "0 200 400 600 800 1,000", ""),
            (0.0, 2.0, Quantity::Count, "0 1 2", ""),
            (0.0, 3e9, Quantity::Along, "0 1,000 2,000 3,000", "millions"),
            (0.0, 1_500.0, Quantity::Milliseconds, "0.0 0.5 1.0 1.5", "s"),
            (
                0.0,
                3_600_000.0,
                Quantity::Milliseconds,
                "0 20 40 60",
                "min",
            ),
        ] {
            let (labels, got, base) = labels(low, high, quantity);
            assert_eq!((labels.join(" ").as_str(), got.as_str()), (expected, unit));
            assert_eq!(base, None);
        }
    }

    #[test]
    fn a_small_change_of_a_large_number_is_counted_from_a_base() {
        let (labels, unit, base) = labels(12_345_678.0, 12_345_742.0, Quantity::Bytes);
        assert_eq!(base, Some(12_345_680.0));
        assert_eq!(unit, "B");
        assert_eq!(labels.join(" "), "+0 +20 +40 +60");
    }

    #[test]
    fn no_range_is_too_small_or_too_large_to_be_numbered() {
        for (low, high) in [(0.0, 0.0), (5.0, 5.0), (0.0, 1e18), (1e15, 1e15 + 1.0)] {
            for quantity in [Quantity::Bytes, Quantity::Along, Quantity::Milliseconds] {
                let ticks = ticks(low, high, quantity, 6);
                assert!(ticks.at.len() <= 24, "{low} {high}: {ticks:?}");
            }
        }
    }
}
