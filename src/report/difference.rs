//! What became of a case since it was last run, in a line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::event::{CaseReport, VerdictReport};
use super::text;
use crate::analysis::{Interval, VerdictKind};
use crate::outcome::OutcomeKind;
use crate::trace::Metric;

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was not as claimed, and is.
    Fixed,
    /// It is proven not to be as claimed, and was not before.
    Fails,
    /// It could not be measured.
    Broken,
    /// It is not decided any more.
    Open,
    /// Its slope is more, and it is what it was.
    More,
    /// Its slope is less, and it is what it was.
    Less,
    /// It is something else than it was.
    Other,
    /// It was not there, or was never measured.
    New,
    /// It is what it was.
    Unchanged,
}

impl Change {
    /// What became of a case from one result to the next.
    pub fn of(before: Option<&CaseReport>, now: &CaseReport) -> Self {
        let Some(before) = before else {
            return Self::New;
        };
        match (before.outcome, now.outcome) {
            (then, today) if then == today => Self::alike(before, now),
            (_, OutcomeKind::Passed) => Self::Fixed,
            (_, OutcomeKind::Failed) => Self::Fails,
            (_, OutcomeKind::Broken) => Self::Broken,
            (_, OutcomeKind::Inconclusive) => Self::Open,
            (_, OutcomeKind::Skipped) => Self::Other,
        }
    }

    /// The same of two that ended alike.
    fn alike(before: &CaseReport, now: &CaseReport) -> Self {
        if state(before) != state(now) {
            return Self::Other;
        }
        match Slopes::of(&before.verdict, &now.verdict) {
            Some(slopes) if slopes.differ() && slopes.is_more() => Self::More,
            Some(slopes) if slopes.differ() => Self::Less,
            _ => Self::Unchanged,
        }
    }

    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Fails => "fails now",
            Self::Broken => "broken now",
            Self::Open => "open now",
            Self::More => "more",
            Self::Less => "less",
            Self::Other => "changed",
            Self::New => "new",
            Self::Unchanged => "unchanged",
        }
    }
}

/// `leak → stable, slope 1.02 KiB/iter → 0 B/iter (intervals apart): fixed`.
pub fn difference_line(before: Option<&CaseReport>, now: &CaseReport) -> String {
    let mut line = match before.map(state) {
        Some(then) if then != state(now) => format!("{then} → {}", state(now)),
        _ => state(now).to_owned(),
    };
    let slopes = before.and_then(|before| Slopes::of(&before.verdict, &now.verdict));
    match (slopes, Side::leading(&now.verdict)) {
        (Some(slopes), _) => {
            let _ = write!(line, ", {}", slopes.words());
        }
        (None, Some(side)) => {
            let _ = write!(line, ", slope {}", side.words());
        }
        // Where nothing was measured the reason is all that there is.
        (None, None) => {
            let reason = text::printable(now.reason.lines().next().unwrap_or_default());
            let _ = write!(line, " ({reason})");
        }
    }
    let change = Change::of(before, now).name();
    let _ = write!(line, ": {change}");
    line
}

/// The same of a result that was to confirm the one before: `leak, slope ...: confirmed`.
pub fn confirming_line(before: Option<&CaseReport>, now: &CaseReport) -> String {
    let line = difference_line(before, now);
    if !is_confirmed(before, now) {
        return format!("not confirmed: {line}");
    }
    let change = Change::of(before, now).name();
    format!("{}confirmed", line.strip_suffix(change).unwrap_or(&line))
}

/// Whether a result says what the one before does.
pub fn is_confirmed(before: Option<&CaseReport>, now: &CaseReport) -> bool {
    before.is_some_and(|before| before.outcome == now.outcome && state(before) == state(now))
}

/// `1 fixed, 2 unchanged`.
pub fn tally(changes: &[Change]) -> String {
    let mut counts: BTreeMap<Change, usize> = BTreeMap::new();
    for change in changes {
        *counts.entry(*change).or_default() += 1;
    }
    let words: Vec<String> = counts
        .into_iter()
        .map(|(change, count)| format!("{count} {}", change.name()))
        .collect();
    words.join(", ")
}

