//! The loop: what comes up is taken one by one, and runs follow from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use clap::ArgMatches;

use super::WatchArgs;
use super::laps::Lap;
use crate::cli::CliError;
use crate::cli::run::{complain_of_interrupt, guard, open};
use crate::cli::select::Meant;
use crate::cli::settings::Holds;
use crate::cli::sides::note;
use crate::measure::interrupt;
use crate::outcome::{ExitCode, OutcomeKind};
use crate::report::CaseReport;
use crate::runner::suite::Plan;
use crate::runner::watch::eyes::Eyes;
use crate::runner::watch::made_of::MadeOf;
use crate::runner::watch::settle::Settling;
use crate::runner::watch::{Heard, keys};

/// So often signals, and changes that have settled, are seen to.
const TICK: Duration = Duration::from_millis(50);

const HELP: &str = "
    Enter   run all cases again
    f       run those again that are not as claimed
    h       this help
    q       quit, as Ctrl-C and Ctrl-D do
Each is a line: the letter, then Enter.
";

/// Cases that are watched, and all that is known of them.
pub(super) struct Watch<'a> {
    pub(super) args: &'a WatchArgs,
    pub(super) matches: &'a ArgMatches,
    pub(super) meant: Meant,
    pub(super) holds: Holds,
    /// The present folder, with no link in its path.
    pub(super) here: PathBuf,
    /// Where traces and results are kept, likewise.
    pub(super) own: PathBuf,
    pub(super) eyes: Eyes,
    pub(super) tell: Sender<Heard>,
    pub(super) plan: Plan,
    /// What each selected case is made of.
    pub(super) made: BTreeMap<String, MadeOf>,
    /// Why nothing is selected, if so.
    pub(super) nothing: Option<String>,
    /// Mistakes of files, as they were told.
    pub(super) mistakes: Vec<String>,
    /// The files that have them.
    pub(super) unreadable: BTreeSet<PathBuf>,
    pub(super) told_notes: BTreeSet<String>,
    /// The last result of each case.
    pub(super) results: BTreeMap<String, CaseReport>,
    /// Cases that are to be run.
    pub(super) queue: BTreeSet<String>,
    /// Cases whose result in fast mode is to be confirmed.
    pub(super) unconfirmed: BTreeSet<String>,
    pub(super) lap: Option<Lap>,
    /// Why the next run is started.
    pub(super) causes: BTreeSet<String>,
    /// How often a path has ended a run, in runs that followed each other.
    pub(super) ends: BTreeMap<PathBuf, u32>,
    /// What is told before the next run, or when there is none.
    pub(super) notices: String,
    /// Whether keys are listened to.
    listens: bool,
    /// Whether it was told that nothing is done.
    pub(super) waits: bool,
    quits: bool,
    closed: Option<ErrorKind>,
}

/// Runs, waits, and runs again.
pub(in crate::cli) fn watch(args: &WatchArgs, matches: &ArgMatches) -> Result<ExitCode, CliError> {
    if args.selection.rerun_failed {
        return Err(CliError::Usage(
            "`--rerun-failed` chooses once, and `watch` again and again; watch without it, and type \
             `f` and Enter to run those that are not as claimed"
                .to_owned(),
        ));
    }
    let meant = Meant::read(&args.selection)?;
    let holds = Holds::read(&args.flags, matches)?;
    holds.mode()?;
    let here = std::env::current_dir().and_then(fs::canonicalize);
    let here = here
        .map_err(|error| CliError::Usage(format!("the present folder can not be read: {error}")))?;
    let place = open()?.root().to_owned();
    guard();
    let (tell, heard) = mpsc::channel();
    let (eyes, told) = Eyes::open(args.poll, tell.clone()).map_err(CliError::Output)?;
    if let Some(told) = told {
        note(&told);
    }
    let mut watch = Watch {
        args,
        matches,
        meant,
        holds,
        here,
        own: fs::canonicalize(&place).unwrap_or(place),
        eyes,
        listens: keys::listen(tell.clone()),
        tell,
        plan: Plan::default(),
        made: BTreeMap::new(),
        nothing: None,
        mistakes: Vec::new(),
        unreadable: BTreeSet::new(),
        told_notes: BTreeSet::new(),
        results: BTreeMap::new(),
        queue: BTreeSet::new(),
        unconfirmed: BTreeSet::new(),
        lap: None,
        causes: BTreeSet::new(),
        ends: BTreeMap::new(),
        notices: String::new(),
        waits: false,
        quits: false,
        closed: None,
    };
    watch.begin()?;
    watch.go_on(&heard)
}

