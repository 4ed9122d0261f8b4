//! A verdict in words: beside the line of its case, and in full where it is not as claimed.

use std::fmt::Write as _;
use std::time::Duration;

use crate::analysis::{Finding, Garbage, Status, VerdictKind};
use crate::case::Claim;
use crate::outcome::OutcomeKind;
use crate::trace::{Axis, Metric, Unit};
use crate::units::Bytes;

use super::event::{CaseReport, Judged, VerdictReport};
use super::{baseline, family, next, text, why};

/// Bars of a sparkline beside a line.
const NARROW: usize = 8;
/// Bars of a sparkline in an explanation.
const WIDE: usize = 32;

/// What stands beside the line of a case: a label (`leak as claimed`) and the figures, with the curve.
pub fn headline(report: &CaseReport) -> (String, String) {
    let (label, mut figures) = in_short(report);
    let curve = curve_of(&report.verdict);
    if !curve.is_empty() {
        let _ = write!(figures, "  {curve}");
    }
    (label, figures)
}

/// The same without the curve.
pub(super) fn in_short(report: &CaseReport) -> (String, String) {
    let verdict = &report.verdict;
    let Some(kind) = verdict.verdict else {
        let label = report.limit.as_ref().map_or("", |_| "over limit");
        return (label.to_owned(), first_line(&report.reason));
    };
    let as_claimed = report.outcome == OutcomeKind::Passed && report.expected != Claim::Stable;
    let label = match (report.outcome, kind) {
        _ if report.limit.is_some() => "over limit".to_owned(),
        (OutcomeKind::Inconclusive, _) => String::new(),
        _ if as_claimed => format!("{} as claimed", report.expected.name()),
        (_, VerdictKind::Inconclusive) => String::new(),
        (OutcomeKind::Failed, VerdictKind::Stable) if report.expected != Claim::Stable => {
            format!("stable, no {}", report.expected.name())
        }
        _ => kind.name().to_owned(),
    };
    let mut figures = figures(verdict, as_claimed);
    let as_said = kind.name() == report.expected.name() || report.limit.is_some();
    if report.outcome == OutcomeKind::Failed && as_said && !baseline::is_regressed(report) {
        figures = first_line(&report.reason);
    }
    if let Some(phrase) = baseline::phrase(report) {
        let _ = write!(figures, ", {phrase}");
    }
    (label, figures)
}

fn first_line(text: &str) -> String {
    text::printable(text.lines().next().unwrap_or_default())
}

/// The figures that speak for a verdict.
pub(super) fn figures(verdict: &VerdictReport, as_claimed: bool) -> String {
    let (Some(kind), Some(metric)) = (verdict.verdict, verdict.metric) else {
        return String::new();
    };
    let axis = verdict.axis;
    match kind {
        VerdictKind::Leak => {
            let slope = verdict.slope.map(|slope| text::slope(&slope, metric, axis));
            let mut text = slope.unwrap_or_default();
            if !as_claimed && let Some(nearest) = verdict.reaches.first() {
                let _ = write!(text, ", {}", nearest.words(true, axis));
            }
            text
        }
        VerdictKind::Spike => verdict.spikes.as_ref().map_or_else(String::new, |spikes| {
            let above = Bytes(spikes.above_base);
            let mut text = format!("{above} above its base at {}", text::place(spikes.at, axis));
            if spikes.count > 1 {
                let _ = write!(text, ", {} times", text::iterations(spikes.count));
            }
            text
        }),
        VerdictKind::Stable => {
            let limit = verdict.detection_limit.unwrap_or(f64::INFINITY);
            format!(
                "would have seen {} over {}",
                text::rate(limit, metric, axis),
                text::length(verdict.iterations, axis)
            )
        }
        VerdictKind::Inconclusive => {
            let mut text = verdict.shape.clone().unwrap_or_default();
            let _ = write!(text, " after {}", text::length(verdict.iterations, axis));
            if let Some(slope) = verdict.slope {
                let _ = write!(text, ", {}", text::slope(&slope, metric, axis));
            }
            text
        }
    }
}

/// The curve beside the line of a case.
pub fn curve_of(verdict: &VerdictReport) -> String {
    sparkline(verdict, NARROW)
}

fn sparkline(verdict: &VerdictReport, width: usize) -> String {
    if verdict.verdict == Some(VerdictKind::Spike) {
        return text::sparkline_of_peaks(&verdict.curve, width);
    }
    text::sparkline(&verdict.curve, width, least_range(verdict))
}

/// The range that fills the height of a curve: what the tolerance allows over the run shall not look like a ramp.
pub(super) fn least_range(verdict: &VerdictReport) -> f64 {
    match (verdict.verdict, verdict.findings.first()) {
        (Some(VerdictKind::Leak | VerdictKind::Spike), _) | (_, None) => 0.0,
        (_, Some(finding)) => finding.tolerance * verdict.iterations as f64 / verdict.axis.places(),
    }
}

/// The explanation of a case that is not as claimed: facts first, then what to type next.
/// Every line is indented, so that none can be taken for one of libtest's.
pub fn explain(report: &CaseReport) -> String {
    let mut out = String::new();
    for line in text::printable(&report.reason).lines() {
        let _ = writeln!(out, "  {line}");
    }
    let mut row = |name: &str, value: &str| write_row(&mut out, name, value);
    facts(&report.verdict, Some(report), &mut row);
    why::rows(report, &mut row);
    baseline::rows(report, &mut row);
    if let Some(output) = &report.output
        && !output.trim().is_empty()
    {
        row("output", &text::printable(output));
    }
    row(
        "case",
        &format!("{}:{}", report.file.display(), report.line),
    );
    if let Some(folder) = &report.folder {
        row("traces", &folder.display().to_string());
    }
    for next in next::what_next(report) {
        row("next", &next);
    }
    out
}

