//! A program that knows nothing of memcase, read over time with all its descendants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use regex::bytes::Regex;

use super::begin::{bare_header, open_probe, start_failed, start_options};
use super::types::{Finished, MeasureError, SessionOptions};
use crate::measure::dice::Dice;
use crate::measure::interrupt;
use crate::measure::probe::Probe;
use crate::measure::process::{Exit, Process, Progress, Unaware};
use crate::runtime::Launch;
use crate::trace::{Axis, Driver, Ending, Header, Metric, StopReason, Trace};

/// The mean time between two readings is this, or so much more that a run has no more than
/// `MOST_READINGS`.
const MEAN: Duration = Duration::from_millis(5);
const MOST_READINGS: u32 = 20_000;
/// Descriptors, threads and children are counted at every so many readings.
const COUNTED: u64 = 8;
/// How often a listener is told how far the run is.
const TICK: Duration = Duration::from_millis(50);

/// A program while it is read.
struct Watched {
    probe: Box<dyn Probe>,
    trace: Trace,
    axis: Axis,
    began: Instant,
    lines: Arc<AtomicU64>,
    readings: u64,
    first_resident: u64,
}

/// Runs the program until it ends, or for `time`. `tick` is told the place on the axis and the
/// anonymous bytes now and then.
pub fn run_by_clock(
    launch: &Launch,
    options: &SessionOptions,
    (time, seed): (Duration, u64),
    progress: Option<&Regex>,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<Finished, MeasureError> {
    let lines = Arc::new(AtomicU64::new(0));
    let unaware = Unaware::Free(progress.map(|pattern| Progress {
        pattern: pattern.clone(),
        lines: Arc::clone(&lines),
    }));
    let began = Instant::now();
    let mut process = Process::start_unaware(launch, &start_options(options), &unaware)
        .map_err(|error| start_failed(launch, error))?;
    let axis = match progress {
        None => Axis::Seconds,
        Some(_) => Axis::Lines,
    };
    let mut reason = StopReason::Horizon;
    let mut trace = Trace::new(Header {
        axis,
        driver: Driver::Clock,
        seed: Some(seed),
        ..bare_header(launch, options)
    });
    if let Ok(probe) = open_probe(&process, options.children) {
        trace.header.anon_granularity = probe.granularity();
        trace.header.descriptors = process.open_files();
        let mut watched = Watched {
            probe,
            trace,
            axis,
            began,
            lines,
            readings: 0,
            first_resident: 0,
        };
        reason = watched.watch(&mut process, options, (time, seed), tick);
        trace = watched.trace;
    }
    let by_itself = process.wait(Duration::ZERO);
    let ran_for = began.elapsed();
    let memory = process.over_memory();
    let (exit, output) = process.end(true);
    let failed = by_itself.filter(|exit| !exit.is_success() && memory.is_none());
    let mut broken = failed.map(|exit| {
        let seconds = ran_for.as_secs_f64();
        format!("the target ended with {exit} after {seconds:.1} s")
    });
    if broken.is_none() && trace.series.is_empty() && reason == StopReason::Horizon {
        broken = Some("the target ended before its memory could be read".to_owned());
    }
    if memory.is_some() {
        reason = StopReason::Memory;
        broken = None;
    } else if broken.is_some() {
        reason = StopReason::Died;
    }
    let ending = Ending {
        reason,
        iterations: trace.iterations(),
        exit: said(by_itself, exit),
        micros: ran_for.as_micros() as u64,
        memory,
        ..Ending::default()
    };
    Ok(Finished::of_unaware(trace, ending, broken, output))
}

fn said(by_itself: Option<Exit>, exit: Exit) -> String {
    match by_itself {
        Some(exit) => exit.to_string(),
        None => format!("{exit}, by memcase"),
    }
}

impl Watched {
    /// Reads at random moments until the program ends or is to be ended.
    fn watch(
        &mut self,
        process: &mut Process,
        options: &SessionOptions,
        (time, seed): (Duration, u64),
        tick: &mut dyn FnMut(u64, u64),
    ) -> StopReason {
        let mean = MEAN.max(time / MOST_READINGS);
        let mut dice = Dice::new(seed, options.process);
        // On an absolute schedule, so that a late reading does not make the next one late.
        let mut due = self.began;
        let mut next_tick = self.began;
        loop {
            due += dice.wait(mean);
            let now = Instant::now();
            if process.wait(due.saturating_duration_since(now)).is_some() {
                return StopReason::Horizon;
            }
            // After a pause of memcase's own there is nothing to catch up with.
            due = due.max(now);
            if interrupt::requested() {
                return StopReason::Interrupted;
            }
            if self.began.elapsed() >= time {
                return StopReason::Time;
            }
            let Some((anon, resident)) = self.read() else {
                // It has given its memory back, and is about to be reaped.
                process.wait(options.timeout);
                return StopReason::Horizon;
            };
            if resident.saturating_sub(self.first_resident) > options.growth_cap {
                return StopReason::Growth;
            }
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                // The program may live on without a child that was killed for the limit.
                if process.over_memory().is_some() {
                    return StopReason::Memory;
                }
                tick(self.place(), anon);
            }
        }
    }

    fn place(&self) -> u64 {
        match self.axis {
            Axis::Lines => self.lines.load(Ordering::Relaxed),
            Axis::Iterations | Axis::Seconds => self.began.elapsed().as_millis() as u64,
        }
    }

    /// One reading of the whole tree: anonymous and resident bytes; none when it is gone.
    fn read(&mut self) -> Option<(u64, u64)> {
        let at = self.place();
        let resident = self.probe.resident()?;
        // Asked behind the reading: what an exit gives back is no sample.
        if self.probe.is_ending() {
            return None;
        }
        // A peak is of the program itself; the tree's is at least what was seen of it.
        let peak = self.probe.take_peak().unwrap_or(0).max(resident.resident);
        if self.readings == 0 {
            self.first_resident = resident.resident;
        }
        self.keep(Metric::Anon, at, resident.anon, u64::min);
        self.keep(Metric::Peak, at, peak, u64::max);
        if self.readings.is_multiple_of(COUNTED) {
            let counts = self.probe.counts();
            for (metric, value) in [
                (Metric::Fds, counts.fds),
                (Metric::Threads, counts.threads),
                (Metric::Children, counts.children),
            ] {
                if let Some(value) = value {
                    self.keep(metric, at, value, u64::min);
                }
            }
        }
        self.readings += 1;
        Some((resident.anon, resident.resident))
    }

    /// Appends a reading, or joins it with the one at the same place.
    fn keep(&mut self, metric: Metric, at: u64, value: u64, join: fn(u64, u64) -> u64) {
        let series = self.trace.series.entry(metric).or_default();
        match (series.at.last(), series.values.last_mut()) {
            (Some(&last), Some(known)) if last == at => *known = join(*known, value),
            _ => series.push(at, value),
        }
    }
}
