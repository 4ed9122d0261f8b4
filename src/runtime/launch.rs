//! A program ready to be started, and why one could not be made.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use thiserror::Error;

use super::{Service, SourceMap};
use crate::case::ITERATIONS;
use crate::trace::Heap;

/// A program ready to be started, again and again, in a fresh process each time.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Launch {
    /// Program and arguments; the program is a path.
    pub argv: Vec<OsString>,
    /// Variables that are set (`Some`) or removed (`None`) on top of what is inherited.
    pub env: BTreeMap<OsString, Option<OsString>>,
    /// Variables that are set where the allocator cannot be counted from inside the target.
    pub uncounted_env: BTreeMap<OsString, OsString>,
    /// Whether the surrounding environment is left out.
    pub clean_env: bool,
    /// Working directory.
    pub cwd: PathBuf,
    /// Bytes given on standard input.
    pub stdin: Vec<u8>,
    /// Name and version of what runs it (`CPython 3.11.7`).
    pub runtime: String,
    /// Which heap its counters speak of.
    pub heap: Heap,
    /// Whether `live` counts all that it allocates, as far as the runtime can tell.
    pub live_complete: bool,
    /// What was set to reduce noise, in words for the report.
    pub reducers: Vec<String>,
    /// Where the lines of the generated program stand in the case file.
    pub source_map: SourceMap,
    /// Whether its driver follows the orders of an explanation, and writes its findings where
    /// `MEMCASE_FINDINGS` says.
    pub takes_explain_orders: bool,
    /// For a program that memcase does not drive: where the pipes of those orders are; their names begin so.
    pub orders: Option<PathBuf>,
    /// Whether any process of its user may trace it (prctl(2), `PR_SET_PTRACER`).
    pub open_to_debuggers: bool,
    /// Whether the call paths of what it allocates are kept, for a run that explains, in the place of counts.
    pub traces_stacks: bool,
    /// A tracer that is not memcase's, beside which no library of memcase is loaded.
    pub tracer: Option<Foreign>,
    /// For a long-lived program: how it is exercised.
    pub service: Option<Service>,
}

impl Launch {
    /// The same with the count of iterations where the arguments ask for it.
    #[must_use]
    pub fn with_iterations(&self, count: u64) -> Self {
        let mut launch = self.clone();
        for word in launch.argv.iter_mut().skip(1) {
            if let Some(text) = word.to_str()
                && text.contains(ITERATIONS)
            {
                *word = text.replace(ITERATIONS, &count.to_string()).into();
            }
        }
        launch
    }
}

/// How a tracer that is not memcase's gets into a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// By a library that is loaded first.
    Library(PathBuf),
    /// By the driver, which imports it.
    Driver,
}

/// Why a target could not be made ready. The case is *broken*; nothing was measured.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// The interpreter or compiler is not there.
    #[error("{language} cases need `{program}`, which was not found: {remedy}")]
    Missing {
        /// The language.
        language: &'static str,
        /// What was looked for.
        program: String,
        /// What to do.
        remedy: String,
    },
    /// What is asked for cannot be had here.
    #[error("{what}; {remedy}")]
    Unsupported {
        /// What is not possible, in a sentence.
        what: String,
        /// What to do instead.
        remedy: String,
    },
    /// A tool failed; its own words are kept.
    #[error("{what} failed:\n{output}")]
    Tool {
        /// What was being done (`pip install pandas==2.2.0`, `cc`).
        what: String,
        /// The tool's last lines, with places turned back into the case file's.
        output: String,
    },
    /// A file could not be read or written.
    #[error("{what}: {error}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        error: std::io::Error,
    },
}

impl PrepareError {
    /// The same with places of generated programs turned into those of the case file.
    pub(super) fn translated(self, places: &SourceMap) -> Self {
        match self {
            Self::Tool { what, output } => Self::Tool {
                what,
                output: places.translate(&output),
            },
            other => other,
        }
    }
}
