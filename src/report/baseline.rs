//! The comparison of a case with its baseline, in words.

use std::fmt::Write as _;

use super::event::CaseReport;
use super::text;
use crate::analysis::Interval;
use crate::baseline::store::Settled;
use crate::baseline::{Comparison, ComparisonKind, Difference, Fit, Slope};
use crate::stats::student_upper;
use crate::trace::{Metric, Unit};

/// What stands on the line of a case.
pub(super) fn phrase(report: &CaseReport) -> Option<String> {
    let settled = report.baseline.as_ref()?;
    let mut phrase = match &settled.comparison {
        Some(comparison) => short(comparison),
        None if settled.new_since.is_some() => {
            let since = settled.new_since.as_ref()?.thing();
            return Some(format!("new since {since}"));
        }
        None if settled.pending.is_some() => return Some("new baseline pending".to_owned()),
        None if settled.written => return Some("new baseline".to_owned()),
        None => return Some("its baseline could not be written".to_owned()),
    };
    if settled.written {
        phrase.push_str(" (accepted)");
    }
    Some(phrase)
}

/// A comparison in a phrase.
fn short(comparison: &Comparison) -> String {
    let first = comparison.differences.first();
    let changed = |word: &str| {
        first.map_or_else(
            || word.to_owned(),
            |d| {
                let before = d.estimate(&d.before, comparison.axis);
                let now = d.estimate(&d.now, comparison.axis);
                format!("{word}: {} from {before} to {now}", d.of.words())
            },
        )
    };
    match comparison.kind {
        ComparisonKind::Unchanged => comparison.against.alike(),
        ComparisonKind::Improved => changed("improved"),
        ComparisonKind::Regressed => changed("regressed"),
        ComparisonKind::Incomparable => format!("not comparable with {}", comparison.against.its()),
        ComparisonKind::Inconclusive => format!("perhaps not {}", comparison.against.alike()),
    }
}

/// Whether the case failed for what it was before.
pub(super) fn is_regressed(report: &CaseReport) -> bool {
    report.baseline.as_ref().is_some_and(Settled::is_regressed)
}

/// The rows of an explanation.
pub(super) fn rows(report: &CaseReport, row: &mut impl FnMut(&str, &str)) {
    let before = report
        .baseline
        .as_ref()
        .and_then(|settled| settled.before.as_ref());
    rows_with(report, before.map_or("", |before| &before.curve), row);
}

/// The same without the curve that was before, which the run alone knows.
pub(super) fn lasting_rows(report: &CaseReport, row: &mut impl FnMut(&str, &str)) {
    rows_with(report, "", row);
}

fn rows_with(report: &CaseReport, curve: &str, row: &mut impl FnMut(&str, &str)) {
    let Some(settled) = &report.baseline else {
        return;
    };
    if let Some(comparison) = &settled.comparison {
        let name = if comparison.against.is_baseline() {
            "baseline"
        } else {
            "against"
        };
        if comparison.differences.is_empty() {
            row(name, &text::printable(&comparison.reason));
        } else {
            row(name, &table(comparison));
        }
        let there = comparison.against.there();
        if !curve.is_empty() {
            row("", &format!("{curve}  {there}"));
        }
        if let Some(folder) = &settled.before_folder {
            row("", &format!("its traces {there}: {}", folder.display()));
        }
    }
    if let Some(pending) = &settled.pending {
        row("pending", &pending.display().to_string());
    }
    if let Some(fault) = &settled.fault {
        row("note", fault);
    }
}

/// A line a statistic that decides, or is not as it was.
fn table(comparison: &Comparison) -> String {
    let deciding = comparison
        .differences
        .iter()
        .filter(|d| d.kind == comparison.kind);
    let told = |kind| kind != comparison.kind && kind != ComparisonKind::Unchanged;
    let others = comparison.differences.iter().filter(|d| told(d.kind));
    let mut text = String::new();
    for difference in deciding.chain(others) {
        let _ = writeln!(text, "{}", line(difference, comparison));
    }
    text
}

fn line(difference: &Difference, comparison: &Comparison) -> String {
    let sign = if difference.difference.estimate > 0.0 {
        "+"
    } else {
        ""
    };
    format!(
        "{} {}: {}; {sign}{}",
        difference.of.words(),
        difference.kind.name(),
        difference.sides(comparison.axis, &comparison.against),
        difference.amount(&difference.difference, comparison.axis)
    )
}

