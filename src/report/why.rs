//! Why a case grows, in rows: places, types, holders, and what it probably is.

use std::fmt::Write as _;

use crate::explain::{Chain, Culprit, Explanation, Link, Owner, Place};
use crate::trace::{Axis, Metric};
use crate::units::Bytes;

use super::event::CaseReport;
use super::text;

/// Places, types and holders that are shown; the JSON has all.
const SHOWN: usize = 4;
/// Frames of a call path that are shown.
const FRAMES: usize = 6;

/// The rows of a report's explanation, if it has one.
pub(super) fn rows(report: &CaseReport, row: &mut impl FnMut(&str, &str)) {
    let Some(explanation) = &report.why else {
        return;
    };
    if let Some(failed) = &explanation.failed {
        let why = format!("it could not be explained: {failed}");
        return row("why", &text::printable(&why));
    }
    if let Some(cause) = &explanation.cause {
        row("cause", &text::printable(cause));
    }
    row("why", &text::printable(&places(explanation)));
    if !explanation.lines.is_empty() {
        let lines: Vec<String> = explanation
            .lines
            .iter()
            .map(|one| line(one, explanation.axis()))
            .collect();
        row("lines", &text::printable(&lines.join("\n")));
    }
    if !explanation.chains.is_empty() {
        let shown = explanation.chains.iter().take(SHOWN);
        let chains: Vec<String> = shown.map(chain).collect();
        row("held by", &text::printable(&chains.join("\n")));
    }
    let kinds: Vec<String> = explanation
        .kinds
        .iter()
        .take(SHOWN)
        .map(|one| kind(one, explanation.axis()))
        .collect();
    if !kinds.is_empty() {
        row("objects", &text::printable(&kinds.join("\n")));
    }
    for note in &explanation.notes {
        row("note", &text::printable(note));
    }
    for file in &explanation.files {
        let kept = format!("{}, {}", file.path.display(), Bytes(file.bytes));
        row("kept", &text::printable(&kept));
    }
}

/// The explanation of a case that is otherwise not told of.
pub(super) fn alone(report: &CaseReport) -> String {
    let mut out = String::new();
    rows(report, &mut |name, value| {
        super::explain::write_row(&mut out, name, value);
    });
    out
}

fn rate(bytes: f64, axis: Axis) -> String {
    text::rate(bytes, Metric::Live, axis)
}

/// What a rate is told by.
fn each(axis: Axis) -> &'static str {
    match axis {
        Axis::Iterations => "an iteration",
        Axis::Seconds => "a second",
        Axis::Lines => "a line",
    }
}

/// What was followed, and by what.
fn window(explanation: &Explanation) -> String {
    let (from, to) = explanation.window;
    let under = explanation.tracers.join(" and ");
    if explanation.span.is_some() {
        let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
        let (from, to) = (seconds(from), seconds(to));
        return format!("seconds {from:.1} to {to:.1} of a run under {under}");
    }
    format!(
        "iterations {} to {} under {under}",
        text::iterations(from),
        text::iterations(to)
    )
}

fn places(explanation: &Explanation) -> String {
    let (over, axis) = (window(explanation), explanation.axis());
    if explanation.culprits.is_empty() {
        return format!(
            "no place was found that allocates what is kept, over {over}: what grows may have been allocated before and \
             be touched only now, be mapped by the kernel, or belong to a child process"
        );
    }
    let (one, many) = match &explanation.culprits[..] {
        [_] => ("one place", "accounts"),
        _ => ("these places", "account"),
    };
    let mut out = match (explanation.unexplained, explanation.measured) {
        (Some(unexplained), Some(measured)) => format!(
            "{one} {many} for {} of the {} of {}, over {over}",
            percent(1.0 - unexplained),
            text::rate(measured.slope, measured.metric, axis),
            super::explain::words(measured.metric),
        ),
        _ => format!("what is kept is allocated at {one}, over {over}"),
    };
    for culprit in explanation.culprits.iter().take(SHOWN) {
        let _ = write!(out, "\n{}", place_of(culprit, axis));
    }
    let left = explanation.culprits.len().saturating_sub(SHOWN);
    if left > 0 {
        let _ = write!(out, "\nand {left} more");
    }
    out
}

