//! Numbers as a person reads them at once: slopes, iterations, durations, curves.

use std::fmt::Write as _;
use std::time::Duration;

use crate::analysis::Interval;
use crate::trace::{Axis, Metric, Unit};
use crate::units::{Rate, scale_of, three_digits};

/// A whole number with separators: `47,300`.
pub fn iterations(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number that is only known to three digits, with separators.
pub(super) fn about(count: f64) -> String {
    if !count.is_finite() || count > 1e15 {
        return "more than 10^15".to_owned();
    }
    let count = count.max(0.0).round();
    let unit = 10f64.powf((count.max(1.0).log10().floor() - 2.0).max(0.0));
    iterations(((count / unit).round() * unit) as u64)
}

/// A slope with its interval in the same unit: `+1.31 KiB/iter (95% CI 1.30 to 1.32)`.
pub fn slope(interval: &Interval, metric: Metric, axis: Axis) -> String {
    let (size, unit) = unit_of(interval.estimate, metric);
    let sign = if interval.estimate > 0.0 { "+" } else { "" };
    let estimate = three_digits(interval.estimate / size);
    let mut text = format!("{sign}{estimate} {unit}/{}", axis.per().symbol());
    if interval.low.is_finite() && interval.high.is_finite() {
        let low = three_digits(interval.low / size);
        let high = three_digits(interval.high / size);
        let _ = write!(text, " (95% CI {low} to {high})");
    } else {
        text.push_str(" (interval unknown)");
    }
    text
}

/// So much of the axis: `1,700 iterations`, `20.0 s`, `40 lines`.
pub(super) fn length(count: u64, axis: Axis) -> String {
    match axis {
        Axis::Iterations => format!("{} iterations", iterations(count)),
        Axis::Lines => format!("{} lines", iterations(count)),
        Axis::Seconds => duration(Duration::from_millis(count)),
    }
}

/// A place on the axis: `iteration 1,700`, `20.0 s`, `line 40`.
pub(super) fn place(count: u64, axis: Axis) -> String {
    match axis {
        Axis::Iterations => format!("iteration {}", iterations(count)),
        Axis::Lines => format!("line {}", iterations(count)),
        Axis::Seconds => duration(Duration::from_millis(count)),
    }
}

/// The same, of what is only known to three digits, in what slopes are counted by.
pub(super) fn about_length(count: f64, axis: Axis) -> String {
    match axis {
        Axis::Iterations => format!("{} iterations", about(count)),
        Axis::Lines => format!("{} lines", about(count)),
        Axis::Seconds => format!("{} s", about(count)),
    }
}

/// A slope alone.
pub(super) fn rate(value: f64, metric: Metric, axis: Axis) -> String {
    if !value.is_finite() {
        return "any slope".to_owned();
    }
    match metric.unit() {
        Unit::Bytes => Rate {
            bytes: value,
            per: axis.per(),
        }
        .to_string()
        .trim_start_matches('+')
        .to_owned(),
        Unit::Count => {
            let per = axis.per().symbol();
            format!("{} {}/{per}", three_digits(value), metric.name())
        }
    }
}

fn unit_of(magnitude: f64, metric: Metric) -> (f64, &'static str) {
    match metric.unit() {
        Unit::Bytes => scale_of(magnitude),
        Unit::Count => (1.0, metric.name()),
    }
}

/// Several levels in the unit of the largest: `12.1 12.1 12.2 MiB`.
///
/// Where they differ by less than three digits show, they are written out as whole bytes.
pub(super) fn levels(groups: [&[u64]; 2], metric: Metric) -> [String; 2] {
    let all = || groups.iter().flat_map(|group| group.iter().copied());
    let (size, unit) = unit_of(all().max().unwrap_or(0) as f64, metric);
    let span = all().max().unwrap_or(0) - all().min().unwrap_or(0);
    let exact = size <= 1.0 || span as f64 / size < 0.1;
    groups.map(|group| {
        let mut text = String::new();
        for &value in group {
            if exact {
                let _ = write!(text, "{} ", iterations(value));
            } else {
                let _ = write!(text, "{:.2} ", value as f64 / size);
            }
        }
        let unit = match (exact, metric.unit()) {
            (true, Unit::Bytes) => "B",
            _ => unit,
        };
        text + unit
    })
}

/// A span of time: `0.4 s`, `12 s`, `3 min 20 s`, `3 h 10 min`, `12 days`.
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 119.5 {
        format!("{seconds:.0} s")
    } else if seconds < 7_170.0 {
        let whole = seconds.round() as u64;
        format!("{} min {} s", whole / 60, whole % 60)
    } else if seconds < 48.0 * 3_600.0 {
        let whole = (seconds / 60.0).round() as u64;
        format!("{} h {} min", whole / 60, whole % 60)
    } else if seconds < 100.0 * 365.0 * 86_400.0 {
        format!("{} days", iterations((seconds / 86_400.0).round() as u64))
    } else {
        "more than 100 years".to_owned()
    }
}

