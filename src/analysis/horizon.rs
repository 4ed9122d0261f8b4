//! When a limit would be reached, if growth goes on as measured.

use crate::trace::{Axis, Unit};

use super::verdict::{Finding, Verdict};

/// Iterations (seconds, lines) from the start until a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// By the upper end of the slope's interval.
    pub soonest: f64,
    /// By the estimate.
    pub expected: f64,
    /// By the lower end; infinite where growth is not certain.
    pub latest: f64,
}

/// Iterations (seconds, lines) until the level of a metric reaches `limit` (in its unit); none where
/// it does not grow.
pub fn iterations_to(limit: f64, finding: &Finding, axis: Axis) -> Option<Reach> {
    reach(limit - finding.level, finding, axis)
}

fn reach(room: f64, finding: &Finding, axis: Axis) -> Option<Reach> {
    if finding.slope.estimate <= 0.0 {
        return None;
    }
    let room = room.max(0.0);
    let after = |slope: f64| {
        if slope > 0.0 {
            finding.iterations as f64 / axis.places() + room / slope
        } else {
            f64::INFINITY
        }
    };
    Some(Reach {
        soonest: after(finding.slope.high),
        expected: after(finding.slope.estimate),
        latest: after(finding.slope.low),
    })
}

impl Verdict {
    /// Iterations (seconds, lines) until memory that is at `level` at the end reaches `limit` bytes, at the slope of the
    /// verdict's metric: a heap's own level leaves out the program. None where memory does not
    /// grow, or where a count decided.
    pub fn iterations_to(&self, limit: f64, level: f64) -> Option<Reach> {
        let finding = self.findings.first()?;
        (finding.metric.unit() == Unit::Bytes)
            .then(|| reach(limit - level, finding, self.axis))
            .flatten()
    }
}