fn place_of(culprit: &Culprit, axis: Axis) -> String {
    let each = each(axis);
    let mut out = at(&culprit.place);
    if let Some(source) = &culprit.source {
        let _ = write!(out, "    {source}");
    }
    if culprit.bytes > 0.0 {
        let (bytes, blocks) = (rate(culprit.bytes, axis), blocks(culprit.blocks));
        let _ = write!(out, "\n    {bytes}, {blocks} {each}");
    } else {
        let _ = write!(out, "\n    {} {each}", count(culprit.blocks));
    }
    if let Some(share) = culprit.share {
        let _ = write!(out, ", {}", percent(share));
    }
    let inner = culprit
        .stack
        .iter()
        .find(|place| place.owner != Owner::Language);
    if let Some(inner) = inner.filter(|inner| **inner != culprit.place) {
        let _ = write!(out, "\n    allocated by {}", at(inner));
    }
    let position = culprit
        .stack
        .iter()
        .position(|place| *place == culprit.place);
    let callers = culprit
        .stack
        .iter()
        .skip(position.map_or(0, |at| at + 1))
        .filter(|place| place.owner != Owner::Language);
    let mut callers: Vec<String> = callers.map(at).collect();
    callers.dedup();
    let here = at(&culprit.place);
    for place in callers.iter().filter(|place| **place != here).take(FRAMES) {
        let _ = write!(out, "\n    called from {place}");
    }
    out
}

/// `app.py:12 in handler`.
pub(super) fn at(place: &Place) -> String {
    let mut out = place.file.clone();
    if place.line > 0 {
        let _ = write!(out, ":{}", place.line);
    }
    match (out.is_empty(), place.function.is_empty()) {
        (true, true) => "a place that nothing is known of".to_owned(),
        (true, false) => place.function.clone(),
        (false, true) => out,
        (false, false) => format!("{out} in {}", place.function),
    }
}

fn line(line: &crate::explain::Line, axis: Axis) -> String {
    let source = line.source.as_deref().unwrap_or_default();
    let place = format!("{}:{}", line.file, line.line);
    let rate = rate(line.bytes, axis);
    format!("{rate:>14} {:>12}  {place}  {source}", blocks(line.blocks))
}

fn kind(kind: &crate::explain::Kind, axis: Axis) -> String {
    let mut out = format!(
        "{}: {} more {}, {}",
        kind.name,
        count(kind.count),
        each(axis),
        rate(kind.bytes, axis)
    );
    if kind.largest > 0 {
        let _ = write!(out, ", the largest {}", Bytes(kind.largest));
    }
    if !kind.example.is_empty() {
        let _ = write!(out, " ({})", kind.example);
    }
    out
}

/// `kept, a list of 640 → [17], a dict`.
fn chain(chain: &Chain) -> String {
    let links: Vec<String> = chain.links.iter().map(link).collect();
    let held = if chain.sampled > 1 {
        format!("  ({} of {} samples)", chain.held, chain.sampled)
    } else {
        String::new()
    };
    let root = [chain.root.clone()];
    let steps: Vec<&String> = root
        .iter()
        .filter(|root| !root.is_empty())
        .chain(&links)
        .collect();
    let steps: Vec<&str> = steps.into_iter().map(String::as_str).collect();
    format!("{}{held}", steps.join(" → "))
}

fn link(link: &Link) -> String {
    let kind = kind_of(link);
    if link.by.is_empty() {
        kind
    } else {
        format!("{} ({kind})", link.by)
    }
}

/// `dict of 2,060`.
pub(super) fn kind_of(link: &Link) -> String {
    match link.len {
        Some(len) => format!("{} of {}", link.kind, text::iterations(len)),
        None => link.kind.clone(),
    }
}

fn count(count: f64) -> String {
    if count >= 10.0 || (count - count.round()).abs() < 0.005 {
        text::iterations(count.round() as u64)
    } else {
        format!("{count:.2}")
    }
}

fn blocks(number: f64) -> String {
    match count(number).as_str() {
        "1" => "1 block".to_owned(),
        many => format!("{many} blocks"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
