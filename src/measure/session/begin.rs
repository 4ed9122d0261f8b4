//! The start of a session: what the process is told, the probe of it, and why it was not ready.

use super::types::{MeasureError, SessionOptions};
use crate::measure::driver::step::Failure;
use crate::measure::machine;
use crate::measure::probe::{self, LinuxProbe, Probe};
use crate::measure::process::{Process, SET_FOR_ALL, StartOptions};
use crate::runtime::Launch;
use crate::trace::Header;

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

/// What every trace says of its process, however it is driven.
pub(super) fn bare_header(launch: &Launch, options: &SessionOptions) -> Header {
    let mut environment = machine::environment();
    environment.runtime.clone_from(&launch.runtime);
    environment.reducers.clone_from(&launch.reducers);
    environment.reducers.extend(SET_FOR_ALL.map(str::to_owned));
    Header {
        case: options.case.clone(),
        process: options.process,
        environment,
        ..Header::default()
    }
}

/// A probe of a process; with `children` it sums over its descendants.
pub(super) fn open_probe(
    process: &Process,
    children: bool,
) -> Result<Box<dyn Probe>, MeasureError> {
    // A kernel without lists of children shows none.
    let tree = process.tree().ok();
    match LinuxProbe::open(process.pid(), probe::statm(), tree, children) {
        Ok(probe) => Ok(Box::new(probe)),
        Err(error) => Err(MeasureError::System {
            what: "the kernel's files of the target could not be opened",
            error,
        }),
    }
}

pub(super) fn start_failed(launch: &Launch, error: std::io::Error) -> MeasureError {
    let program = launch.argv.first().map(|word| word.to_string_lossy());
    MeasureError::Spawn {
        program: program.unwrap_or_default().into_owned(),
        error,
    }
}

pub(super) fn setup_failed(
    process: Process,
    failure: Failure,
    options: &SessionOptions,
) -> MeasureError {
    let polite = matches!(failure, Failure::Late | Failure::Unserved(_));
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
        Failure::Unserved(why) => format!(
            "the service was not ready within {} s (limits.timeout): {why}",
            options.timeout.as_secs_f64()
        ),
        Failure::Late => format!(
            "the target was not ready within {} s (limits.timeout)",
            options.timeout.as_secs_f64()
        ),
    };
    MeasureError::Setup { reason, output }
}
