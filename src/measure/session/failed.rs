//! Why a session goes on no more, in words.

use super::run::Session;
use super::types::Stopped;
use crate::measure::driver::step::Failure;

impl Session {
    /// Why an iteration, or what is done behind it, did not come to its end.
    pub(super) fn failed(&mut self, failure: Failure, number: u64) -> Stopped {
        match failure {
            Failure::Interrupted => {
                self.stopped = Some(Stopped::Interrupted);
                Stopped::Interrupted
            }
            Failure::Memory(stop) => {
                self.stopped = Some(Stopped::Memory(stop.clone()));
                Stopped::Memory(stop)
            }
            Failure::Unserved(why) => self.died(format!("in iteration {number} {why}")),
            Failure::Gone(how) => self.died(format!("the target {how} in iteration {number}")),
            Failure::Garbage(what) => self.died(format!(
                "the target wrote {what} to memcase's pipe in iteration {number}, where the \
                 protocol has one newline a turn"
            )),
            Failure::Late => self.died(format!(
                "iteration {number} did not end within the {} s that the process may run \
                 (limits.timeout)",
                self.options.timeout.as_secs_f64()
            )),
        }
    }

    pub(super) fn died(&mut self, why: String) -> Stopped {
        let stopped = Stopped::Died(why);
        self.stopped = Some(stopped.clone());
        stopped
    }
}