/// A curve in eight heights. A range below `floor` is drawn in proportion to
/// `floor`, so that growth that counts as none looks like none.
pub(super) fn sparkline(curve: &[u64], width: usize, floor: f64) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (Some(&low), Some(&high)) = (curve.iter().min(), curve.iter().max()) else {
        return String::new();
    };
    let range = ((high - low) as f64).max(floor).max(1.0);
    let width = width.min(curve.len());
    (0..width)
        .map(|k| {
            let stretch = &curve[k * curve.len() / width..(k + 1) * curve.len() / width];
            // The ends stand for themselves: a ramp shall reach from the lowest bar to the highest.
            let value = match k {
                0 => stretch[0],
                k if k + 1 == width => stretch[stretch.len() - 1],
                _ => stretch.iter().sum::<u64>() / stretch.len() as u64,
            };
            let height = (value.saturating_sub(low)) as f64 / range * 7.0;
            BARS[(height.round() as usize).min(7)]
        })
        .collect()
}

/// The same in peaks: each bar is the highest of its stretch.
pub(super) fn sparkline_of_peaks(curve: &[u64], width: usize) -> String {
    let width = width.min(curve.len());
    let highest: Vec<u64> = (0..width)
        .filter_map(|k| {
            curve[k * curve.len() / width..(k + 1) * curve.len() / width]
                .iter()
                .copied()
                .max()
        })
        .collect();
    sparkline(&highest, width, 0.0)
}

/// Text of a target on its way to a terminal: control characters are shown, not obeyed.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '\r')
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_shares_the_unit_of_its_estimate() {
        let interval = |estimate, low, high| Interval {
            estimate,
            low,
            high,
        };
        for (value, metric, expected) in [
            (
                interval(1341.4, 1331.2, 1351.7),
                Metric::Live,
                "+1.31 KiB/iter (95% CI 1.30 to 1.32)",
            ),
            (
                interval(-3.0, -4.0, 1.0),
                Metric::Anon,
                "-3.00 B/iter (95% CI -4.00 to 1.00)",
            ),
            (
                interval(1.0, 1.0, 1.0),
                Metric::Fds,
                "+1.00 fds/iter (95% CI 1.00 to 1.00)",
            ),
            (
                interval(2.0, f64::NEG_INFINITY, f64::INFINITY),
                Metric::Live,
                "+2.00 B/iter (interval unknown)",
            ),
        ] {
            assert_eq!(slope(&value, metric, Axis::Iterations), expected);
        }
    }

    #[test]
    fn counts_are_separated_and_rounded_to_what_is_known() {
        assert_eq!(iterations(0), "0");
        assert_eq!(iterations(999), "999");
        assert_eq!(iterations(1_234_567), "1,234,567");
        assert_eq!(about(47_312.0), "47,300");
        assert_eq!(about(12.4), "12");
        assert_eq!(about(f64::INFINITY), "more than 10^15");
    }

    #[test]
    fn a_ramp_is_drawn_from_the_lowest_bar_to_the_highest() {
        let ramp: Vec<u64> = (0..64).map(|i| 1000 + 64 * i).collect();
        assert_eq!(sparkline(&ramp, 8, 0.0), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[5; 64], 8, 0.0), "▁▁▁▁▁▁▁▁");
        assert_eq!(sparkline(&ramp, 8, 1e9), "▁▁▁▁▁▁▁▁");
        assert_eq!(sparkline(&[], 8, 0.0), "");
        let mut spike = [10; 64];
        spike[30] = 900;
        assert_eq!(sparkline_of_peaks(&spike, 8), "▁▁▁█▁▁▁▁");
    }

    #[test]
    fn levels_share_a_unit_and_are_exact_where_they_hardly_differ() {
        let mib = 1 << 20;
        assert_eq!(
            levels([&[10 * mib, 11 * mib], &[20 * mib]], Metric::Anon),
            ["10.00 11.00 MiB", "20.00 MiB"]
        );
        assert_eq!(
            levels([&[10 * mib], &[10 * mib + 64]], Metric::Live),
            ["10,485,760 B", "10,485,824 B"]
        );
    }

    #[test]
    fn control_characters_of_a_target_are_not_obeyed() {
        assert_eq!(
            printable("a\u{1b}[31mb\r\nc"),
            "a\u{fffd}[31mb\nc".to_owned()
        );
    }
}
