//! `memcase run`: find the cases, choose a reporter, hand over to the runner.

use std::io::Write;

use clap::ArgMatches;

use super::CliError;
use super::args::{RunArgs, RunFormat};
use super::baselines;
use super::flags::Flags;
use super::revision::Revision;
use super::select::{Meant, Selected, select};
use super::settings::Holds;
use super::shown::Shown;
use super::stress::Stress;
use crate::case::Case;
use crate::config::{Mode, NoTests, RunIgnored};
use crate::measure::interrupt;
use crate::measure::process::keeper;
use crate::outcome::ExitCode;
use crate::runner::artifacts::Artifacts;
use crate::runner::explain::Explain;
use crate::runner::horizon::Settings;
use crate::runner::plan::Planned;
use crate::runner::suite::{self, Options, Plan};
use crate::runner::tracers::Tracer;
use crate::runtime;

/// Runs what is selected.
pub(super) fn run(
    args: &RunArgs,
    matches: &ArgMatches,
    explain: Explain,
) -> Result<ExitCode, CliError> {
    let holds = Holds::read(&args.flags, matches)?;
    args.sides.refuse_baselines(matches)?;
    let interpreters = args.sides.interpreters()?;
    let planned = select(&args.selection).and_then(|selected| plan(selected, &holds));
    let (mut plan, meant) = match planned {
        Err(CliError::NoCase(why)) => return no_case(why, holds.no_tests()?),
        other => other?,
    };
    interpreters.apply(&mut plan)?;
    if args.list {
        return list(plan.selected.iter().flat_map(Planned::told));
    }
    guard();
    // Its folder is there until the run has ended.
    let mut revision = None;
    if let Some(name) = &args.sides.against {
        let Some(mut there) = Revision::open(name, &meant.paths)? else {
            complain_of_interrupt("nothing was measured");
            return Ok(ExitCode::Interrupted);
        };
        there.apply(&mut plan, &meant, (&holds, &interpreters))?;
        revision = Some(there);
    }
    let terse = args.quiet || args.format == RunFormat::Terse;
    let mut options = options(&args.flags, &holds)?;
    options.terse = terse;
    options.stress = (1, args.stress_count.unwrap_or(1));
    options.settings.update = args.baselines.update;
    options.settings.explain = match explain {
        Explain::No if args.explain => Explain::Failed,
        other => other,
    };
    options.settings.lines = args.lines;
    options.settings.keep_dump = args.keep_dump;
    options.settings.tracer = args.tracer;
    if options.settings.explain == Explain::No {
        refuse_unexplained(args)?;
    }
    let (_, runs) = options.stress;
    let shown = Shown {
        format: if terse { RunFormat::Terse } else { args.format },
        message_format: args.reports.message_format,
        aside: args.reports.take_standard_output(),
        color: args.color,
    };
    options.plot = shown.plots(args.plot)?;
    if runs > 1 {
        shown.tell_several_runs(&args.reports)?;
    }
    let mut reports = args.reports.open(shown.is_for_programs())?;
    let place = Artifacts::place();
    reports.keep(open()?.run_file().map_err(|error| {
        CliError::Usage(format!(
            "the folder `{}` for traces can not be written to: {error}; set MEMCASE_DIR to another",
            place.display()
        ))
    })?);
    let reporter = reports.beside(shown.reporter());
    let mut stress = Stress::default();
    for run in 1..=runs {
        let options = Options {
            stress: (run, runs),
            ..options.clone()
        };
        let ran = suite::run(plan.clone(), &options, open()?, &reporter);
        stress.add(ran.map_err(CliError::Output)?);
        if interrupt::requested() || reporter.closed().is_some() || stress.is_over(&options) {
            break;
        }
    }
    if runs > 1 && !shown.is_for_programs() && reporter.closed().is_none() {
        let told = shown.out().write_all(stress.told().as_bytes());
        told.map_err(CliError::Output)?;
    }
    if stress.code == ExitCode::Interrupted && reporter.closed().is_none() {
        complain_of_interrupt(&format!(
            "not all cases were measured; what there is so far is in `{}`",
            place.display()
        ));
    }
    drop(revision);
    let code = unwritten(reports.finish(), stress.code);
    let code = code.max(baselines::unreferenced(
        &args.selection,
        args.baselines.unreferenced,
    )?);
    match reporter.closed() {
        None => Ok(code),
        // Nobody has read it to its end, whatever it says.
        Some(std::io::ErrorKind::BrokenPipe) => Ok(ExitCode::Interrupted),
        Some(kind) => Err(CliError::Output(kind.into())),
    }
}

