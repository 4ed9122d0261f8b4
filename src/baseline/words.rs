//! A comparison in a sentence, with both intervals.

use super::compare::{ComparisonKind, Difference, Statistic};
use super::fit::Fit;
use super::reference::Reference;
use crate::analysis::Interval;
use crate::trace::{Axis, Metric, Unit};
use crate::units::{scale_of, three_digits};

/// How long the runs of a fit were.
pub(super) fn length(fit: &Fit) -> String {
    match fit.axis {
        Axis::Iterations => format!("{} iterations", fit.iterations),
        Axis::Lines => format!("{} lines", fit.iterations),
        Axis::Seconds => format!("{:.1} s", fit.iterations as f64 / fit.axis.places()),
    }
}

impl Statistic {
    /// What it is of, in words.
    pub fn words(self) -> String {
        match self {
            Self::Slope(metric) => format!("slope of {}", metric.name()),
            Self::Base => "base".to_owned(),
            Self::Peak => "peak".to_owned(),
        }
    }
}

impl Difference {
    /// An estimate with its interval: `1.02 KiB/iter (1.01 to 1.03)`.
    pub fn amount(&self, interval: &Interval, axis: Axis) -> String {
        let (size, unit) = self.unit(interval.estimate, axis);
        format!(
            "{} {unit} ({} to {})",
            three_digits(interval.estimate / size),
            three_digits(interval.low / size),
            three_digits(interval.high / size)
        )
    }

    /// An estimate alone.
    pub fn estimate(&self, interval: &Interval, axis: Axis) -> String {
        let (size, unit) = self.unit(interval.estimate, axis);
        format!("{} {unit}", three_digits(interval.estimate / size))
    }

    /// Before and now in a clause: `64 B/iter (60 to 68), 16 B/iter (15 to 17) before`.
    pub fn sides(&self, axis: Axis, against: &Reference) -> String {
        format!(
            "{}, {} {}",
            self.amount(&self.now, axis),
            self.amount(&self.before, axis),
            against.there()
        )
    }

    fn unit(&self, magnitude: f64, axis: Axis) -> (f64, String) {
        let per = axis.per().symbol();
        match self.of {
            Statistic::Slope(metric) if metric.unit() == Unit::Bytes => {
                let (size, unit) = scale_of(magnitude);
                (size, format!("{unit}/{per}"))
            }
            Statistic::Slope(metric) => (1.0, format!("{}/{per}", things(metric))),
            Statistic::Base | Statistic::Peak => {
                let (size, unit) = scale_of(magnitude);
                (size, unit.to_owned())
            }
        }
    }
}

fn things(metric: Metric) -> &'static str {
    match metric {
        Metric::Fds => "descriptors",
        other => other.name(),
    }
}

/// The sentence: what decides, with both intervals.
pub(super) fn reason(
    kind: ComparisonKind,
    differences: &[Difference],
    against: &Reference,
    now: &Fit,
) -> String {
    let Some(first) = differences.first() else {
        return "nothing was read on both sides".to_owned();
    };
    let what = first.of.words();
    let sides = first.sides(now.axis, against);
    let changed = against.changed();
    match kind {
        ComparisonKind::Regressed => format!("its {what} {}: {sides}", against.rose()),
        ComparisonKind::Improved => format!("its {what} {}: {sides}", against.fell()),
        ComparisonKind::Unchanged => {
            format!("nothing {changed}; its {what} is {sides}")
        }
        ComparisonKind::Inconclusive | ComparisonKind::Incomparable => format!(
            "whether its {what} {changed} can not be told: {sides}; more processes on both sides might settle it (`--processes {}`)",
            (now.processes * 2).max(5)
        ),
    }
}