/// What a case is, in a word or two.
fn state(report: &CaseReport) -> &'static str {
    match (report.outcome, report.verdict.verdict) {
        _ if report.limit.is_some() => "over limit",
        (OutcomeKind::Broken, _) => "broken",
        (OutcomeKind::Skipped, _) => "not run",
        (_, Some(verdict)) => verdict.name(),
        (_, None) => "not measured",
    }
}

/// The slope of one metric.
#[derive(Debug, Clone, Copy)]
struct Side<'a> {
    of: &'a VerdictReport,
    metric: Metric,
    slope: Interval,
    tolerance: f64,
}

impl<'a> Side<'a> {
    /// That of the metric that speaks for the verdict.
    fn leading(of: &'a VerdictReport) -> Option<Self> {
        Self::of_metric(of, of.metric?)
    }

    fn of_metric(of: &'a VerdictReport, metric: Metric) -> Option<Self> {
        let finding = of.findings.iter().find(|one| one.metric == metric)?;
        // The verdict may speak of fewer processes than the finding.
        let own = of.slope.filter(|_| of.metric == Some(metric));
        Some(Self {
            of,
            metric,
            slope: own.unwrap_or(finding.slope),
            tolerance: finding.tolerance,
        })
    }

    fn words(&self) -> String {
        // Less than shows in two places is nothing for a person.
        let slope = self.slope.estimate;
        let slope = if slope.abs() < 0.005 { 0.0 } else { slope };
        text::rate(slope, self.metric, self.of.axis)
    }
}

/// The slopes of one metric before and now.
struct Slopes<'a> {
    before: Side<'a>,
    now: Side<'a>,
}

impl<'a> Slopes<'a> {
    /// Those that can be held against each other, of the metric that leaks or leaked.
    fn of(before: &'a VerdictReport, now: &'a VerdictReport) -> Option<Self> {
        if before.axis != now.axis {
            return None;
        }
        let leaked = before.verdict == Some(VerdictKind::Leak);
        let leaks = now.verdict == Some(VerdictKind::Leak);
        let metric = match (leaked, leaks) {
            (true, false) => before.metric,
            _ => now.metric,
        }?;
        Some(Self {
            before: Side::of_metric(before, metric)?,
            now: Side::of_metric(now, metric)?,
        })
    }

    /// Whether no value is in both intervals; one that is not known holds all.
    fn are_apart(&self) -> bool {
        let (before, now) = (&self.before.slope, &self.now.slope);
        before.high < now.low || now.high < before.low
    }

    fn is_more(&self) -> bool {
        self.now.slope.estimate > self.before.slope.estimate
    }

    /// Whether they are apart by more than counts as none.
    fn differ(&self) -> bool {
        let difference = self.now.slope.estimate - self.before.slope.estimate;
        let tolerance = self.before.tolerance.max(self.now.tolerance);
        self.are_apart() && difference.abs() > tolerance
    }

