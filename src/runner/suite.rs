//! Many cases through libtest-mimic, whose lines the reporter prints again with the verdict beside.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use libtest_mimic::{Arguments, ColorSetting, Completion, Failed, FormatSetting, Trial};

use super::artifacts::Artifacts;
use super::drawn::drawn_below;
use super::horizon::Settings;
use super::lanes::Lanes;
use super::permits::Permits;
use super::plan::Planned;
use super::retry::run_case;
use super::schedule::Shared;
use super::together::Together;
use crate::config::{Group, Inconclusive, MaxFail};
use crate::measure::{interrupt, machine};
use crate::outcome::{ExitCode, Outcome, OutcomeKind};
use crate::report::plot::Screen;
use crate::report::{CaseReport, Event, Reporter, Summary, explain};

/// How a run goes about its cases.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What is set for all cases.
    pub settings: Settings,
    /// Cases in flight; default: as many as there are cores, at least two.
    pub threads: Option<usize>,
    /// After how many cases that fail or break the run ends.
    pub max_fail: MaxFail,
    /// What follows from a case that is not decided.
    pub inconclusive: Inconclusive,
    /// How many cases of each group run at the same time.
    pub groups: BTreeMap<String, Group>,
    /// The profile of the configuration, to be told.
    pub profile: String,
    /// Which of several runs this is, and how many there are; zeros are one.
    pub stress: (u32, u32),
    /// Whether libtest prints one character a case.
    pub terse: bool,
    /// Where cases that are not as claimed are drawn, if they are.
    pub plot: Option<Screen>,
}

/// What is run of what was found.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Cases that are run.
    pub selected: Vec<Planned>,
    /// Cases that say `ignore`, with their reasons.
    pub ignored: BTreeMap<String, String>,
    /// The part of this machine, where several share the cases.
    pub partition: Option<String>,
    /// Ids of cases that the filters left out.
    pub left_out: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Default)]
pub struct Ran {
    /// What the program should exit with.
    pub code: ExitCode,
    /// What became of each case, in the order in which they ended.
    pub outcomes: Vec<(String, OutcomeKind)>,
}

/// What cases in flight share beside what is measured.
struct Run {
    shared: Shared,
    reporter: Arc<dyn Reporter>,
    lanes: Lanes,
    max_fail: MaxFail,
    inconclusive: Inconclusive,
    plot: Option<Screen>,
    failures: AtomicU32,
    summary: Mutex<Summary>,
    ran: Mutex<Ran>,
}

impl Shared {
    /// What `options` and this machine say.
    pub fn new(options: &Options, artifacts: Artifacts) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            settings: Settings {
                cores: cores as u32,
                keep_pending: options.stress.0 > 1,
                ..options.settings.clone()
            },
            permits: Permits::new(cores),
            artifacts,
            in_flight: options.threads.unwrap_or(cores.max(2)).max(1),
            memory: machine::environment().memory,
        }
    }
}

/// Runs the cases and tells the reporter.
pub fn run(
    plan: Plan,
    options: &Options,
    artifacts: Artifacts,
    reporter: &Arc<dyn Reporter>,
) -> io::Result<Ran> {
    let began = Instant::now();
    let expected: usize = plan.selected.iter().map(|one| one.told().len()).sum();
    let (filtered_out, ignored) = (plan.left_out.len(), plan.ignored.len());
    let shared = Shared::new(options, artifacts);
    let run = Arc::new(Run {
        lanes: Lanes::new(&options.groups, shared.in_flight),
        shared,
        reporter: Arc::clone(reporter),
        max_fail: options.max_fail,
        inconclusive: options.inconclusive,
        plot: options.plot,
        failures: AtomicU32::new(0),
        summary: Mutex::default(),
        ran: Mutex::default(),
    });
    let (stress, of) = options.stress;
    reporter.event(&Event::RunStarted {
        memcase: env!("CARGO_PKG_VERSION").into(),
        cases: plan
            .selected
            .iter()
            .flat_map(Planned::told)
            .map(|case| case.id.0.clone())
            .collect(),
        filtered_out,
        partition: plan.partition.clone(),
        ignored: plan.ignored.clone(),
        profile: options.profile.clone(),
        stress: (stress.max(1), of.max(1)),
        inconclusive: options.inconclusive,
        strict: options.settings.strict,
        artifacts: run.shared.artifacts.root().to_owned(),
    });
    libtest(plan, options, &run)?;

    let mut summary = *lock(&run.summary);
    let mut ran = std::mem::take(&mut *lock(&run.ran));
    if ran.outcomes.len() != expected {
        ran.code = ran.code.max(ExitCode::Bug);
    }
    // Who stops reading the report ends the run, and what was left out is not as claimed.
    let unread = reporter.closed().is_some() && summary.skipped > 0;
    if interrupt::by_signal() || unread {
        ran.code = ran.code.max(ExitCode::Interrupted);
        summary.interrupted = true;
    }
    summary.filtered_out = filtered_out;
    summary.ignored = ignored;
    summary.seconds = began.elapsed().as_secs_f64();
    summary.exit_code = ran.code.code();
    reporter.event(&Event::RunFinished(summary));
    Ok(ran)
}

