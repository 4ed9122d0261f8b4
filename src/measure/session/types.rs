//! What a session is asked for, and what it answers.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::case::Case;
use crate::measure::process::MemoryCap;
use crate::trace::{Ending, MemoryStop, Trace};

/// How one process is to be measured.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The case's id, for the trace and the environment of the target.
    pub case: String,
    /// Which of the case's processes, from 1.
    pub process: u32,
    /// Time the process may run, waits of memcase's own left out.
    pub timeout: Duration,
    /// Growth of anonymous memory that ends the run.
    pub growth_cap: u64,
    /// The horizon, for the preallocation of the trace.
    pub horizon: u64,
    /// Whether collections are forced at quiescent points.
    pub collect: bool,
    /// Whether free memory is given back at quiescent points.
    pub trim: bool,
    /// Runs in one turn.
    pub batch: u32,
    /// Whether child processes are counted in.
    pub children: bool,
    /// What all processes of the target may hold together.
    pub memory: Option<MemoryCap>,
    /// Where standard output and error of the target are kept.
    pub log: PathBuf,
}

impl SessionOptions {
    /// Those of one process of a case that is watched by a tracer or a debugger, and not measured.
    pub fn not_measured(case: &Case, timeout: Duration, log: PathBuf) -> Self {
        Self {
            case: case.id.0.clone(),
            process: 1,
            timeout,
            growth_cap: u64::MAX,
            horizon: 0,
            collect: case.measure.collect.unwrap_or(true),
            trim: case.measure.trim.unwrap_or(true),
            batch: 1,
            children: false,
            memory: None,
            log,
        }
    }
}

/// Why the process stopped before the iteration it was asked to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The deadline of the stage passed; the process waits at its quiescent point.
    Time,
    /// Its growth passed the cap; it waits at its quiescent point.
    Growth,
    /// A person or a signal asked for the end.
    Interrupted,
    /// Its processes passed the memory that they may have; the target is gone, or of no more use.
    Memory(MemoryStop),
    /// It is gone, or broke the protocol: why, in a sentence.
    Died(String),
}

/// What one session leaves.
#[derive(Debug)]
pub struct Finished {
    /// The samples, with their ending but without looks.
    pub trace: Trace,
    /// What the process did at last, in words.
    pub exit: String,
    /// Why it is not to be trusted, when it broke.
    pub broken: Option<String>,
    /// Why it had to be killed, where it did not end when it was told to.
    pub lingered: Option<String>,
    /// The last lines the target wrote.
    pub output: String,
}

impl Finished {
    /// Of a program that knew nothing of memcase, and so has nothing to end in order.
    pub(super) fn of_unaware(
        mut trace: Trace,
        ending: Ending,
        broken: Option<String>,
        output: String,
    ) -> Self {
        let exit = ending.exit.clone();
        trace.ending = Some(ending);
        Self {
            trace,
            exit,
            broken,
            lingered: None,
            output,
        }
    }
}

/// Why a process could not be measured at all.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// The program could not be started.
    #[error("`{program}` could not be started: {error}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        error: std::io::Error,
    },
    /// It ended or failed before its first iteration.
    #[error("{reason}")]
    Setup {
        /// What happened, in a sentence.
        reason: String,
        /// The last lines it wrote.
        output: String,
    },
    /// Somebody else watches it.
    #[error(
        "the target is traced by {tracer}, which stops it and may hold memory in it; run memcase \
         without, or write `measure: {{disturbed: allowed}}`"
    )]
    Traced {
        /// The process that does, in words.
        tracer: String,
    },
    /// Its processes passed the memory that they may have, before its first iteration.
    #[error("it passed the memory it may have before its first iteration")]
    Memory {
        /// Which of the case's processes, from 1.
        process: u32,
        /// The proof.
        stop: MemoryStop,
        /// The last lines it wrote.
        output: String,
    },
    /// The kernel refused something that a measurement needs.
    #[error("{what}: {error}")]
    System {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        error: std::io::Error,
    },
    /// A person or a signal asked for the end.
    #[error("interrupted")]
    Interrupted,
}
