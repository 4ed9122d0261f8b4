//! A case as it is meant: validated, with every default still visible as `None`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::service::ServiceTarget;
use crate::trace::{Axis, Driver, Metric};
use crate::units::{Bytes, Rate};

/// The case's path below its root without extension, plus the name of the document
/// when a file holds several; what users filter by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CaseId(pub String);

impl MeasureSettings {
    /// What the case's samples are plotted against.
    pub fn axis(&self) -> Axis {
        match (self.driver, &self.progress) {
            (Driver::Step | Driver::Ramp, _) => Axis::Iterations,
            (Driver::Clock, None) => Axis::Seconds,
            (Driver::Clock, Some(_)) => Axis::Lines,
        }
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One claim about one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What users filter by.
    pub id: CaseId,
    /// The case file, as it was found.
    pub file: PathBuf,
    /// Line of the document's first key, from 1.
    pub line: usize,
    /// For people.
    pub description: Option<String>,
    /// Where the case comes from.
    pub source: Option<String>,
    /// For filters.
    pub tags: Vec<String>,
    /// Why it is not run unless that is asked for.
    pub ignore: Option<String>,
    /// What is run.
    pub target: Target,
    /// What is claimed.
    pub expect: Expectation,
    /// What bounds it.
    pub limits: Limits,
    /// How it is measured.
    pub measure: MeasureSettings,
}

/// What is run, and in which surroundings.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The program.
    pub program: Program,
    /// Variables that are set (`Some`) or removed (`None`).
    pub env: BTreeMap<String, Option<String>>,
    /// Whether the surrounding environment is left out.
    pub clean_env: bool,
    /// Working directory, relative to the case file; default: the case file's folder.
    pub cwd: Option<PathBuf>,
    /// Text given on standard input; default: nothing.
    pub stdin: Option<String>,
}

/// The kinds of program a target can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Program {
    /// Code in the case file.
    Snippet(Snippet),
    /// A file beside the case with functions `setup`, `run`, `teardown`.
    File(FileTarget),
    /// Any program.
    Command(CommandTarget),
    /// A long-lived program that is exercised from outside.
    Service(Box<ServiceTarget>),
}

impl CommandTarget {
    /// Whether it takes the count of iterations as an argument.
    pub fn takes_iterations(&self) -> bool {
        self.argv.iter().any(|word| word.contains(ITERATIONS))
    }
}

impl Program {
    /// The language of code; a program has none.
    pub fn language(&self) -> Option<Language> {
        match self {
            Self::Snippet(snippet) => Some(snippet.language),
            Self::File(file) => Some(file.language),
            Self::Command(_) | Self::Service(_) => None,
        }
    }
}

/// The languages that memcase drives itself.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// CPython 3.8 or later.
    Python,
    /// Node.js 18 or later.
    Node,
    /// C, by the system's compiler.
    C,
    /// C++, by the system's compiler.
    Cpp,
    /// Rust, by rustc, or by cargo where packages are required.
    Rust,
    /// POSIX `sh`, or the shell named by `interpreter`.
    Shell,
    /// Java 11 or later, by the JDK's compiler.
    Java,
    /// Ruby 3.0 or later, its reference implementation.
    Ruby,
    /// Perl 5.14 or later.
    Perl,
    /// PHP 8.0 or later, its command line interpreter.
    Php,
    /// Lua 5.3 or later.
    Lua,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 11] = [
        Self::Python,
        Self::Node,
        Self::C,
        Self::Cpp,
        Self::Rust,
        Self::Shell,
        Self::Java,
        Self::Ruby,
        Self::Perl,
        Self::Php,
        Self::Lua,
    ];

    /// The name used in case files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Rust => "rust",
            Self::Shell => "shell",
            Self::Java => "java",
            Self::Ruby => "ruby",
            Self::Perl => "perl",
            Self::Php => "php",
            Self::Lua => "lua",
        }
    }

    /// Whether `prelude` has a meaning in it.
    pub fn has_prelude(self) -> bool {
        matches!(self, Self::C | Self::Cpp | Self::Rust | Self::Java)
    }

    /// Whether its driver can run the body more often in a turn than it was started with: a shell
    /// reads its orders by lines, of which one holds no word.
    pub fn doubles(self) -> bool {
        self != Self::Shell
    }

    /// Whether memcase installs what `requires` names.
    pub fn has_packages(self) -> bool {
        matches!(self, Self::Python | Self::Node | Self::Rust)
    }
}

