//! The call paths of a program that runs by itself and is explained: marks at moments of its run.

use std::time::{Duration, Instant};

use super::begin::{open_probe, start_failed, start_options};
use super::traced::{Traced, mark, tables, traced};
use super::types::SessionOptions;
use crate::measure::interrupt;
use crate::measure::process::{Process, Unaware};
use crate::runtime::Launch;

/// How long a wait is, at most, before an interruption is noticed.
const SLICE: Duration = Duration::from_millis(50);

/// How long the program may take to load the library.
const LOADED: Duration = Duration::from_secs(2);

/// What was seen of a program at three moments.
#[derive(Debug)]
pub struct Followed {
    /// Its call paths, at milliseconds since the library was loaded.
    pub traced: Traced,
    /// By how many bytes its anonymous memory grew from the first moment to the last.
    pub grew: i64,
}

/// How a program ran that was to be followed.
#[derive(Debug)]
pub enum FreeRun {
    /// It was followed through its last moment, and ended.
    Followed(Box<Followed>),
    /// It ended by itself, after this time, before the last moment.
    Ended(Duration, String),
}

/// Runs the program with the library that keeps call paths, until the last moment or its end. The moments are times
/// since the library was loaded.
pub fn follow_by_clock(
    launch: &Launch,
    options: &SessionOptions,
    moments: [Duration; 3],
) -> Result<FreeRun, String> {
    let mut process = Process::start_unaware(launch, &start_options(options), &Unaware::Free(None))
        .map_err(|error| start_failed(launch, error).to_string())?;
    let mut probe = open_probe(&process, options.children).map_err(|error| error.to_string())?;
    wait_for_library(&mut process)?;
    let began = Instant::now();
    let (mut marks, mut held) = (Vec::new(), Vec::new());
    for moment in moments {
        if let Some(exit) = wait_until(&mut process, began + moment)? {
            return Ok(FreeRun::Ended(began.elapsed(), exit));
        }
        let Some(resident) = probe.resident() else {
            return Ok(FreeRun::Ended(began.elapsed(), "its end".to_owned()));
        };
        held.push(resident.anon as i64);
        marks.push((began.elapsed().as_millis() as u64, mark(&process)?));
    }
    Ok(FreeRun::Followed(Box::new(Followed {
        traced: traced(&process, marks)?,
        grew: held[2] - held[0],
    })))
}

/// Waits until call paths are kept, as far as they ever will be.
fn wait_for_library(process: &mut Process) -> Result<(), String> {
    let until = Instant::now() + LOADED;
    while Instant::now() < until && tables(process).is_err() {
        if wait_until(process, Instant::now() + Duration::from_millis(1))?.is_some() {
            break;
        }
    }
    Ok(())
}

/// Waits for a moment; how the process ended, where it did before.
fn wait_until(process: &mut Process, moment: Instant) -> Result<Option<String>, String> {
    loop {
        if interrupt::requested() {
            return Err("interrupted".to_owned());
        }
        let left = moment.saturating_duration_since(Instant::now());
        if let Some(exit) = process.wait(left.min(SLICE)) {
            return Ok(Some(exit.to_string()));
        }
        if left.is_zero() {
            return Ok(None);
        }
    }
}
