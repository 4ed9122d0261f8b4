//! Many cases through libtest-mimic, whose lines the reporter prints again with the verdict beside.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use libtest_mimic::{Arguments, ColorSetting, Completion, Failed, FormatSetting, Trial};

use super::artifacts::Artifacts;
use super::horizon::Settings;
use super::permits::Permits;
use super::schedule::{Shared, run_case};
use crate::case::Case;
use crate::measure::{interrupt, machine};
use crate::outcome::{ExitCode, Outcome, OutcomeKind};
use crate::report::{CaseReport, Event, Reporter, Summary, explain};

/// How a run goes about its cases.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What is set for all cases.
    pub settings: Settings,
    /// Cases in flight; default: as many as there are cores, at least two.
    pub threads: Option<usize>,
    /// Whether the run ends at the first case that fails or breaks.
    pub fail_fast: bool,
    /// Whether libtest prints one character a case.
    pub terse: bool,
}

/// What cases in flight share beside what is measured.
struct Run {
    shared: Shared,
    reporter: Arc<dyn Reporter>,
    fail_fast: bool,
    stop: AtomicBool,
    summary: Mutex<Summary>,
    code: Mutex<ExitCode>,
}

impl Shared {
    /// What `options` and this machine say.
    pub fn new(options: &Options, artifacts: Artifacts) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            settings: Settings {
                cores: cores as u32,
                ..options.settings.clone()
            },
            permits: Permits::new(cores),
            artifacts,
            in_flight: options.threads.unwrap_or(cores.max(2)).max(1),
            memory: machine::environment().memory,
        }
    }
}

/// Runs the cases, tells the reporter, and returns what the program should exit with.
pub fn run(
    selected: Vec<Case>,
    left_out: Vec<String>,
    options: &Options,
    artifacts: Artifacts,
    reporter: &Arc<dyn Reporter>,
) -> io::Result<ExitCode> {
    let began = Instant::now();
    let expected = selected.len();
    let run = Arc::new(Run {
        shared: Shared::new(options, artifacts),
        reporter: Arc::clone(reporter),
        fail_fast: options.fail_fast,
        stop: AtomicBool::new(false),
        summary: Mutex::default(),
        code: Mutex::default(),
    });
    reporter.event(&Event::RunStarted {
        cases: selected.iter().map(|case| case.id.0.clone()).collect(),
        filtered_out: left_out.len(),
        strict: options.settings.strict,
        artifacts: run.shared.artifacts.root().to_owned(),
    });
    let filtered_out = left_out.len();
    libtest(selected, left_out, options, &run)?;

    let mut summary = *lock(&run.summary);
    let mut code = *lock(&run.code);
    let ended =
        summary.passed + summary.failed + summary.inconclusive + summary.broken + summary.skipped;
    if ended != expected {
        code = code.max(ExitCode::Bug);
    }
    // Who stops reading the report ends the run, and what was left out is not as claimed.
    let unread = reporter.closed().is_some() && summary.skipped > 0;
    if interrupt::requested() || unread {
        code = code.max(ExitCode::Interrupted);
        summary.interrupted = true;
    }
    summary.filtered_out = filtered_out;
    summary.seconds = began.elapsed().as_secs_f64();
    summary.exit_code = code.code();
    reporter.event(&Event::RunFinished(summary));
    Ok(code)
}

/// Lets libtest-mimic run the cases and hands its output to the reporter as it comes.
fn libtest(
    selected: Vec<Case>,
    left_out: Vec<String>,
    options: &Options,
    run: &Arc<Run>,
) -> io::Result<()> {
    let (mut output, pipe) = io::pipe()?;
    let arguments = Arguments {
        test_threads: Some(run.shared.in_flight),
        color: Some(ColorSetting::Never),
        format: Some(if options.terse {
            FormatSetting::Terse
        } else {
            FormatSetting::Pretty
        }),
        // What is selected was decided before; libtest only has to count the rest.
        exact: true,
        skip: left_out.clone(),
        logfile: Some(format!("/dev/fd/{}", pipe.as_raw_fd())),
        ..Arguments::default()
    };
    let mut trials: Vec<Trial> = selected
        .into_iter()
        .map(|case| {
            let run = Arc::clone(run);
            Trial::ignorable_test(case.id.0.clone(), move || run.trial(&case))
        })
        .collect();
    trials.extend(
        left_out
            .into_iter()
            .map(|id| Trial::test(id, || Err(Failed::without_message()))),
    );
    let reporter = Arc::clone(&run.reporter);
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
    fn trial(&self, case: &Case) -> Result<Completion, Failed> {
        let tell = |event| self.reporter.event(&event);
        let report = match self.why_not() {
            Some(why) => CaseReport::new(case, Outcome::skipped(why)),
            None => run_case(case, &self.shared, &tell),
        };
        lock(&self.summary).count(report.outcome);
        let code = ExitCode::of(report.outcome);
        let mut worst = lock(&self.code);
        *worst = (*worst).max(code);
        drop(worst);
        if self.fail_fast && matches!(report.outcome, OutcomeKind::Failed | OutcomeKind::Broken) {
            self.stop.store(true, Ordering::Relaxed);
        }
        let completion = completion(&report);
        self.reporter.event(&Event::Case(Box::new(report)));
        completion
    }

    /// Why no further case is started, if so.
    fn why_not(&self) -> Option<&'static str> {
        if interrupt::requested() {
            Some("interrupted")
        } else if self.stop.load(Ordering::Relaxed) {
            Some("after a failure, with --fail-fast")
        } else if self.reporter.closed().is_some() {
            Some("nobody reads the report")
        } else {
            None
        }
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
