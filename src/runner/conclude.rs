//! The end of a case: verdict and traces become its report.

use super::horizon::policy;
use super::looks::Looked;
use super::memory;
use super::schedule::CaseRun;
use crate::measure::Finished;
use crate::outcome::{Counts, Outcome};
use crate::report::{CaseReport, VerdictReport};
use crate::runtime::Launch;
use crate::trace::{StopReason, Trace};

impl CaseRun<'_> {
    /// The report, with the traces kept as `judge` needs them.
    pub(super) fn conclude(
        &self,
        looked: Looked,
        finished: Vec<Finished>,
        launch: &Launch,
    ) -> CaseReport {
        let policy = policy(self.case, looked.leak_from);
        let mut broken = None;
        let mut output = None;
        let mut traces = Vec::new();
        let mut notes = Vec::new();
        for mut finished in finished {
            if let Some(why) = &finished.lingered {
                notes.push(format!("process {} {why}", finished.trace.header.process));
            }
            if let Some(why) = finished.broken {
                broken.get_or_insert(why);
                output.get_or_insert(launch.source_map.translate(&finished.output));
            }
            if let Some(ending) = &mut finished.trace.ending {
                if !matches!(
                    ending.reason,
                    StopReason::Died | StopReason::Memory | StopReason::Interrupted
                ) {
                    ending.reason = looked.reason;
                }
                ending.looks.clone_from(&looked.looks);
                ending.leak_from = looked.leak_from;
                ending.only = policy.only;
                ending.limits = memory::limits(self.case);
                ending.tolerances = policy
                    .tolerances
                    .iter()
                    .map(|(&metric, &tolerance)| (metric, tolerance as u64))
                    .collect();
            }
            traces.push(finished.trace);
        }
        let all: Vec<&Trace> = traces.iter().collect();
        let case = self.case;
        let over = memory::passed(&all);
        let fault = looked.fault.or_else(|| broken.map(Outcome::broken));
        let fault = fault.filter(|_| over.is_none());
        let mut report = match (fault, &looked.verdict) {
            (Some(outcome), _) => {
                let mut report = self.report(outcome);
                let done = all.iter().map(|trace| trace.iterations());
                report.verdict.iterations = done.min().unwrap_or(0);
                report.verdict.processes = all.len() as u32;
                report.output = output;
                report
            }
            (None, Some(verdict)) => {
                let counts = Counts::of(&all);
                let outcome = Outcome::of(&case.expect, &case.limits, verdict, counts)
                    .with_garbage(&case.expect, &case.limits, verdict.garbage.as_ref());
                let mut report = self.report(outcome);
                report.verdict = VerdictReport::new(verdict, &all);
                if over.is_none() {
                    self.compare_baseline(&mut report, (verdict, &policy), launch, &all);
                }
                report
            }
            (None, None) => self.report(Outcome::broken("no look was taken at it")),
        };
        if let Some((outcome, passed)) = over {
            report.fail(outcome, passed);
        }
        let growth_cap = (looked.reason == StopReason::Growth).then(|| self.growth_cap());
        notes.extend(memory::notes(case, self.shared.memory, growth_cap));
        report.verdict.notes.append(&mut notes);
        for trace in traces.iter().chain(&looked.beside) {
            match self.staged.keep_trace(trace) {
                Ok(name) => report.traces.push(name),
                Err(error) => report
                    .verdict
                    .notes
                    .push(format!("a trace could not be kept: {error}")),
            }
        }
        report
    }
}