/// Refuses what only an explanation has to show.
fn refuse_unexplained(args: &RunArgs) -> Result<(), CliError> {
    let lines = args.lines.then(|| "--lines".to_owned());
    let dump = args.keep_dump.then(|| "--keep-dump".to_owned());
    let tracer = (args.tracer != Tracer::Auto).then(|| "--tracer".to_owned());
    let holders = || Some(format!("--report {}", args.reports.of_holders()?));
    match lines.or(dump).or(tracer).or_else(holders) {
        Some(flag) => Err(CliError::Usage(format!(
            "`{flag}` belongs to an explanation; give `--explain` too, or use `memcase explain`"
        ))),
        None => Ok(()),
    }
}

/// Opens the folder for traces.
pub(super) fn open() -> Result<Artifacts, CliError> {
    let place = Artifacts::place();
    Artifacts::open(place.clone()).map_err(|error| {
        CliError::Usage(format!(
            "the folder `{}` for traces could not be made: {error}; set MEMCASE_DIR to another",
            place.display()
        ))
    })
}

/// How the run goes about its cases.
pub(super) fn options(flags: &Flags, holds: &Holds) -> Result<Options, CliError> {
    let mode = holds.mode()?;
    Ok(Options {
        settings: Settings {
            strict: mode == Mode::Strict,
            fast: mode == Mode::Fast,
            processes: flags.processes,
            iterations: flags.iterations,
            time: flags.time,
            ..Settings::default()
        },
        threads: holds.test_threads()?,
        max_fail: holds.max_fail()?,
        inconclusive: holds.inconclusive()?,
        groups: holds.config.groups.clone(),
        profile: flags.profile.clone(),
        ..Options::default()
    })
}

/// What is run of the selected cases, each with what the configuration says of it.
pub(super) fn plan(selected: Selected, holds: &Holds) -> Result<(Plan, Meant), CliError> {
    let run_ignored = holds.run_ignored()?;
    let mut plan = Plan {
        left_out: selected.left_out,
        partition: selected.meant.partition.as_ref().map(ToString::to_string),
        ..Plan::default()
    };
    for case in selected.cases {
        match (&case.ignore, run_ignored) {
            (Some(reason), RunIgnored::Default) => {
                plan.ignored.insert(case.id.0.clone(), reason.clone());
            }
            (None, RunIgnored::IgnoredOnly) => plan.left_out.push(case.id.0),
            _ => plan.selected.push(holds.plan(case)?),
        }
    }
    if plan.selected.is_empty() {
        let why = match run_ignored {
            RunIgnored::IgnoredOnly => "none of the selected cases says `ignore`".to_owned(),
            _ => "all of the selected cases say `ignore`; `--run-ignored all` runs them".to_owned(),
        };
        return Err(CliError::NoCase(why));
    }
    Ok((plan, selected.meant))
}

/// What `--no-tests` says of a run of nothing.
fn no_case(why: String, no_tests: NoTests) -> Result<ExitCode, CliError> {
    match no_tests {
        NoTests::Fail => return Err(CliError::NoCase(why)),
        NoTests::Warn => {
            let _ = writeln!(std::io::stderr().lock(), "warning: {why}");
        }
        NoTests::Pass => {}
    }
    Ok(ExitCode::AsClaimed)
}

pub(super) fn complain_of_interrupt(what: &str) {
    let _ = writeln!(std::io::stderr().lock(), "interrupted: {what}");
}

/// Complains of reports that could not be written: who waits for them has not got the result.
pub(super) fn unwritten(complaints: Vec<String>, code: ExitCode) -> ExitCode {
    let whole = complaints.is_empty();
    for complaint in complaints {
        let _ = writeln!(std::io::stderr().lock(), "error: the report {complaint}");
    }
    if whole {
        code
    } else {
        code.max(ExitCode::Broken)
    }
}

/// Sees to it that nothing survives: not an interrupt, not a kill of memcase itself.
pub(super) fn guard() {
    runtime::stop_when(interrupt::requested);
    for (what, result) in [
        ("signals can not be caught", interrupt::install()),
        ("the guard process could not be started", keeper::start()),
    ] {
        if let Err(error) = result {
            let _ = writeln!(
                std::io::stderr().lock(),
                "note: {what} ({error}); a killed memcase may leave processes behind"
            );
        }
    }
}

/// `--list`, as libtest has it.
pub(super) fn list<'c>(cases: impl Iterator<Item = &'c Case>) -> Result<ExitCode, CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for case in cases {
        writeln!(out, "{}: test", case.id).map_err(CliError::Output)?;
    }
    out.flush().map_err(CliError::Output)?;
    Ok(ExitCode::AsClaimed)
}
