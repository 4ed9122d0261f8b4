//! Runs of what has changed: in fast mode first, and once more where that is not the last word.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use indicatif::ProgressDrawTarget;

use super::watching::Watch;
use crate::baseline::Update;
use crate::cli::CliError;
use crate::cli::args::RunFormat;
use crate::cli::output;
use crate::cli::run::{open, options};
use crate::cli::shown::Shown;
use crate::config::Mode;
use crate::measure::interrupt;
use crate::outcome::OutcomeKind;
use crate::report::difference::{Change, confirming_line, difference_line, is_confirmed, tally};
use crate::report::{CaseReport, Human, Layout, Live, Reporter, explain};
use crate::runner::watch::lap;
use crate::runner::watch::made_of::MadeOf;

/// Cases that are named in a line; of more the number is told.
const NAMED: usize = 5;

/// A run that goes on.
pub(super) struct Lap {
    /// Whether it confirms results of fast mode.
    confirms: bool,
    /// Cases that have not ended.
    open: BTreeSet<String>,
    ended: Vec<CaseReport>,
    /// Whether it was ended, so that what is open is run again.
    pub(super) is_cut: bool,
    shown: Arc<dyn Reporter>,
}

impl Lap {
    pub(super) fn add(&mut self, report: CaseReport) {
        if report.outcome != OutcomeKind::Skipped {
            self.open.remove(&report.id);
            self.ended.push(report);
        }
    }

    /// Why its report can no longer be written, if so.
    pub(super) fn closed(&self) -> Option<ErrorKind> {
        self.shown.closed()
    }

    /// Whether it measures what has changed or is gone. To confirm can wait until nothing changes.
    pub(super) fn is_outdated(
        &self,
        queue: &BTreeSet<String>,
        made: &BTreeMap<String, MadeOf>,
    ) -> bool {
        let is_old = |id: &String| queue.contains(id) || !made.contains_key(id);
        (self.confirms && !queue.is_empty()) || self.open.iter().any(is_old)
    }
}

