//! How much of what a window shows goes on, by the iteration.

use super::findings::{Findings, Site};

/// One half of a window may grow by this much more than the other, and all of it goes on.
const UNEVEN: i64 = 3;
/// What goes on in both halves accounts for less than this part of the slope where places take turns.
const TURNS: f64 = 0.7;
/// All that grew is then this close to the slope.
const NEAR: f64 = 0.25;

/// The growth that goes on, of what the two halves of a window had: all of it, or as much as the
/// lesser half shows where the other one holds something that happened once.
pub(super) fn lasting((first, second): (i64, i64)) -> f64 {
    let (less, more) = (first.min(second), first.max(second));
    if less <= 0 {
        0.0
    } else if more > UNEVEN * less {
        2.0 * less as f64
    } else {
        (first + second) as f64
    }
}

/// How long the window is: in iterations, or in what its span is told by.
pub(super) fn iterations(findings: &Findings) -> f64 {
    if let Some(span) = findings.span {
        return span.length.max(f64::MIN_POSITIVE);
    }
    findings.to.saturating_sub(findings.from).max(1) as f64
}

/// Bytes and blocks an iteration, of what goes on or of the `whole` window.
pub(super) fn rates(site: &Site, findings: &Findings, whole: bool) -> (f64, f64) {
    let of = if whole { both } else { lasting };
    let all = iterations(findings);
    (of(site.bytes) / all, of(site.blocks) / all)
}

fn both((first, second): (i64, i64)) -> f64 {
    (first + second).max(0) as f64
}

/// Whether growth in one half alone counts: where none goes on (a leak that shows once in many iterations), and where
/// places take turns, so that only all of it together is what was measured.
pub(super) fn counts_whole(findings: &Findings, slope: Option<f64>) -> bool {
    let sum = |of: fn((i64, i64)) -> f64| {
        let bytes: f64 = findings.sites.iter().map(|site| of(site.bytes)).sum();
        bytes / iterations(findings)
    };
    let takes_turns =
        |slope: f64| sum(lasting) < TURNS * slope && (sum(both) / slope - 1.0).abs() < NEAR;
    !goes_on(findings) || slope.is_some_and(takes_turns)
}

/// Whether anything grows in both halves.
pub(super) fn goes_on(findings: &Findings) -> bool {
    findings.sites.iter().any(|site| lasting(site.bytes) > 0.0)
}
