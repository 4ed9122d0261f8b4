//! A case that is measured by clock: its processes run by themselves, and are looked at once.

use std::time::Duration;

use regex::bytes::Regex;

use super::looks::Looked;
use super::processes::in_parallel;
use super::schedule::CaseRun;
use crate::measure::{self, Finished, MeasureError, dice};
use crate::outcome::Outcome;
use crate::report::{CaseReport, Event};
use crate::runtime::Launch;
use crate::trace::{StopReason, Trace};

impl CaseRun<'_> {
    /// Runs all processes, each until it ends or its share of the time is used up.
    pub(super) fn clock(&self, launch: &Launch) -> CaseReport {
        let pattern = self.case.measure.progress.as_deref().map(Regex::new);
        let progress = match pattern.transpose() {
            Ok(progress) => progress,
            // The case file was checked when it was read.
            Err(error) => return self.report(Outcome::broken(error.to_string())),
        };
        let time = self.horizon.budget.min(self.horizon.timeout);
        let seed = dice::seed_of(&self.case.id.0);
        let processes = (1..=self.horizon.processes).collect();
        let ended: Result<Vec<Finished>, MeasureError> = in_parallel(processes, |process| {
            let _permit = self.shared.permits.acquire();
            let mut tick = |at, memory| {
                if process == 1 {
                    self.tell_clock(at, memory, time);
                }
            };
            let options = self.options(process);
            measure::run_by_clock(launch, &options, (time, seed), progress.as_ref(), &mut tick)
        })
        .into_iter()
        .collect();
        match ended {
            Ok(finished) => self.conclude(self.look_once(&finished), finished, launch),
            Err(error) => self.not_started(&error, launch),
        }
    }

    fn tell_clock(&self, at: u64, memory: u64, time: Duration) {
        let by_time = self.case.measure.progress.is_none();
        (self.tell)(Event::CaseProgress {
            id: self.case.id.0.clone(),
            axis: self.case.measure.axis(),
            iteration: at,
            of: if by_time { time.as_millis() as u64 } else { 0 },
            memory,
            slope: None,
            seconds_left: time.as_secs_f64(),
            look: false,
        });
    }

    fn look_once(&self, finished: &[Finished]) -> Looked {
        let traces: Vec<&Trace> = finished.iter().map(|finished| &finished.trace).collect();
        let n = traces.iter().map(|trace| trace.iterations()).min();
        let n = n.unwrap_or(0);
        let mut looked = Looked::once(n, worst_reason(&traces));
        if looked.reason == StopReason::Interrupted {
            looked.fault = Some(Outcome::skipped("interrupted"));
        } else if n == 0 && !matches!(looked.reason, StopReason::Died | StopReason::Memory) {
            looked.fault = Some(Outcome::broken(match &self.case.measure.progress {
                Some(pattern) => format!(
                    "no line of its output matched `measure.progress` (`{pattern}`); a program that buffers its output must flush each line"
                ),
                None => "it ended before it was read twice".to_owned(),
            }));
        } else {
            looked.verdict = Some(self.verdict_at(&traces, n));
        }
        looked
    }
}

/// Of several reasons the one that weighs most.
pub(super) fn worst_reason(traces: &[&Trace]) -> StopReason {
    let weight = |reason: &StopReason| match reason {
        StopReason::Decided | StopReason::Horizon => 0,
        StopReason::Time => 1,
        StopReason::Growth => 2,
        StopReason::Died => 3,
        StopReason::Memory => 4,
        StopReason::Interrupted => 5,
    };
    traces
        .iter()
        .filter_map(|trace| trace.ending.as_ref())
        .map(|ending| ending.reason)
        .max_by_key(weight)
        .unwrap_or(StopReason::Horizon)
}
