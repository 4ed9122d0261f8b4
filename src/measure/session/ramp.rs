//! One process of a ramp: run to its end with a count of iterations, read where it ends.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use super::begin::{bare_header, open_probe, start_failed, start_options};
use super::types::{Finished, MeasureError, SessionOptions};
use crate::measure::interrupt;
use crate::measure::probe::Probe;
use crate::measure::process::{Exit, Moment, Process, Ran, Unaware, run_to_exit};
use crate::runtime::Launch;
use crate::trace::{Driver, Ending, FinalReading, Header, Metric, StopReason, Trace};

/// While it can be read at its exit, it is looked at this rarely: every so many moments.
const RARELY: u32 = 16;

/// What is known of a process that is still running.
#[derive(Debug, Default)]
struct Readings {
    anon: Option<u64>,
    peak: u64,
    /// Children that were seen, or at least one where its end shows in what it left.
    children: u64,
    /// Page faults of children that had ended when the program began.
    faults_before: u64,
    at_exit: bool,
}

impl Readings {
    fn take(&mut self, probe: &mut dyn Probe, at_exit: bool) -> u64 {
        let Some(resident) = probe.resident() else {
            return 0;
        };
        self.anon = Some(resident.anon);
        self.at_exit = at_exit;
        self.peak = self.peak.max(probe.take_peak().unwrap_or(0));
        self.children = self.children.max(probe.counts().children.unwrap_or(0));
        if at_exit && probe.faults_of_children().unwrap_or(0) > self.faults_before {
            self.children = self.children.max(1);
        }
        resident.resident
    }
}

/// Why a process was ended by memcase.
enum Cut {
    Late,
    Growth,
    Interrupted,
}

/// Runs the program to its end with `count` iterations. The trace has one reading of each metric, at
/// that count: anonymous bytes at its exit, and the highest resident bytes of its life.
pub fn run_to_count(
    launch: &Launch,
    options: &SessionOptions,
    count: u64,
    seed: u64,
) -> Result<Finished, MeasureError> {
    let began = Instant::now();
    let deadline = began + options.timeout;
    let launch = launch.with_iterations(count);
    let mut process = Process::start_unaware(&launch, &start_options(options), &Unaware::Gated)
        .map_err(|error| start_failed(&launch, error))?;
    // Stopped at its first instruction, or already gone.
    let mut probe = open_probe(&process, false).ok();
    let mut readings = Readings::default();
    let mut cut = None;
    let ran = thread::scope(|scope| {
        // The kernel lets go of a process when the thread that holds it ends.
        let watcher = scope.spawn(|| {
            let mut moments = 0u32;
            let held = Cell::new(false);
            run_to_exit(&mut process, &held, &mut |moment| {
                let at_exit = moment == Moment::Exit;
                moments += 1;
                if let (Moment::Exec, Some(probe)) = (moment, &mut probe) {
                    readings = Readings {
                        faults_before: probe.faults_of_children().unwrap_or(0),
                        ..Readings::default()
                    };
                    return true;
                }
                // What was read in its exit is the last; behind it memory is already given back.
                let due =
                    !readings.at_exit && (at_exit || !held.get() || moments.is_multiple_of(RARELY));
                if let Some(probe) = probe.as_mut().filter(|_| due) {
                    let resident = readings.take(probe.as_mut(), at_exit);
                    if resident > options.growth_cap {
                        cut = Some(Cut::Growth);
                    }
                }
                if interrupt::requested() {
                    cut = Some(Cut::Interrupted);
                } else if Instant::now() >= deadline {
                    cut = Some(Cut::Late);
                }
                cut.is_none()
            })
        });
        watcher
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let micros = began.elapsed().as_micros() as u64;
    let memory = process.over_memory();
    let (exit, output) = process.end(false);
    let (reason, broken) = match memory {
        Some(_) => (StopReason::Memory, None),
        None => how_it_ended(ran, cut.as_ref(), &readings, (count, options.timeout)),
    };
    let mut trace = Trace::new(Header {
        driver: Driver::Ramp,
        seed: Some(seed),
        anon_granularity: probe.map_or(0, |probe| probe.granularity()),
        final_reading: Some(if readings.at_exit {
            FinalReading::Exit
        } else {
            FinalReading::Before
        }),
        ..bare_header(&launch, options)
    });
    if let Some(anon) = readings.anon {
        trace.push(Metric::Anon, count, anon);
        trace.push(Metric::Peak, count, readings.peak);
        trace.push(Metric::Children, count, readings.children);
    }
    let exit = match ran {
        Ran::Ended(exit) => exit.to_string(),
        Ran::Stopped => format!("{exit}, by memcase"),
    };
    let ending = Ending {
        reason,
        iterations: count,
        exit,
        micros,
        memory,
        ..Ending::default()
    };
    Ok(Finished::of_unaware(trace, ending, broken, output))
}

fn how_it_ended(
    ran: Ran,
    cut: Option<&Cut>,
    readings: &Readings,
    (count, timeout): (u64, Duration),
) -> (StopReason, Option<String>) {
    let died = |how: String| {
        (
            StopReason::Died,
            Some(format!("the target {how} with {count} iterations")),
        )
    };
    match (ran, cut) {
        (_, Some(Cut::Interrupted)) => (StopReason::Interrupted, None),
        (_, Some(Cut::Growth)) => (StopReason::Growth, None),
        (Ran::Stopped, _) => died(format!(
            "did not end within the {} s that a process may run (limits.timeout)",
            timeout.as_secs_f64()
        )),
        (Ran::Ended(exit), None) if exit != Exit::Code(0) => died(format!("ended with {exit}")),
        (Ran::Ended(_), _) if readings.anon.is_none() => {
            died("ended before its memory could be read".to_owned())
        }
        (Ran::Ended(_), _) => (StopReason::Horizon, None),
    }
}
