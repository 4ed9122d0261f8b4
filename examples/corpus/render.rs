//! The confusion table and the list of everything that was not right, as Markdown.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::score::{Judged, Said};

const COLUMNS: [Said; 4] = [Said::Leak, Said::Bounded, Said::Inconclusive, Said::Broken];

/// The tables of a run.
pub(crate) fn markdown(judged: &[Judged], skipped: usize) -> String {
    let mut text = String::new();
    table(&mut text, judged);
    let _ = writeln!(
        text,
        "\n{skipped} entries in other languages were skipped.\n"
    );
    times(&mut text, judged);
    kinds(&mut text, judged);
    slopes(&mut text, judged);
    let wrong = [
        ("Clean programs called leak", false, Said::Leak),
        ("Leaks called stable", true, Said::Bounded),
        ("Leaks without a verdict", true, Said::Inconclusive),
        (
            "Clean programs without a verdict",
            false,
            Said::Inconclusive,
        ),
        ("Leaks not measured", true, Said::Broken),
        ("Clean programs not measured", false, Said::Broken),
    ];
    for (title, leaks, said) in wrong {
        list(&mut text, judged, title, leaks, said);
    }
    text
}

fn table(text: &mut String, judged: &[Judged]) {
    text.push_str(
        "| language | truth | programs | leak | bounded | inconclusive | broken | right |\n",
    );
    text.push_str("|---|---|--:|--:|--:|--:|--:|--:|\n");
    let languages: BTreeSet<_> = judged.iter().map(|j| j.label.language.as_str()).collect();
    for language in languages.into_iter().map(Some).chain([None]) {
        for leaks in [true, false] {
            let group: Vec<_> = judged
                .iter()
                .filter(|j| j.label.leaks == leaks)
                .filter(|j| language.is_none_or(|language| j.label.language == language))
                .collect();
            let right = group.iter().filter(|j| j.is_right()).count();
            let _ = write!(
                text,
                "| {} | {} | {} |",
                language.unwrap_or("**all**"),
                if leaks { "leaks" } else { "clean" },
                group.len()
            );
            for said in COLUMNS {
                let count = group.iter().filter(|j| j.said == said).count();
                let _ = write!(text, " {count} |");
            }
            let percent = 100.0 * right as f64 / group.len().max(1) as f64;
            let _ = writeln!(text, " {percent:.1} % |");
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn times(text: &mut String, judged: &[Judged]) {
    let seconds = |leaks: bool| {
        let group = judged.iter().filter(|j| j.label.leaks == leaks);
        median(group.filter_map(|j| j.event.seconds).collect())
    };
    let all = median(judged.iter().filter_map(|j| j.event.seconds).collect());
    if let (Some(all), Some(leaks), Some(clean)) = (all, seconds(true), seconds(false)) {
        let _ = writeln!(
            text,
            "Median time to a verdict: {all:.1} s (leaks {leaks:.1} s, clean programs {clean:.1} s)."
        );
    }
}

fn kinds(text: &mut String, judged: &[Judged]) {
    let named: Vec<_> = judged
        .iter()
        .filter_map(|j| Some((j, j.names_its_kind()?)))
        .collect();
    let right = named.iter().filter(|(_, right)| *right).count();
    let _ = writeln!(
        text,
        "\nKind named rightly: {right} of {} leaks that were found.\n",
        named.len()
    );
    for (judged, _) in named.iter().filter(|(_, right)| !right) {
        let said = judged.event.kind.as_deref().unwrap_or("none");
        let truth = judged.label.kinds.join(" or ");
        let _ = writeln!(
            text,
            "* `{}`: said {said}, is {truth} ({})",
            judged.label.id, judged.label.title
        );
    }
}

/// The slopes of live bytes against those that were recorded.
fn slopes(text: &mut String, judged: &[Judged]) {
    let languages: BTreeSet<_> = judged.iter().map(|j| j.label.language.as_str()).collect();
    for language in languages {
        let of = |j: &&Judged| j.label.language == language;
        let errors: Vec<f64> = judged
            .iter()
            .filter(of)
            .filter_map(Judged::error_of_slope)
            .collect();
        let count = errors.len();
        if let Some(median) = median(errors) {
            let _ = writeln!(
                text,
                "Median error of the slope of live bytes in {language}: {:.2} % ({count} leaks).",
                100.0 * median
            );
        }
    }
}

fn list(text: &mut String, judged: &[Judged], title: &str, leaks: bool, said: Said) {
    let group: Vec<_> = judged
        .iter()
        .filter(|j| j.label.leaks == leaks && j.said == said)
        .collect();
    let _ = writeln!(text, "\n### {title}: {}\n", group.len());
    if group.is_empty() {
        return;
    }
    if said == Said::Broken {
        for judged in group {
            let reason = judged.event.reason.as_deref().unwrap_or("no event");
            let line = reason.lines().next().unwrap_or_default();
            let _ = writeln!(text, "* `{}`: {line}", judged.label.id);
        }
        return;
    }
    text.push_str(
        "| case | what it is | metric | shape | slope, B/iter | limit | iterations | s |\n",
    );
    text.push_str("|---|---|---|---|--:|--:|--:|--:|\n");
    for judged in group {
        let event = &judged.event;
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {:.1} | {:.0} | {} | {:.1} |",
            judged.label.id,
            judged.label.title,
            event.metric.as_deref().unwrap_or("-"),
            event.shape.as_deref().unwrap_or("-"),
            event
                .slope
                .as_ref()
                .map_or(f64::NAN, |slope| slope.estimate),
            event.detection_limit.unwrap_or(f64::NAN),
            event.iterations.unwrap_or(0),
            event.seconds.unwrap_or(f64::NAN),
        );
    }
}
