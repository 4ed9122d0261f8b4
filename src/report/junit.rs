//! JUnit's XML, in the dialect that Jenkins' schema, GitLab and nextest's parser have in common.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite, XmlString,
};

use super::attempt::Attempt;
use super::document::{Document, WholeRun};
use super::event::CaseReport;
use super::explain::{explain, headline};
use super::text;
use crate::config::Inconclusive;
use crate::outcome::OutcomeKind;

/// The report and the suite, and the first part of each class.
const NAME: &str = "memcase";

/// Writes the run to `out` when it has ended.
pub fn junit(out: Box<dyn Write + Send>) -> Document {
    Document::new(out, Box::new(write))
}

fn write(run: &WholeRun, out: &mut dyn Write) -> io::Result<()> {
    let mut suite = TestSuite::new(NAME);
    let time = seconds(run.summary.seconds);
    suite.set_time(time);
    let cases = run.cases.iter();
    suite.add_test_cases(cases.map(|case| test_case(case, run.inconclusive)));
    suite.add_test_cases(run.ignored.iter().map(|(id, reason)| ignored(id, reason)));
    let mut report = Report::new(NAME);
    report.set_time(time);
    report.add_test_suite(suite);
    let text = report.to_string().map_err(io::Error::other)?;
    // The root has no such attribute in Jenkins' schema; the suite has it.
    let skipped = format!(" skipped=\"{}\"", report.skipped);
    out.write_all(text.replacen(&skipped, "", 1).as_bytes())
}

/// A case that says of itself that it is not to be run.
fn ignored(id: &str, reason: &str) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_type("ignored").set_message(clean(reason));
    let mut case = TestCase::new(clean(id), status);
    case.set_classname(clean(&class(id)));
    case
}

fn test_case(report: &CaseReport, inconclusive: Inconclusive) -> TestCase {
    let mut status = match (report.outcome, inconclusive) {
        (OutcomeKind::Passed, _) | (OutcomeKind::Inconclusive, Inconclusive::Pass) => {
            TestCaseStatus::success()
        }
        (OutcomeKind::Skipped, _) => TestCaseStatus::skipped(),
        (OutcomeKind::Failed, _) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        // Neither tells that the claim is wrong: they are errors of the test, as JUnit has it.
        (OutcomeKind::Inconclusive | OutcomeKind::Broken, _) => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
    };
    status.set_type(kind(report));
    status.set_message(clean(report.reason.lines().next().unwrap_or_default()));
    if !matches!(report.outcome, OutcomeKind::Passed | OutcomeKind::Skipped) {
        status.set_description(clean(&explain(report)));
    }
    let is_success = matches!(status, TestCaseStatus::Success { .. });
    for attempt in other_attempts(report) {
        let mut rerun = TestRerun::new(match attempt.outcome {
            OutcomeKind::Failed => NonSuccessKind::Failure,
            _ => NonSuccessKind::Error,
        });
        rerun.set_type(attempt.outcome.name());
        rerun.set_message(clean(attempt.reason.lines().next().unwrap_or_default()));
        status.add_rerun(rerun);
    }
    let mut case = TestCase::new(clean(&report.id), status);
    case.set_classname(clean(&class(&report.id)));
    case.set_time(seconds(report.seconds));
    let (label, figures) = headline(report);
    let line = format!("{label}  {figures}");
    if is_success {
        case.set_system_out(clean(line.trim()));
    }
    case
}

/// The tries of a case beside the one that is told.
fn other_attempts(report: &CaseReport) -> impl Iterator<Item = &Attempt> {
    let is_told =
        |attempt: &Attempt| (attempt.outcome, &attempt.reason) == (report.outcome, &report.reason);
    let told = report.attempts.iter().rposition(is_told);
    let all = report.attempts.iter().enumerate();
    all.filter(move |(index, _)| Some(*index) != told)
        .map(|(_, attempt)| attempt)
}

/// What a failure is, in a word that can be searched for.
fn kind(report: &CaseReport) -> &'static str {
    match (report.outcome, report.verdict.verdict) {
        (OutcomeKind::Failed, _) if report.limit.is_some() => "limit",
        (OutcomeKind::Failed, Some(verdict)) => verdict.name(),
        (outcome, _) => outcome.name(),
    }
}

/// The folders of an id as packages: `memcase.field` of `field/pandas`.
fn class(id: &str) -> String {
    match id.rsplit_once('/') {
        Some((folders, _)) => format!("{NAME}.{}", folders.replace('/', ".")),
        None => NAME.to_owned(),
    }
}

/// Text as XML 1.0 can hold it: control characters are shown as what they are not.
fn clean(text: &str) -> XmlString {
    let allowed = |c: char| !matches!(c, '\u{fffe}' | '\u{ffff}');
    let shown: String = text::printable(text)
        .chars()
        .map(|c| if allowed(c) { c } else { '\u{fffd}' })
        .collect();
    XmlString::new(shown)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
