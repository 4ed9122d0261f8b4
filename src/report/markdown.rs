//! Markdown: a table of the cases, and the explanations of those that are not as claimed.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use super::document::{Document, WholeRun};
use super::event::{CaseReport, Summary};
use super::explain::{curve_of, explain};
use super::text;
use crate::analysis::VerdictKind;
use crate::outcome::OutcomeKind;

/// Explanations stop here: a step summary on GitHub holds 1 MiB, and one that is larger is not shown at all.
const MOST: usize = 900_000;

/// Writes the run to `out` when it has ended.
pub fn markdown(out: Box<dyn Write + Send>) -> Document {
    Document::new(out, Box::new(write))
}

fn write(run: &WholeRun, out: &mut dyn Write) -> io::Result<()> {
    let mut page = format!("## memcase: {}\n\n", counts(&run.summary));
    page.push_str("| case | outcome | verdict | slope | curve | limit | seconds |\n");
    page.push_str("|---|---|---|---|---|---|--:|\n");
    for case in &run.cases {
        page.push_str(&row(case));
    }
    for (id, reason) in &run.ignored {
        let _ = writeln!(
            page,
            "| {} | ignored | | | | {} | |",
            escape(id),
            escape(reason)
        );
    }
    let told =
        |case: &&CaseReport| !matches!(case.outcome, OutcomeKind::Passed | OutcomeKind::Skipped);
    let mut left_out = 0;
    for case in run.cases.iter().filter(told) {
        let section = section(case);
        if page.len() + section.len() > MOST {
            left_out += 1;
        } else {
            page.push_str(&section);
        }
    }
    if left_out > 0 {
        let _ = write!(
            page,
            "\nExplanations left out, as the page would be too long: {left_out}.\n"
        );
    }
    let time = Duration::try_from_secs_f64(run.summary.seconds).unwrap_or_default();
    let _ = write!(page, "\nMeasured in {}", text::duration(time));
    if run.summary.filtered_out > 0 {
        let _ = write!(page, "; left out by filters: {}", run.summary.filtered_out);
    }
    page.push_str(".\n");
    out.write_all(page.as_bytes())
}

/// `1 failed, 2 as claimed`.
pub(super) fn counts(summary: &Summary) -> String {
    let counts = [
        (summary.failed, "failed"),
        (summary.broken, "broken"),
        (summary.inconclusive, "inconclusive"),
        (summary.skipped, "skipped"),
        (summary.ignored, "ignored"),
        (summary.passed, "as claimed"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let mut text = told.join(", ");
    if text.is_empty() {
        text.push_str("no case");
    }
    if summary.interrupted {
        text.push_str(" (interrupted)");
    }
    text
}

fn row(case: &CaseReport) -> String {
    let verdict = &case.verdict;
    let axis = verdict.axis;
    let slope = verdict.slope.zip(verdict.metric);
    let slope = slope.map(|(slope, metric)| text::slope(&slope, metric, axis));
    let limit = match (verdict.verdict, verdict.metric) {
        (Some(VerdictKind::Leak), _) => verdict.reaches.first().map(|r| r.words(true, axis)),
        (Some(_), Some(metric)) => verdict
            .detection_limit
            .filter(|limit| limit.is_finite())
            .map(|limit| format!("would have seen {}", text::rate(limit, metric, axis))),
        _ => None,
    };
    let found = verdict.verdict.map_or("", VerdictKind::name);
    format!(
        "| {} | {} | {found} | {} | {} | {} | {:.3} |\n",
        escape(&case.id),
        if case.flaky {
            "passed (flaky)"
        } else {
            case.outcome.name()
        },
        escape(&slope.unwrap_or_default()),
        curve_of(verdict),
        escape(&limit.unwrap_or_default()),
        case.seconds
    )
}

fn section(case: &CaseReport) -> String {
    let text = explain(case);
    // Longer than any fence in the text.
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!(
        "\n<details><summary>{}: {}</summary>\n\n{fence}text\n{text}{fence}\n\n</details>\n",
        escape(&case.id),
        case.outcome.name()
    )
}

/// Text that means nothing to Markdown, in a line of a table too.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text::printable(text).chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            '&' | '<' | '>' | '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '@' | '!'
            | ':' | '$' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_markdown_would_take_for_its_own_is_written_as_numbers() {
        assert_eq!(escape("a|b\n<i> *x*"), "a&#124;b &#60;i&#62; &#42;x&#42;");
        assert_eq!(escape("ground-truth/flat"), "ground-truth/flat");
    }
}