/// What is told below the cases: those that passed and are not as their baselines, and what waits.
#[derive(Debug, Default)]
pub(super) struct Notices {
    lines: Vec<String>,
    pending: usize,
    /// Whether it is sides that were compared, and no baselines.
    sides: bool,
}

impl Notices {
    /// Takes a case that ended.
    pub(super) fn add(&mut self, report: &CaseReport) {
        let Some(settled) = &report.baseline else {
            return;
        };
        self.pending += usize::from(settled.pending.is_some());
        if let Some(fault) = &settled.fault {
            self.lines.push(format!("{}: {fault}", report.id));
        }
        if let Some(since) = &settled.new_since {
            self.sides = true;
            let line = format!("{} is new since {}", report.id, since.thing());
            self.lines.push(format!("{line}: it was not compared"));
        }
        if let Some(comparison) = &settled.comparison
            && matches!(
                comparison.kind,
                ComparisonKind::Improved | ComparisonKind::Incomparable
            )
        {
            self.sides |= !comparison.against.is_baseline();
            let kind = comparison.kind.name();
            let reason = comparison.reason.lines().next().unwrap_or_default();
            let line = format!("{} {kind}: {reason}", report.id);
            self.lines.push(line);
        }
    }

    /// All of it, or nothing.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.lines.is_empty() && self.pending == 0 {
            return text;
        }
        text.push_str(if self.sides {
            "comparisons:\n"
        } else {
            "baselines:\n"
        });
        for line in &self.lines {
            let line = text::printable(line);
            let _ = writeln!(text, "    {line}");
        }
        if self.pending > 0 {
            let (plural, wait) = if self.pending == 1 {
                ("", "waits")
            } else {
                ("s", "wait")
            };
            let _ = writeln!(
                text,
                "    {} snapshot{plural} {wait} to be accepted: memcase review",
                self.pending
            );
        }
        text.push('\n');
        text
    }
}

/// Two fits side by side, as a review shows them.
pub fn described(before: Option<&Fit>, now: &Fit, comparison: Option<&Comparison>) -> String {
    let mut text = String::new();
    let mut side = |name: &str, fit: &Fit| {
        let _ = writeln!(
            text,
            "  {name:<7} {:<8}  {}  {}",
            fit.curve,
            fit.verdict.name(),
            lead(fit)
        );
    };
    if let Some(before) = before {
        side("before", before);
    }
    side("now", now);
    match comparison {
        Some(comparison) => {
            let _ = writeln!(text, "  {}: {}", comparison.kind.name(), comparison.reason);
            let told = |d: &&Difference| d.kind != ComparisonKind::Unchanged;
            for difference in comparison.differences.iter().filter(told) {
                let _ = writeln!(text, "    {}", line(difference, comparison));
            }
        }
        None if before.is_none() => text.push_str("  new: there is no baseline yet\n"),
        None => {}
    }
    text
}

/// The slope that speaks for a fit, and how long it was looked at.
fn lead(fit: &Fit) -> String {
    let length = text::length(fit.iterations, fit.axis);
    let most = |(_, a): &(_, &Slope), (_, b): &(_, &Slope)| {
        let share = |s: &Slope| s.estimate / s.tolerance.max(f64::MIN_POSITIVE);
        share(a).total_cmp(&share(b))
    };
    let bytes = |(metric, _): &(&Metric, &Slope)| metric.unit() == Unit::Bytes;
    let slope = fit.slopes.iter().filter(bytes).max_by(most);
    slope.map_or_else(
        || format!("over {length}"),
        |(&metric, slope)| {
            let half = student_upper(0.025, slope.df) * slope.error;
            let interval = Interval {
                estimate: slope.estimate,
                low: slope.estimate - half,
                high: slope.estimate + half,
            };
            format!(
                "{} of {} over {length}",
                text::slope(&interval, metric, fit.axis),
                metric.name()
            )
        },
    )
}

/// A case of `memcase compare`: both curves and what became of it.
pub fn compared_line(
    id: &str,
    width: usize,
    comparison: &Comparison,
    before: Option<&Fit>,
    now: Option<&Fit>,
) -> String {
    let curve = |fit: Option<&Fit>| fit.map_or(String::new(), |fit| fit.curve.clone());
    format!(
        "{:<12}  {id:<width$}  {:<8}  {:<8}  {}",
        comparison.kind.name(),
        curve(before),
        curve(now),
        comparison.reason
    )
}