impl Watch<'_> {
    fn go_on(&mut self, heard: &Receiver<Heard>) -> Result<ExitCode, CliError> {
        let mut settling = Settling::default();
        loop {
            match heard.recv_timeout(TICK) {
                Ok(Heard::Seen(seen)) => settling.add(seen),
                Ok(Heard::Typed(line)) => self.typed(&line),
                Ok(Heard::InputEnded) => self.quits = true,
                Ok(Heard::Case(report)) => {
                    if let Some(lap) = &mut self.lap {
                        lap.add(*report);
                    }
                }
                Ok(Heard::Ended(ended)) => {
                    ended.map_err(CliError::Output)?;
                    if let Some(lap) = self.lap.take() {
                        if interrupt::by_signal() {
                            complain_of_interrupt("not all cases of the last run were measured");
                            return Ok(ExitCode::Interrupted);
                        }
                        self.closed = self.closed.or(lap.closed());
                        self.ended(lap);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if let Some(changes) = settling.settled() {
                self.changed(changes)?;
            }
            if self.lap.is_none() {
                match self.closed {
                    None => {}
                    Some(ErrorKind::BrokenPipe) => return Ok(ExitCode::Interrupted),
                    Some(kind) => return Err(CliError::Output(kind.into())),
                }
                if self.quits || interrupt::by_signal() {
                    return Ok(ExitCode::AsClaimed);
                }
                // What is settling just now may be of the next run.
                if settling.is_empty() {
                    self.next()?;
                }
            } else if self.quits {
                self.end_lap();
            }
        }
    }

    /// Starts the next run, if there is one, or says that there is none.
    fn next(&mut self) -> Result<(), CliError> {
        let notices = std::mem::take(&mut self.notices);
        self.say(&notices);
        if !self.queue.is_empty() {
            return self.start_fast();
        }
        if !self.unconfirmed.is_empty() {
            return self.start_confirming();
        }
        if !self.waits {
            self.waits = true;
            let mut line = match (&self.nothing, self.plan.selected.len()) {
                (Some(why), _) => format!("{why}; waiting for changes"),
                (None, 1) => "watching 1 case".to_owned(),
                (None, cases) => format!("watching {cases} cases"),
            };
            if self.listens {
                line += " (Enter: all again, f: those not as claimed, h: help, q: quit)";
            }
            self.say(&format!("{line}\n"));
        }
        Ok(())
    }

    fn typed(&mut self, line: &str) {
        self.waits = false;
        match line.trim() {
            "" => {
                self.causes.insert("all are run again".to_owned());
                self.queue.extend(self.made.keys().cloned());
            }
            "f" => {
                let fails = |id: &&String| {
                    let result = self.results.get(*id);
                    result.is_none_or(|report| report.outcome != OutcomeKind::Passed)
                };
                let failing: Vec<String> = self.made.keys().filter(fails).cloned().collect();
                if failing.is_empty() {
                    self.notices += "all cases are as claimed\n";
                    return;
                }
                let cause = "those that are not as claimed are run again";
                self.causes.insert(cause.to_owned());
                self.queue.extend(failing);
            }
            "q" => {
                self.quits = true;
                return;
            }
            _ => {
                self.notices += HELP;
                return;
            }
        }
        self.unconfirmed.retain(|id| !self.queue.contains(id));
        self.end_lap();
    }

    /// Ends what is being run: it is run again, with what has changed.
    pub(super) fn end_lap(&mut self) {
        if let Some(lap) = &mut self.lap {
            lap.is_cut = true;
            interrupt::enough();
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        if text.is_empty() || self.closed.is_some() {
            return;
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.closed = written.err().map(|error| error.kind());
    }
}
