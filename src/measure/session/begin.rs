//! The start of a session: what the process is told, and why it was not ready.

use super::types::{MeasureError, SessionOptions};
use crate::measure::driver::step::Failure;
use crate::measure::process::{Process, StartOptions};

pub(super) fn start_options(options: &SessionOptions) -> StartOptions {
    StartOptions {
        case: options.case.clone(),
        process: options.process,
        batch: options.batch,
        collect: options.collect,
        trim: options.trim,
        memory: options.memory,
        log: options.log.clone(),
    }
}

pub(super) fn setup_failed(
    process: Process,
    failure: Failure,
    options: &SessionOptions,
) -> MeasureError {
    let polite = matches!(failure, Failure::Late);
    let (_, output) = process.end(polite);
    let reason = match failure {
        Failure::Interrupted => return MeasureError::Interrupted,
        Failure::Memory(stop) => {
            return MeasureError::Memory {
                process: options.process,
                stop,
                output,
            };
        }
        Failure::Gone(how) => format!("the target {how} before its first iteration"),
        Failure::Garbage(what) => format!(
            "the target wrote {what} to memcase's pipe before its first iteration, where the \
             protocol has one newline"
        ),
        Failure::Late => format!(
            "the target was not ready within {} s (limits.timeout)",
            options.timeout.as_secs_f64()
        ),
    };
    MeasureError::Setup { reason, output }
}
