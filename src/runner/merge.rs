//! Several runs as one: what counts where they tell of the same case, and what the whole exits with.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use super::parts::Part;
use super::suite::{completion_as, through_pipe};
use crate::config::Inconclusive;
use crate::outcome::{ExitCode, OutcomeKind};
use crate::report::{CaseReport, Event, Reporter, Summary};

/// Several runs as one.
#[derive(Debug)]
pub struct Merged {
    cases: Vec<CaseReport>,
    filtered_out: usize,
    strict: bool,
    ignored: BTreeMap<String, String>,
    inconclusive: Inconclusive,
    seconds: f64,
    interrupted: bool,
    /// What the whole exits with.
    pub code: ExitCode,
    /// What a reader should know: sentences.
    pub notes: Vec<String>,
}

/// Puts runs together, in the order of their cases' ids.
///
/// Where two tell of a case, the worse outcome counts: the order in which folders are named
/// is that of a pattern, not of time, and no failure shall be lost by it. Of the same
/// outcomes the last one counts. A case that was measured anywhere is not skipped.
pub fn merge(parts: Vec<Part>) -> Merged {
    let mut notes = differences(&parts);
    let mut merged: BTreeMap<String, (PathBuf, CaseReport)> = BTreeMap::new();
    let mut codes = Vec::new();
    let mut ignored = BTreeMap::new();
    let mut seconds = 0.0;
    let mut most = 0;
    let strict = parts
        .iter()
        .all(|part| part.started.as_ref().is_none_or(|started| started.strict));
    let inconclusive = strictest(&parts);
    let missing = missing_parts(&parts);
    for mut part in parts {
        part.add_lost();
        seconds += part.seconds();
        if let Some(started) = &part.started {
            let found = started.cases.len() + started.ignored.len() + started.filtered_out;
            most = most.max(found);
            ignored.extend(started.ignored.clone());
        }
        codes.push(part.code());
        for case in part.cases {
            let source = &part.source;
            let Some((other, known)) = merged.get(&case.id) else {
                merged.insert(case.id.clone(), (source.clone(), case));
                continue;
            };
            let (id, other) = (&case.id, other.display());
            let counts = rank(case.outcome) >= rank(known.outcome);
            let outcome = if counts { case.outcome } else { known.outcome };
            notes.push(if case.outcome == known.outcome {
                format!(
                    "`{id}` is {} in `{other}` and in `{}`; the latter counts",
                    outcome.name(),
                    source.display()
                )
            } else {
                format!(
                    "`{id}` is {} in `{other}` and {} in `{}`; it counts as {}",
                    known.outcome.name(),
                    case.outcome.name(),
                    source.display(),
                    outcome.name()
                )
            });
            if counts {
                merged.insert(case.id.clone(), (source.clone(), case));
            }
        }
    }
    let cases: Vec<CaseReport> = merged.into_values().map(|(_, case)| case).collect();
    let skipped: BTreeSet<&str> = cases
        .iter()
        .filter(|case| case.outcome == OutcomeKind::Skipped)
        .map(|case| case.id.as_str())
        .collect();
    // What an interrupted run left out may have been measured elsewhere.
    let interrupted = codes.iter().any(|code| code.is_interrupted(&skipped));
    let code = codes.iter().map(|code| code.without_interrupt).max();
    let mut code = code.unwrap_or_default();
    ignored.retain(|id, _| cases.iter().all(|case| case.id != *id));
    let filtered_out = most.saturating_sub(cases.len() + ignored.len());
    // A part may be empty: where all cases are there, none is missing.
    if !missing.is_empty() && filtered_out > 0 {
        code = code.max(ExitCode::Broken);
        notes.extend(missing);
    }
    Merged {
        filtered_out,
        cases,
        strict,
        ignored,
        inconclusive,
        seconds,
        interrupted,
        code: if interrupted {
            code.max(ExitCode::Interrupted)
        } else {
            code
        },
        notes,
    }
}

/// What follows from a case that is not decided: the strictest of what the runs say.
fn strictest(parts: &[Part]) -> Inconclusive {
    let started = parts.iter().filter_map(|part| part.started.as_ref());
    let rank = |what: &Inconclusive| match what {
        Inconclusive::Pass => 0,
        Inconclusive::Exit3 => 1,
        Inconclusive::Fail => 2,
    };
    let all = started.map(|started| started.inconclusive);
    all.max_by_key(rank).unwrap_or_default()
}

/// The parts of a partition that none of the results is of.
fn missing_parts(parts: &[Part]) -> Vec<String> {
    let mut known: BTreeMap<(&str, u32), BTreeSet<u32>> = BTreeMap::new();
    for started in parts.iter().filter_map(|part| part.started.as_ref()) {
        let partition = started.partition.as_deref().unwrap_or_default();
        let Some((how, (index, total))) = partition
            .split_once(':')
            .and_then(|(how, part)| Some((how, part.split_once('/')?)))
        else {
            continue;
        };
        if let (Ok(index), Ok(total)) = (index.parse(), total.parse()) {
            known.entry((how, total)).or_default().insert(index);
        }
    }
    let missing = known.into_iter().flat_map(|((how, total), indices)| {
        let missing = (1..=total).filter(move |index| !indices.contains(index));
        missing.map(move |index| {
            format!("the part `{how}:{index}/{total}` is missing: its cases were not measured, or its results not named")
        })
    });
    missing.collect()
}