/// The verdict of recorded traces, in words.
pub fn judged(judged: &Judged) -> String {
    let verdict = &judged.verdict;
    let kind = verdict.verdict.map_or("not measured", VerdictKind::name);
    let figures = figures(verdict, false);
    let mut out = format!("{}: {kind}  {figures}\n", judged.id);
    let mut row = |name: &str, value: &str| write_row(&mut out, name, value);
    facts(verdict, None, &mut row);
    // A trace may come from anywhere.
    text::printable(&out)
}

/// What waits for the collector.
fn cycles(garbage: &Garbage) -> String {
    let rate = text::rate(garbage.rate, Metric::Live, Axis::Iterations);
    let until = if garbage.collector {
        "until the collector runs"
    } else {
        "for ever: the target has switched its collector off"
    };
    format!(
        "reference cycles grow by {rate} {until}; {} held at most",
        Bytes(garbage.held)
    )
}

/// A fact and its name; further lines stand below the first.
pub(super) fn write_row(out: &mut String, name: &str, value: &str) {
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    for (line, name) in value.trim_end().lines().zip(names) {
        let _ = writeln!(out, "    {name:<9} {line}");
    }
}

/// What was measured, a row a fact.
pub(super) fn facts(
    verdict: &VerdictReport,
    report: Option<&CaseReport>,
    row: &mut impl FnMut(&str, &str),
) {
    let (Some(kind), Some(metric)) = (verdict.verdict, verdict.metric) else {
        return;
    };
    if let Some(slope) = verdict.slope {
        let shape = verdict.shape.as_deref().unwrap_or("of unknown form");
        row(
            "slope",
            &format!(
                "{} of {}, {shape}",
                text::slope(&slope, metric, verdict.axis),
                words(metric)
            ),
        );
    }
    if let Some(kind) = verdict.kind {
        let sentences = verdict.explanation.join("\n");
        row(
            "kind",
            &format!("{}: {}", kind.name(), text::printable(&sentences)),
        );
    }
    let curve = sparkline(verdict, WIDE);
    if !curve.is_empty() {
        let drawn = if kind == VerdictKind::Spike {
            "peaks"
        } else {
            "curve"
        };
        row(drawn, &curve);
        let drawn = if kind == VerdictKind::Spike {
            Metric::Peak
        } else {
            metric
        };
        let [first, last] = text::levels([&verdict.first, &verdict.last], drawn);
        row("samples", &format!("{first} at first, {last} at last"));
    }
    if matches!(kind, VerdictKind::Leak | VerdictKind::Inconclusive) {
        for grows in family::growing(&verdict.tree) {
            row("grows", &grows);
        }
    }
    for reaches in &verdict.reaches {
        row("reaches", &reaches.words(false, verdict.axis));
    }
    if let Some(spikes) = &verdict.spikes {
        row(
            "spikes",
            &format!(
                "{} above a base of {}, highest at {}, {} in all",
                Bytes(spikes.above_base),
                Bytes(spikes.base),
                text::place(spikes.at, verdict.axis),
                text::iterations(spikes.count)
            ),
        );
    }
    horizon_row(verdict, report, row);
    if kind != VerdictKind::Leak
        && let Some(limit) = verdict.detection_limit.filter(|limit| limit.is_finite())
    {
        row(
            "limit",
            &format!(
                "a leak of {} would have been seen",
                text::rate(limit, metric, verdict.axis)
            ),
        );
    }
    if let Some(garbage) = &verdict.garbage {
        row("garbage", &cycles(garbage));
    }
    let told = |f: &&Finding| {
        let aside = matches!(f.metric, Metric::Native | Metric::Mapped | Metric::Shmem);
        let said = f.metric.unit() == Unit::Bytes && !aside;
        f.metric != metric && (said || f.status != Status::Stable)
    };
    for finding in verdict.findings.iter().filter(told) {
        row("beside", &beside(finding, verdict.axis));
    }
    for note in &verdict.notes {
        row("note", note);
    }
}

fn horizon_row(
    verdict: &VerdictReport,
    report: Option<&CaseReport>,
    row: &mut impl FnMut(&str, &str),
) {
    let plural = if verdict.processes == 1 { "" } else { "es" };
    let mut value = format!(
        "{} in {} process{plural}",
        text::length(verdict.iterations, verdict.axis),
        verdict.processes
    );
    if let Some(report) = report {
        let _ = write!(
            value,
            ", {}",
            text::duration(Duration::from_secs_f64(report.seconds.max(0.0)))
        );
    }
    if let Some(began) = verdict.began {
        let _ = write!(
            value,
            "; it grows from {}",
            text::place(began, verdict.axis)
        );
    }
    row("horizon", &value);
}

/// What another metric shows, in a line.
fn beside(finding: &Finding, axis: Axis) -> String {
    let status = match finding.status {
        Status::Leak => "grows too",
        Status::Stable => "stable",
        Status::Unsettled => "unsettled",
    };
    format!(
        "{}: {status}, {}",
        words(finding.metric),
        text::slope(&finding.slope, finding.metric, axis)
    )
}

/// A metric in words.
pub(super) fn words(metric: Metric) -> &'static str {
    match metric {
        Metric::Live => "live heap",
        Metric::External => "external memory",
        Metric::Native => "native memory",
        Metric::Mapped => "own mappings",
        Metric::Shmem => "shared memory",
        Metric::Anon => "anonymous memory",
        Metric::Peak => "peak memory",
        Metric::Blocks => "live blocks",
        Metric::Pss => "proportional memory",
        Metric::Swap => "swap",
        Metric::Fds => "open descriptors",
        Metric::Threads => "threads",
        Metric::Children => "child processes",
    }
}
