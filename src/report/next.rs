//! What is worth trying next, as commands that can be pasted and edits of the case.

use crate::analysis::VerdictKind;
use crate::case::Claim;
use crate::outcome::OutcomeKind;
use crate::trace::Axis;

use super::baseline;
use super::event::CaseReport;

/// The command that measures a case again, as a POSIX shell reads it.
pub(super) fn reproduce(report: &CaseReport) -> String {
    command("run", report)
}

fn command(verb: &str, report: &CaseReport) -> String {
    let file = shell_word(&report.file.display().to_string());
    let (id, mut flags) = (&report.id, String::new());
    let id = report.side.as_ref().map_or(id, |side| {
        flags.extend(
            side.flags
                .iter()
                .flat_map(|flag| [" ".to_owned(), shell_word(flag)]),
        );
        &side.case
    });
    format!("memcase {verb} {file} --exact {}{flags}", shell_word(id))
}

/// Commands and edits that are worth trying next.
pub(super) fn what_next(report: &CaseReport) -> Vec<String> {
    let run = reproduce(report);
    let verdict = &report.verdict;
    let explains = report.why.is_none() && verdict.verdict == Some(VerdictKind::Leak);
    let explain = explains.then(|| {
        let explain = command("explain", report);
        format!("{explain}    (which line, and who keeps it)")
    });
    let more = match (report.outcome, verdict.verdict) {
        (OutcomeKind::Failed, _) if baseline::is_regressed(report) && report.side.is_some() => {
            vec![format!("{run} --processes 5    (measure both sides again)")]
        }
        (OutcomeKind::Failed, _) if baseline::is_regressed(report) => vec![
            "where the change is meant: memcase review".to_owned(),
            format!("{run} --update=no    (measure it again)"),
        ],
        (OutcomeKind::Failed, _) if report.limit.is_some() => vec![
            "where the target needs that much, raise `limits.memory` in the case".to_owned(),
        ],
        // The program of a clock lives as long as it does: only time can be asked for.
        (OutcomeKind::Inconclusive | OutcomeKind::Failed, _)
            if verdict.axis != Axis::Iterations =>
        {
            vec![format!("{run} --time 5m    (look longer)")]
        }
        (OutcomeKind::Inconclusive, _) => vec![format!(
            "{run} --iterations {} --time 2m",
            (verdict.iterations * 4).clamp(1_000, 50_000)
        )],
        (OutcomeKind::Failed, Some(VerdictKind::Leak)) if report.expected == Claim::Stable => vec![
            if verdict.iterations < 5_000 {
                format!("{run} --strict    (confirm it over the whole horizon)")
            } else {
                let more = verdict.iterations * 4;
                format!("{run} --iterations {more} --time 5m    (see whether it levels off later)")
            },
            "where the leak is known and kept, write `expect: leak` in the case".to_owned(),
        ],
        (OutcomeKind::Failed, Some(VerdictKind::Spike)) => vec![
            "where the spike is meant, write `expect: spike` in the case, and bound it by `limits.spike`"
                .to_owned(),
        ],
        (OutcomeKind::Failed, _) => vec![format!("{run} --strict --time 2m    (look longer)")],
        (OutcomeKind::Broken, _) => vec![run],
        _ => Vec::new(),
    };
    let explain =
        explain.filter(|_| report.outcome == OutcomeKind::Failed && report.side.is_none());
    explain.into_iter().chain(more).collect()
}

/// A word as a POSIX shell reads it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell_are_quoted_where_they_must_be() {
        assert_eq!(shell_word("cases/a-b.yaml"), "cases/a-b.yaml");
        assert_eq!(shell_word("a[n=1]"), "'a[n=1]'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }
}