/// A piece of code and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code {
    /// The code.
    pub text: String,
    /// The line of the case file on which its first line stands, from 1.
    pub line: usize,
}

/// Code in the case file.
#[derive(Debug, Clone, PartialEq)]
pub struct Snippet {
    /// The language it is written in.
    pub language: Language,
    /// File-level code of a compiled language.
    pub prelude: Option<Code>,
    /// Run once a process.
    pub setup: Option<Code>,
    /// Run once an iteration.
    pub run: Code,
    /// Run once at the end.
    pub teardown: Option<Code>,
    /// What the interpreter or compiler needs.
    pub tools: Tools,
}

/// A file with functions `setup`, `run`, `teardown`.
#[derive(Debug, Clone, PartialEq)]
pub struct FileTarget {
    /// The language it is written in.
    pub language: Language,
    /// The file, resolved against the case file.
    pub path: PathBuf,
    /// What the interpreter or compiler needs.
    pub tools: Tools,
}

/// What the interpreter or compiler needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tools {
    /// Arguments for the interpreter or compiler.
    pub flags: Vec<String>,
    /// Packages, in the language's own notation.
    pub requires: Vec<String>,
    /// Path or name; default: found on PATH, an active virtualenv first.
    pub interpreter: Option<String>,
}

/// What stands in the arguments of a command where it takes the count of iterations.
pub const ITERATIONS: &str = "{iterations}";

/// Any program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandTarget {
    /// Program and arguments; with `shell`, one script for `sh -c`.
    pub argv: Vec<String>,
    /// Whether it goes through `sh -c`.
    pub shell: bool,
}

/// What the author says that the data will show.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// No growth above the tolerance, and no spike.
    #[default]
    Stable,
    /// Growth that does not level off.
    Leak,
    /// A peak far above the base that is given back.
    Spike,
}

impl Claim {
    /// The word used in case files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Leak => "leak",
            Self::Spike => "spike",
        }
    }
}

/// The claim, with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Expectation {
    /// What the data should show.
    pub claim: Claim,
    /// For a leak: the range in which the slope lies.
    pub slope: Option<(Rate, Rate)>,
    /// Whether growth that only a forced collection gives back is fine.
    pub cyclic_garbage_allowed: bool,
}

/// What bounds a case; none means the default or no limit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    /// The largest slope that counts as none.
    pub slope: Option<Rate>,
    /// Highest resident bytes at any time.
    pub peak: Option<Bytes>,
    /// Highest peak above the base.
    pub spike: Option<Bytes>,
    /// What all processes of the target may hold together; going over it ends them.
    pub memory: Option<Bytes>,
    /// What reference cycles may hold before the collector runs.
    pub garbage: Option<Bytes>,
    /// Growth of open descriptors allowed over the run.
    pub fds: Option<u64>,
    /// Growth of threads allowed over the run.
    pub threads: Option<u64>,
    /// Growth of child processes allowed over the run.
    pub children: Option<u64>,
    /// Wall time of one process; default 60 s.
    pub timeout: Option<Duration>,
}

/// How a case is measured; none means the default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeasureSettings {
    /// Fresh processes; default 3.
    pub processes: Option<u32>,
    /// The horizon in iterations.
    pub iterations: Option<u64>,
    /// Budget of the case.
    pub time: Option<Duration>,
    /// The one metric that decides; default: all that there are.
    pub metric: Option<Metric>,
    /// Whether collections are forced at quiescent points; default yes.
    pub collect: Option<bool>,
    /// Whether free memory is given back at quiescent points; default yes.
    pub trim: Option<bool>,
    /// Runs in one iteration; default 1.
    pub batch: Option<u32>,
    /// How the workload advances, as the case says or its target implies.
    pub driver: Driver,
    /// For a clock: the lines of output that tell progress, as a regular expression.
    pub progress: Option<String>,
    /// Whether child processes are counted in; default yes, but for a ramp.
    pub children: Option<bool>,
    /// Whether it is measured all the same where a tool holds memory in the target.
    pub disturbed: bool,
}
