//! A case whose program takes a count: fresh processes at many counts, in random order.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::clock::worst_reason;
use super::horizon::policy;
use super::looks::Looked;
use super::processes::in_parallel;
use super::schedule::CaseRun;
use crate::analysis;
use crate::measure::dice::{Dice, seed_of};
use crate::measure::{self, Finished, MeasureError};
use crate::outcome::Outcome;
use crate::report::{CaseReport, Event};
use crate::runtime::Launch;
use crate::trace::{Axis, Metric, StopReason, Trace};

/// The counts that are tried to learn what an iteration costs, where the case sets no horizon.
const TRIALS: [u64; 3] = [50, 500, 5_000];
/// A trial is made if it takes no more than this share of the time, should all of the one
/// before have gone into its iterations.
const TRIED: f64 = 0.25;
/// What a process may take for its iterations at least, as a share of what it takes to start.
const SPARED: f64 = 0.25;
/// The share of the time that is planned for.
const PLANNED: f64 = 0.8;

/// What the workers of a ramp share.
struct Queue {
    /// Counts that are still to be run, the next one last, and how many there were.
    left: Vec<u64>,
    all: usize,
    ended: Vec<Finished>,
    failed: Option<MeasureError>,
    out_of_time: bool,
}

impl CaseRun<'_> {
    /// Runs the processes of the ramp, side by side on the cores there are.
    pub(super) fn ramp(&self, launch: &Launch) -> CaseReport {
        let began = Instant::now();
        let seed = seed_of(&self.case.id.0);
        let mut dice = Dice::new(seed, 0);
        let largest = if self.horizon.fixed {
            self.horizon.last()
        } else {
            match self.affordable(launch, seed) {
                Ok(Ok(largest)) => largest,
                Ok(Err(finished)) => {
                    let finished = vec![*finished];
                    let looked = self.look_at_ramp(&finished, None);
                    return self.conclude(looked, finished, launch);
                }
                Err(error) => return self.not_started(&error, launch),
            }
        };
        let each = self.horizon.processes.max(2);
        let mut counts = analysis::ramp_counts(largest, each, &mut || dice.share());
        dice.shuffle(&mut counts);
        let queue = Mutex::new(Queue {
            all: counts.len(),
            left: counts,
            ended: Vec::new(),
            failed: None,
            out_of_time: false,
        });
        let workers = (0..self.cores()).collect();
        in_parallel(workers, |_: u32| self.work(&queue, (launch, seed), began));
        let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = queue.failed {
            return self.not_started(&error, launch);
        }
        let mut finished = queue.ended;
        finished.sort_by_key(|finished| finished.trace.header.process);
        let cut = queue.out_of_time.then_some(StopReason::Time);
        let looked = self.look_at_ramp(&finished, cut);
        self.conclude(looked, finished, launch)
    }

    fn cores(&self) -> u32 {
        self.shared.settings.cores.max(1)
    }

    /// The largest count that the time allows, by trials; or the trial that failed.
    fn affordable(
        &self,
        launch: &Launch,
        seed: u64,
    ) -> Result<Result<u64, Box<Finished>>, MeasureError> {
        let processes = analysis::ramp_counts(1, self.horizon.processes.max(2), &mut || 0.0).len();
        let allowance = self.horizon.time.mul_f64(PLANNED) * self.cores() / processes as u32;
        let mut before = (0, Duration::ZERO);
        let mut affordable = 1;
        for count in TRIALS {
            let finished = {
                let _permit = self.shared.permits.acquire();
                measure::run_to_count(launch, &self.options(1), count, seed)?
            };
            let ending = finished.trace.ending.as_ref();
            if ending.is_none_or(|ending| ending.reason != StopReason::Horizon) {
                return Ok(Err(Box::new(finished)));
            }
            let micros = ending.map_or(1, |ending| ending.micros.max(1));
            let took = Duration::from_micros(micros);
            affordable = afford(before, (count, took), allowance).min(TRIALS[TRIALS.len() - 1]);
            let next = took * (TRIALS[1] / TRIALS[0]) as u32;
            if next > self.horizon.time.mul_f64(TRIED) {
                break;
            }
            before = (count, took);
        }
        Ok(Ok(affordable))
    }

    /// Takes one count after the other from the queue.
    fn work(&self, queue: &Mutex<Queue>, (launch, seed): (&Launch, u64), began: Instant) {
        let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let _permit = self.shared.permits.acquire();
            let (count, process) = {
                let mut queue = lock();
                queue.out_of_time = !queue.left.is_empty() && began.elapsed() > self.horizon.time;
                if queue.out_of_time {
                    return;
                }
                let Some(count) = queue.left.pop() else {
                    return;
                };
                (count, (queue.all - queue.left.len()) as u32)
            };
            let ended = measure::run_to_count(launch, &self.options(process), count, seed);
            let mut queue = lock();
            match ended {
                Ok(finished) => {
                    let ending = finished.trace.ending.as_ref();
                    let whole = ending.is_some_and(|e| e.reason == StopReason::Horizon);
                    if !whole {
                        queue.left.clear();
                    }
                    let memory = finished.trace.get(Metric::Anon);
                    let memory = memory.and_then(|series| series.values.last().copied());
                    queue.ended.push(finished);
                    let done = (queue.ended.len(), queue.all);
                    drop(queue);
                    self.tell_ramp(done, memory.unwrap_or(0), began);
                }
                Err(error) => {
                    queue.left.clear();
                    queue.failed = Some(error);
                }
            }
        }
    }

    fn tell_ramp(&self, (done, all): (usize, usize), memory: u64, began: Instant) {
        (self.tell)(Event::CaseProgress {
            id: self.case.id.0.clone(),
            axis: Axis::Iterations,
            iteration: done as u64,
            of: all as u64,
            memory,
            slope: None,
            seconds_left: self
                .horizon
                .time
                .saturating_sub(began.elapsed())
                .as_secs_f64(),
            look: false,
        });
    }

    fn look_at_ramp(&self, finished: &[Finished], cut: Option<StopReason>) -> Looked {
        let traces: Vec<&Trace> = finished.iter().map(|finished| &finished.trace).collect();
        let largest = traces.iter().map(|trace| trace.iterations()).max();
        let largest = largest.unwrap_or(0);
        let reason = worst_reason(&traces);
        let reason = match reason {
            StopReason::Horizon => cut.unwrap_or(reason),
            other => other,
        };
        let mut looked = Looked::once(largest, reason);
        match looked.reason {
            StopReason::Interrupted => looked.fault = Some(Outcome::skipped("interrupted")),
            StopReason::Growth => {
                looked.fault = Some(Outcome::broken(
                    "a process grew by more than a run may take of this machine's memory; set a smaller `measure.iterations`",
                ));
            }
            _ => {
                let policy = policy(self.case, largest);
                looked.verdict = Some(Box::new(analysis::judge_ramp(&traces, &policy)));
            }
        }
        looked
    }
}

/// How many iterations fit into `allowance`, after two trials of which the first may be none:
/// what both take alike is the start of the program.
fn afford(first: (u64, Duration), second: (u64, Duration), allowance: Duration) -> u64 {
    let more = (second.0 - first.0) as f64;
    let took = second.1.as_secs_f64();
    let iteration = (took - first.1.as_secs_f64()).max(0.0) / more;
    let start = if first.0 == 0 {
        0.0
    } else {
        (took - iteration * second.0 as f64).max(0.0)
    };
    let spare = (allowance.as_secs_f64() - start).max(SPARED * start);
    // Division by nothing is as many as one likes.
    ((spare / iteration).round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_program_is_not_charged_to_its_iterations() {
        let ms = Duration::from_millis;
        let none = (0, Duration::ZERO);
        for (first, second, expected) in [
            (none, (50, ms(500)), 200),
            ((50, ms(500)), (500, ms(950)), 1_550),
            ((50, ms(500)), (500, ms(400)), u64::MAX),
            // starting takes more than there is: a quarter of it for the iterations
            ((50, ms(4_050)), (500, ms(4_500)), 1_000),
        ] {
            assert_eq!(afford(first, second, ms(2_000)), expected, "{second:?}");
        }
    }
}
