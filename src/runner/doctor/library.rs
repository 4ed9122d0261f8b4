//! Whether the library counts and keeps call paths, in a program as it is started for any case.

use std::path::Path;
use std::time::{Duration, Instant};

use super::cases::pair;
use crate::case::Language;
use crate::doctor::{Counted, Library};
use crate::measure::{Session, SessionOptions};
use crate::runtime::{self, Launch};
use crate::trace::{Metric, Trace};

/// Iterations of the program: the first ones may allocate for the driver.
const ITERATIONS: u64 = 64;
const FIRST: usize = 8;
const LIMIT: Duration = Duration::from_secs(20);

/// Tries it in a C program, whose blocks are known to the byte, else in a shell.
pub(super) fn library(folder: &Path) -> Option<Library> {
    [Language::C, Language::Shell]
        .into_iter()
        .find_map(|language| {
            let (leak, _) = pair(language, folder).ok()?;
            let launch = runtime::prepare(&leak, folder, &|_| {}).ok()?;
            Some(tried(language, launch, folder))
        })
}

fn tried(language: Language, mut launch: Launch, folder: &Path) -> Library {
    let mut found = Library {
        language: Some(language),
        ..Library::default()
    };
    match counted(&launch, folder) {
        Err(why) => found.count_refused = Some(why),
        Ok(trace) => match trace.header.uncounted.clone() {
            Some(why) => found.count_refused = Some(why),
            None if language == Language::C => found.counted = steps(&trace),
            None => {}
        },
    }
    launch.traces_stacks = true;
    found.paths_refused = paths(&launch, folder).err();
    found
}

fn start(launch: &Launch, folder: &Path) -> Result<Session, String> {
    let options = SessionOptions {
        case: "doctor".to_owned(),
        process: 1,
        timeout: LIMIT,
        growth_cap: u64::MAX,
        horizon: ITERATIONS,
        collect: true,
        trim: true,
        batch: 1,
        children: true,
        memory: None,
        log: folder.join("library.log"),
    };
    Session::start(launch, options).map_err(|error| error.to_string())
}

fn counted(launch: &Launch, folder: &Path) -> Result<Trace, String> {
    let mut session = start(launch, folder)?;
    let advanced = session.advance(ITERATIONS, Instant::now() + LIMIT, &mut |_, _| {});
    let finished = session.finish();
    match (advanced, finished.broken) {
        (Ok(()), None) => Ok(finished.trace),
        (_, Some(why)) => Err(why),
        (Err(_), None) => Err("the program did not come to its end".to_owned()),
    }
}

/// What each iteration added to the bytes in use.
fn steps(trace: &Trace) -> Option<Counted> {
    let values = &trace.get(Metric::Live)?.values;
    let later = values.get(FIRST..)?;
    let steps = later
        .windows(2)
        .map(|pair| pair[1].cast_signed() - pair[0].cast_signed());
    let steps: Vec<i64> = steps.collect();
    Some(Counted {
        iterations: steps.len() as u64,
        least: *steps.iter().min()?,
        most: *steps.iter().max()?,
    })
}

fn paths(launch: &Launch, folder: &Path) -> Result<(), String> {
    let mut session = start(launch, folder)?;
    let marked = session.mark();
    session.finish();
    marked
}