/// The worse the higher.
fn rank(outcome: OutcomeKind) -> u8 {
    match outcome {
        OutcomeKind::Skipped => 0,
        OutcomeKind::Passed => 1,
        OutcomeKind::Inconclusive => 2,
        OutcomeKind::Broken => 3,
        OutcomeKind::Failed => 4,
    }
}

/// What makes the runs less than one.
fn differences(parts: &[Part]) -> Vec<String> {
    let started = || parts.iter().filter_map(|part| part.started.as_ref());
    let mut notes = Vec::new();
    let versions: BTreeSet<&str> = started().filter_map(|s| s.memcase.as_deref()).collect();
    if versions.len() > 1 {
        let versions: Vec<&str> = versions.into_iter().collect();
        notes.push(format!(
            "the results are of different versions of memcase ({}), which may decide differently",
            versions.join(", ")
        ));
    }
    if started().any(|s| s.strict) && started().any(|s| !s.strict) {
        notes.push("some runs were strict and some were not".to_owned());
    }
    notes
}

/// What a run asks for: beside an interrupt, and in case of one.
struct Code {
    without_interrupt: ExitCode,
    interrupted: bool,
    skipped: Vec<String>,
}

impl Code {
    fn is_interrupted(&self, skipped: &BTreeSet<&str>) -> bool {
        self.interrupted && self.skipped.iter().any(|id| skipped.contains(id.as_str()))
    }
}

impl Part {
    /// Cases that were selected and have no result: their run was killed.
    fn add_lost(&mut self) {
        let Some(started) = &self.started else {
            return;
        };
        let known: BTreeSet<&str> = self.cases.iter().map(|case| case.id.as_str()).collect();
        let lost = started
            .cases
            .iter()
            .filter(|id| !known.contains(id.as_str()));
        let lost: Vec<CaseReport> = lost
            .map(|id| CaseReport::lost(id.clone(), self.source.clone()))
            .collect();
        self.cases.extend(lost);
    }

    fn seconds(&self) -> f64 {
        let cases = || self.cases.iter().map(|case| case.seconds).sum();
        self.summary.map_or_else(cases, |summary| summary.seconds)
    }

    fn code(&self) -> Code {
        let worst = |skip: Option<OutcomeKind>| {
            let outcomes = self.cases.iter().map(|case| case.outcome);
            let codes = outcomes.filter(|outcome| Some(*outcome) != skip);
            codes.map(ExitCode::of).max().unwrap_or_default()
        };
        let all = worst(None);
        let own = self
            .summary
            .map(|summary| ExitCode::of_code(summary.exit_code));
        let interrupted = own == Some(ExitCode::Interrupted);
        let killed = self.started.is_some() && self.summary.is_none();
        let skipped = self
            .cases
            .iter()
            .filter(|case| case.outcome == OutcomeKind::Skipped);
        Code {
            without_interrupt: match own {
                // What the run made of cases that are not decided stands, and of nothing else.
                Some(code) if !interrupted => code.max(worst(Some(OutcomeKind::Inconclusive))),
                _ => all,
            },
            interrupted: interrupted || killed,
            skipped: skipped.map(|case| case.id.clone()).collect(),
        }
    }
}

impl Merged {
    /// Tells the reporter of all cases, as if they had been measured now.
    pub fn tell(self, terse: bool, reporter: &Arc<dyn Reporter>) -> io::Result<()> {
        reporter.event(&Event::RunStarted {
            memcase: env!("CARGO_PKG_VERSION").into(),
            cases: self.cases.iter().map(|case| case.id.clone()).collect(),
            filtered_out: self.filtered_out,
            partition: None,
            ignored: self.ignored.clone(),
            profile: String::new(),
            stress: (1, 1),
            inconclusive: self.inconclusive,
            strict: self.strict,
            artifacts: PathBuf::new(),
        });
        let mut summary = Summary {
            filtered_out: self.filtered_out,
            ignored: self.ignored.len(),
            seconds: self.seconds,
            interrupted: self.interrupted,
            exit_code: self.code.code(),
            ..Summary::default()
        };
        for case in &self.cases {
            summary.count(case);
        }
        let inconclusive = self.inconclusive;
        let trial = |case: CaseReport| {
            let reporter = Arc::clone(reporter);
            Trial::ignorable_test(case.id.clone(), move || {
                let completion = completion_as(&case, inconclusive);
                reporter.event(&Event::Case(Box::new(case)));
                completion
            })
        };
        let arguments = Arguments {
            test_threads: Some(1),
            ..Arguments::default()
        };
        let mut trials: Vec<Trial> = self.cases.into_iter().map(trial).collect();
        trials.extend(
            self.ignored
                .into_keys()
                .map(|id| Trial::test(id, || Ok(())).with_ignored_flag(true)),
        );
        through_pipe(arguments, terse, trials, reporter)?;
        reporter.event(&Event::RunFinished(summary));
        Ok(())
    }
}