    fn words(&self) -> String {
        let (before, now) = (self.before.words(), self.now.words());
        let intervals = if self.are_apart() { "apart" } else { "overlap" };
        format!("slope {before} → {now} (intervals {intervals})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Finding;
    use crate::case::Claim;
    use crate::trace::Axis;
    use std::path::PathBuf;

    fn interval(estimate: f64, half: f64) -> Interval {
        Interval {
            estimate,
            low: estimate - half,
            high: estimate + half,
        }
    }

    /// A result of a case that claims to be stable.
    fn report(verdict: VerdictKind, slope: Interval) -> CaseReport {
        let finding: Finding = serde_json::from_value(serde_json::json!({
            "metric": "live", "status": "unsettled", "shape": "linear", "slope": slope,
            "slopes": [], "se_within": 0.0, "r2": 1.0, "tolerance": 16.0,
            "detection_limit": 16.0, "excluded_above": null, "iterations": 240,
            "tail_start": 0, "leaking": [], "level": 0.0, "route": null
        }))
        .unwrap();
        CaseReport {
            id: "a".to_owned(),
            outcome: match verdict {
                VerdictKind::Stable => OutcomeKind::Passed,
                VerdictKind::Inconclusive => OutcomeKind::Inconclusive,
                VerdictKind::Leak | VerdictKind::Spike => OutcomeKind::Failed,
            },
            verdict: VerdictReport {
                verdict: Some(verdict),
                metric: Some(Metric::Live),
                slope: Some(slope),
                findings: vec![finding],
                axis: Axis::Iterations,
                ..VerdictReport::default()
            },
            ..broken("")
        }
    }

    fn broken(reason: &str) -> CaseReport {
        let text = serde_json::json!({
            "id": "a", "outcome": "broken", "expected": Claim::Stable, "reason": reason,
            "flaky": false, "attempts": [], "baseline": null, "fit": null, "limit": null,
            "seconds": 1.0, "file": PathBuf::from("a.yaml"), "line": 1, "tags": [],
            "language": null, "runtime": null, "output": null, "folder": null, "traces": []
        });
        serde_json::from_value(text).unwrap()
    }

    fn leak(slope: f64, half: f64) -> CaseReport {
        report(VerdictKind::Leak, interval(slope, half))
    }

    fn stable(slope: f64) -> CaseReport {
        report(VerdictKind::Stable, interval(slope, 0.5))
    }

    #[test]
    fn a_line_says_what_it_was_what_it_is_and_what_that_means() {
        let open = report(VerdictKind::Inconclusive, interval(40.0, f64::INFINITY));
        for (before, now, line) in vec![
            (
                Some(leak(1044.5, 9.0)),
                stable(0.001),
                "leak → stable, slope 1.02 KiB/iter → 0 B/iter (intervals apart): fixed",
            ),
            (
                Some(stable(0.0)),
                leak(1044.5, 9.0),
                "stable → leak, slope 0 B/iter → 1.02 KiB/iter (intervals apart): fails now",
            ),
            (
                Some(leak(1044.0, 9.0)),
                leak(1050.0, 9.0),
                "leak, slope 1.02 KiB/iter → 1.03 KiB/iter (intervals overlap): unchanged",
            ),
            (
                Some(leak(5000.0, 9.0)),
                leak(1000.0, 9.0),
                "leak, slope 4.88 KiB/iter → 1000 B/iter (intervals apart): less",
            ),
            (
                Some(leak(1000.0, 9.0)),
                leak(5000.0, 9.0),
                "leak, slope 1000 B/iter → 4.88 KiB/iter (intervals apart): more",
            ),
            (
                Some(stable(0.0)),
                stable(2.0),
                "stable, slope 0 B/iter → 2.00 B/iter (intervals apart): unchanged",
            ),
            (
                Some(stable(0.0)),
                open,
                "stable → inconclusive, slope 0 B/iter → 40.0 B/iter (intervals overlap): open now",
            ),
            (None, stable(0.0), "stable, slope 0 B/iter: new"),
            (
                Some(stable(0.0)),
                broken("it raised\nat line 3"),
                "stable → broken (it raised): broken now",
            ),
            (
                Some(broken("it raised")),
                broken("it raised"),
                "broken (it raised): unchanged",
            ),
            (
                Some(broken("it raised")),
                leak(1000.0, 1.0),
                "broken → leak, slope 1000 B/iter: fails now",
            ),
        ] {
            assert_eq!(difference_line(before.as_ref(), &now), line);
        }
    }

    #[test]
    fn a_result_is_confirmed_by_one_that_says_the_same() {
        let fast = leak(1044.0, 9.0);
        assert_eq!(
            confirming_line(Some(&fast), &leak(1050.0, 9.0)),
            "leak, slope 1.02 KiB/iter → 1.03 KiB/iter (intervals overlap): confirmed"
        );
        assert_eq!(
            confirming_line(Some(&fast), &stable(0.0)),
            "not confirmed: leak → stable, slope 1.02 KiB/iter → 0 B/iter (intervals apart): fixed"
        );
        assert!(!is_confirmed(None, &fast));
    }

    #[test]
    fn a_spike_that_becomes_a_leak_is_not_what_it_was() {
        let spike = report(VerdictKind::Spike, interval(0.0, 0.1));
        assert_eq!(Change::of(Some(&spike), &leak(9.0, 1.0)), Change::Other);
    }

    #[test]
    fn what_became_of_several_is_counted_with_what_matters_first() {
        let changes = [
            Change::Unchanged,
            Change::Fails,
            Change::Unchanged,
            Change::Fixed,
        ];
        assert_eq!(tally(&changes), "1 fixed, 1 fails now, 2 unchanged");
        assert_eq!(tally(&[]), "");
    }
}