impl Watch<'_> {
    /// Runs what is in the queue.
    pub(super) fn start_fast(&mut self) -> Result<(), CliError> {
        let ids = std::mem::take(&mut self.queue);
        if self.args.clear && console::Term::stdout().is_term() {
            console::Term::stdout()
                .clear_screen()
                .map_err(CliError::Output)?;
        }
        let causes = std::mem::take(&mut self.causes);
        let (cases, of) = (ids.len(), self.made.len());
        let mut line = format!("running {cases} of {of} in fast mode\n");
        if !causes.is_empty() {
            line = format!("\n{}: {line}", listed(causes.iter()));
        }
        self.say(&line);
        self.start(ids, false)
    }

    /// Runs in the usual mode what fast mode has found.
    pub(super) fn start_confirming(&mut self) -> Result<(), CliError> {
        let ids = std::mem::take(&mut self.unconfirmed);
        let mode = match self.holds.mode()? {
            Mode::Strict => "strict",
            Mode::Normal | Mode::Fast => "normal",
        };
        self.say(&format!(
            "\nconfirming in {mode} mode: {}\n",
            listed(ids.iter())
        ));
        self.start(ids, true)
    }

    fn start(&mut self, ids: BTreeSet<String>, confirms: bool) -> Result<(), CliError> {
        self.waits = false;
        let mut plan = self.plan.clone();
        let is_in = |id: &str| ids.contains(id);
        let others = plan.selected.extract_if(.., |one| !is_in(&one.case.id.0));
        plan.left_out.extend(others.map(|one| one.case.id.0));
        let mut options = options(&self.args.flags, &self.holds)?;
        options.settings.update = Update::No;
        if !confirms {
            options.settings.fast = true;
            options.settings.strict = false;
        }
        let shown = self.shown(confirms || self.args.quiet);
        let artifacts = open()?;
        let started = lap::start(
            plan,
            options,
            artifacts,
            Arc::clone(&shown),
            self.tell.clone(),
        );
        started.map_err(|error| {
            let folder = self.own.display();
            let remedy = "set MEMCASE_DIR to another";
            CliError::Usage(format!(
                "a run could not be kept in `{folder}`: {error}; {remedy}"
            ))
        })?;
        self.lap = Some(Lap {
            confirms,
            open: ids,
            ended: Vec::new(),
            is_cut: false,
            shown,
        });
        Ok(())
    }

    /// The report of a run; a quiet one shows what goes on, and nothing that stays.
    fn shown(&self, is_quiet: bool) -> Arc<dyn Reporter> {
        if is_quiet {
            let live = output::can_draw().then(|| Live::new(ProgressDrawTarget::stderr()));
            let (out, err) = (Box::new(io::sink()), Box::new(io::stderr()));
            return Arc::new(Human::new(Layout::default(), live, out, err));
        }
        let shown = Shown {
            format: RunFormat::Pretty,
            message_format: None,
            aside: false,
            color: self.args.color,
        };
        shown.reporter()
    }

    /// Tells what became of the cases of a run, and decides which of them are run again.
    pub(super) fn ended(&mut self, lap: Lap) {
        interrupt::go_on();
        let is_first = self.results.is_empty();
        let Lap {
            open, mut ended, ..
        } = lap;
        if lap.is_cut {
            let open = open.into_iter().filter(|id| self.made.contains_key(id));
            let again = if lap.confirms {
                &mut self.unconfirmed
            } else {
                &mut self.queue
            };
            again.extend(open);
            self.unconfirmed.retain(|id| !self.queue.contains(id));
        } else {
            self.ends.clear();
        }
        ended.retain(|report| self.made.contains_key(&report.id));
        ended.sort_by(|a, b| a.id.cmp(&b.id));
        let mut text = String::new();
        let mut changes = Vec::new();
        for report in ended {
            let before = self.results.get(&report.id);
            let line = if lap.confirms {
                confirming_line(before, &report)
            } else {
                difference_line(before, &report)
            };
            let _ = writeln!(text, "    {}: {line}", report.id);
            if lap.confirms {
                // Of what fast mode has found all was told already.
                if !is_confirmed(before, &report) && report.outcome != OutcomeKind::Passed {
                    text += &explain(&report);
                }
            } else if !self.queue.contains(&report.id) && self.is_open(before, &report) {
                self.unconfirmed.insert(report.id.clone());
            }
            changes.push(Change::of(before, &report));
            self.results.insert(report.id.clone(), report);
        }
        if changes.is_empty() {
            return;
        }
        let state = self.state();
        if is_first {
            self.say(&state);
        } else if lap.confirms {
            self.say(&format!("{text}{state}"));
        } else {
            let tally = tally(&changes);
            self.say(&format!("since the last run:\n{text}{tally}; {state}"));
        }
    }

    /// Whether fast mode is not the last word: it has found something new that is not as claimed, another verdict, or
    /// none. What could not be measured cannot be confirmed.
    fn is_open(&self, before: Option<&CaseReport>, now: &CaseReport) -> bool {
        if self.holds.mode().is_ok_and(|mode| mode == Mode::Fast)
            || now.outcome == OutcomeKind::Broken
        {
            return false;
        }
        let is_another = match before {
            Some(before) => {
                before.verdict.verdict != now.verdict.verdict || before.outcome != now.outcome
            }
            None => now.outcome != OutcomeKind::Passed,
        };
        is_another || now.outcome == OutcomeKind::Inconclusive
    }

    /// How many cases are as claimed, and which are not.
    fn state(&self) -> String {
        let known = self.made.keys().filter_map(|id| self.results.get(id));
        let (passed, others): (Vec<_>, Vec<_>) =
            known.partition(|report| report.outcome == OutcomeKind::Passed);
        let (passed, of) = (passed.len(), self.made.len());
        let plural = if of == 1 { "" } else { "s" };
        let are = if passed == 1 { "is" } else { "are" };
        let mut text = format!("{passed} of {of} case{plural} {are} as claimed");
        if !others.is_empty() {
            let _ = write!(
                text,
                "; not as claimed: {}",
                listed(others.iter().map(|report| &report.id))
            );
        }
        text + "\n"
    }
}

/// `a, b, c and 4 more`.
fn listed<'n>(names: impl ExactSizeIterator<Item = &'n String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<&str> = names.take(NAMED).map(String::as_str).collect();
    let mut text = named.join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}
