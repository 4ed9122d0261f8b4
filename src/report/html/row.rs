//! The line of a case in the table of a page.

use std::fmt::Write as _;
use std::time::Duration;

use super::super::event::{CaseReport, VerdictReport};
use super::super::explain::{in_short, least_range};
use super::super::text;
use super::escape::escape;
use crate::analysis::VerdictKind;
use crate::outcome::OutcomeKind;

/// Width and height of a curve, in its own units.
const CURVE: (usize, f64) = (64, 20.0);

/// The line of the case whose details have this number.
pub(super) fn row(number: usize, case: &CaseReport) -> String {
    let verdict = &case.verdict;
    let (label, figures) = in_short(case);
    let found = verdict.verdict.map(VerdictKind::name);
    let shown = match found {
        Some(name) if case.limit.is_none() => name,
        _ if !label.is_empty() => &label,
        _ => "not measured",
    };
    let outcome = case.outcome.name();
    let told = if case.flaky {
        "passed (flaky)"
    } else {
        outcome
    };
    let time = Duration::try_from_secs_f64(case.seconds).unwrap_or_default();
    let mut data = format!(
        "data-case=\"{number}\" data-rank=\"{}\" data-outcome=\"{outcome}\" data-verdict=\"{}\" data-seconds=\"{}\"",
        rank(case.outcome),
        found.unwrap_or("none"),
        case.seconds
    );
    if let Some(slope) = verdict.slope.filter(|slope| slope.estimate.is_finite()) {
        let _ = write!(data, " data-slope=\"{}\"", slope.estimate);
    }
    format!(
        "<tr role=row class=case {data} data-more=\"{more}\">\
         <th role=rowheader scope=row><button type=button aria-expanded=false>{id}</button></th>\
         <td role=cell><span class=\"word {outcome}\">{told}</span></td>\
         <td role=cell class=verdict>{shown}</td>\
         <td role=cell class=figures>{figures}</td>\
         <td role=cell class=curve>{curve}</td>\
         <td role=cell class=time>{time}</td></tr>\n",
        more = escape(&more(case)),
        id = escape(&case.id),
        shown = escape(shown),
        figures = escape(&figures),
        curve = curve(verdict),
        time = escape(&text::duration(time)),
    )
}

/// The line of a case that says of itself that it is not to be run.
pub(super) fn ignored(id: &str, reason: &str) -> String {
    format!(
        "<tr role=row class=case data-rank=5 data-outcome=ignored data-verdict=none>\
         <th role=rowheader scope=row>{}</th>\
         <td role=cell><span class=\"word ignored\">ignored</span></td>\
         <td role=cell class=verdict>not measured</td><td role=cell class=figures>{}</td>\
         <td role=cell class=curve></td><td role=cell class=time></td></tr>\n",
        escape(id),
        escape(reason)
    )
}

/// What a filter finds a case by, beside what is shown of it.
fn more(case: &CaseReport) -> String {
    let language = case.language.map_or("command", |language| language.name());
    format!("{language} {} {}", case.tags.join(" "), case.file.display())
}

/// The worst first.
pub(super) fn rank(outcome: OutcomeKind) -> u8 {
    match outcome {
        OutcomeKind::Failed => 0,
        OutcomeKind::Broken => 1,
        OutcomeKind::Inconclusive => 2,
        OutcomeKind::Skipped => 3,
        OutcomeKind::Passed => 4,
    }
}

/// A curve as small as a word; what it shows stands beside it.
fn curve(verdict: &VerdictReport) -> String {
    let values = &verdict.curve;
    let (Some(&low), Some(&high)) = (values.iter().min(), values.iter().max()) else {
        return String::new();
    };
    let (width, height) = CURVE;
    let range = ((high - low) as f64).max(least_range(verdict)).max(1.0);
    let last = values.len().max(2) - 1;
    let mut path = String::new();
    for (index, &value) in values.iter().enumerate() {
        let x = index * width / last;
        let y = height - (value - low) as f64 / range * height;
        let letter = if index == 0 { 'M' } else { ' ' };
        let _ = write!(path, "{letter}{x} {y:.0}");
    }
    format!(
        "<svg viewBox=\"-1 -2 {} {}\" aria-hidden=true focusable=false><path d=\"{path}\"/></svg>",
        width + 2,
        height + 4.0
    )
}
