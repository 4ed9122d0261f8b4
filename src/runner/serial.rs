//! A service with a port that the case sets: it can be had only once, so that its processes run one
//! after another, and are looked at when all have ended.

use std::sync::{Mutex, PoisonError};

use super::looks::Looked;
use super::processes::advance;
use super::schedule::CaseRun;
use crate::measure::{Finished, MeasureError, Session, Stopped};
use crate::report::CaseReport;
use crate::runtime::Launch;
use crate::trace::{StopReason, Trace};

/// Held by the one case of a run whose service has its port now: others may want the same.
static TURN: Mutex<()> = Mutex::new(());

impl CaseRun<'_> {
    /// Runs each process as far as the first one comes in its share of the time.
    pub(super) fn one_by_one(&self, launch: &Launch) -> CaseReport {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut finished = Vec::new();
        let mut to = self.horizon.last();
        let mut stopped = None;
        for process in 1..=self.horizon.processes {
            match self.one(launch, process, to) {
                Ok((one, stop)) => {
                    to = to.min(one.trace.iterations().max(1));
                    finished.push(one);
                    stopped = stop.or(stopped);
                }
                Err(error) => return self.not_started(&error, launch),
            }
            if !matches!(stopped, None | Some(Stopped::Time)) {
                break;
            }
        }
        let looked = self.look_at(&finished, stopped);
        self.conclude(looked, finished, launch)
    }

    fn one(
        &self,
        launch: &Launch,
        process: u32,
        to: u64,
    ) -> Result<(Finished, Option<Stopped>), MeasureError> {
        let permits = &self.shared.permits;
        let mut session = {
            let _permit = permits.acquire();
            Session::start(launch, self.options(process))?
        };
        let share = self.horizon.time / self.horizon.processes;
        let budget = share.min(self.horizon.timeout);
        let mut tick = |at, memory, active| {
            (self.tell)(self.progress_event(at, to, memory, None, active, false));
        };
        let stop = advance(&mut session, to, budget, permits, &mut tick).err();
        // A process that dies here is found broken when it is finished.
        let _ = session.settle();
        Ok((session.finish(), stop))
    }

    fn look_at(&self, finished: &[Finished], stopped: Option<Stopped>) -> Looked {
        let traces: Vec<&Trace> = finished.iter().map(|finished| &finished.trace).collect();
        let n = traces.iter().map(|trace| trace.iterations()).min();
        let n = n.unwrap_or(0);
        let mut looked = Looked::once(n, StopReason::Horizon);
        if let Some(stopped) = stopped {
            looked.stop(stopped);
        }
        looked.refuse_without_iteration(n, self.horizon.time);
        if looked.fault.is_none() {
            looked.verdict = Some(self.verdict_at(&traces, n));
        }
        looked
    }
}