/// Lets libtest-mimic run the cases.
fn libtest(plan: Plan, options: &Options, run: &Arc<Run>) -> io::Result<()> {
    let Plan {
        selected,
        ignored,
        left_out,
        ..
    } = plan;
    let arguments = Arguments {
        test_threads: Some(run.lanes.threads(&selected)),
        // What is selected was decided before; libtest only has to count the rest.
        exact: true,
        skip: left_out.clone(),
        ..Arguments::default()
    };
    let mut trials: Vec<Trial> = selected
        .into_iter()
        .flat_map(|planned| {
            let ids = planned.told().into_iter().map(|case| case.id.0.clone());
            let ids: Vec<String> = ids.collect();
            let together = Arc::new(Together::new(planned));
            ids.into_iter().enumerate().map(move |(side, id)| {
                let (run, together) = (Arc::clone(run), Arc::clone(&together));
                Trial::ignorable_test(id, move || run.trial(&together, side))
            })
        })
        .collect();
    trials.extend(
        ignored
            .into_keys()
            .map(|id| Trial::test(id, || Err(Failed::without_message())).with_ignored_flag(true)),
    );
    trials.extend(
        left_out
            .into_iter()
            .map(|id| Trial::test(id, || Err(Failed::without_message()))),
    );
    through_pipe(arguments, options.terse, trials, &run.reporter)
}

/// Hands libtest-mimic's output to the reporter as it comes.
pub(super) fn through_pipe(
    arguments: Arguments,
    terse: bool,
    trials: Vec<Trial>,
    reporter: &Arc<dyn Reporter>,
) -> io::Result<()> {
    let (mut output, pipe) = io::pipe()?;
    let arguments = Arguments {
        color: Some(ColorSetting::Never),
        format: Some(if terse {
            FormatSetting::Terse
        } else {
            FormatSetting::Pretty
        }),
        logfile: Some(format!("/dev/fd/{}", pipe.as_raw_fd())),
        ..arguments
    };
    let reporter = Arc::clone(reporter);
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        // The reporter minds its own output; this pipe is always read to its end, so
        // that libtest never fails to write.
        while let Ok(got @ 1..) = output.read(&mut buffer) {
            reporter.libtest(&buffer[..got]);
        }
    });
    // Its counts are not asked for: it knows only passed and failed.
    let _ = libtest_mimic::run(&arguments, trials);
    drop(pipe);
    reader
        .join()
        .map_err(|_| io::Error::other("the report ended early"))
}

impl Run {
    fn trial(&self, together: &Together, side: usize) -> Result<Completion, Failed> {
        let mut report = together.report(side, |planned| self.measure(planned));
        // It was ended for the others, and nobody interrupted it.
        if report.outcome == OutcomeKind::Skipped
            && let Some(why) = self.why_not()
        {
            why.clone_into(&mut report.reason);
        }
        if matches!(report.outcome, OutcomeKind::Failed | OutcomeKind::Broken) {
            let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
            if self.max_fail.immediate && self.max_fail.cases.is_some_and(|max| failures >= max) {
                interrupt::enough();
            }
        }
        lock(&self.summary).count(&report);
        let mut ran = lock(&self.ran);
        ran.code = ran.code.max(self.code(report.outcome));
        ran.outcomes.push((report.id.clone(), report.outcome));
        drop(ran);
        let completion = completion_as(&report, self.inconclusive)
            .map_err(|failed| drawn_below(failed, &report, self.plot));
        self.reporter.event(&Event::Case(Box::new(report)));
        completion
    }

    fn measure(&self, planned: &Planned) -> Vec<CaseReport> {
        let tell = |event| self.reporter.event(&event);
        let _lane = self.lanes.enter(planned.group.as_deref());
        match self.why_not() {
            Some(why) => {
                let skipped = |case| CaseReport::new(case, Outcome::skipped(why));
                planned.told().into_iter().map(skipped).collect()
            }
            None => run_case(planned, &self.shared, &|| self.why_not().is_none(), &tell),
        }
    }

    fn code(&self, outcome: OutcomeKind) -> ExitCode {
        match (outcome, self.inconclusive) {
            (OutcomeKind::Inconclusive, Inconclusive::Pass) => ExitCode::AsClaimed,
            (OutcomeKind::Inconclusive, Inconclusive::Fail) => ExitCode::Failed,
            _ => ExitCode::of(outcome),
        }
    }

    /// Why no further case is started, if so.
    fn why_not(&self) -> Option<&'static str> {
        let failures = self.failures.load(Ordering::Relaxed);
        if interrupt::by_signal() {
            Some("interrupted")
        } else if self.max_fail.cases.is_some_and(|max| failures >= max) {
            Some(match self.max_fail {
                MaxFail::FIRST => "after a failure, with --fail-fast",
                _ => "after as many failures as --max-fail allows",
            })
        } else if self.reporter.closed().is_some() {
            Some("nobody reads the report")
        } else if interrupt::requested() {
            Some("it was ended for another run")
        } else {
            None
        }
    }
}

/// What libtest is told, where it is set what follows from a case that is not decided.
pub(super) fn completion_as(
    report: &CaseReport,
    inconclusive: Inconclusive,
) -> Result<Completion, Failed> {
    match (report.outcome, inconclusive) {
        (OutcomeKind::Inconclusive, Inconclusive::Pass) => Ok(Completion::Completed),
        _ => completion(report),
    }
}

/// What libtest is told.
pub fn completion(report: &CaseReport) -> Result<Completion, Failed> {
    match report.outcome {
        OutcomeKind::Passed => Ok(Completion::Completed),
        OutcomeKind::Skipped => Ok(Completion::ignored_with(&report.reason)),
        OutcomeKind::Failed | OutcomeKind::Inconclusive | OutcomeKind::Broken => {
            Err(explain(report).trim_end().into())
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
