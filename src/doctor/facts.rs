//! What was found on the machine, before anything is said of it. Its keys are those of `doctor --json`.

use std::path::PathBuf;

use serde::Serialize;

use crate::analysis::VerdictKind;
use crate::case::Language;
use crate::measure::kernel::Kernel;

/// All that was found.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Facts {
    /// The machine.
    pub machine: Machine,
    /// What its kernel allows.
    pub kernel: Kernel,
    /// The library that counts in targets; none where there was no program to try it in.
    pub library: Option<Library>,
    /// Folders that are written to.
    pub folders: Vec<Folder>,
    /// All languages.
    pub languages: Vec<Installed>,
    /// Programs that memcase has a use for beside them.
    pub tools: Vec<Tool>,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Machine {
    /// Kernel release.
    pub kernel: String,
    /// Processor architecture.
    pub arch: String,
    /// Logical processors that memcase may use.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes that the container around memcase allows, where it sets a limit.
    pub memory_limit: Option<u64>,
    /// Bytes of a page.
    pub page: u64,
    /// Name and version of the C library.
    pub c_library: Option<String>,
}

/// What the library did in a program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Library {
    /// The language of the program.
    pub language: Option<Language>,
    /// Why it counts nothing there, or why the program did not run.
    pub count_refused: Option<String>,
    /// What it counted.
    pub counted: Option<Counted>,
    /// Why it keeps no call paths there.
    pub paths_refused: Option<String>,
}

/// What was counted in a C program that keeps a block of the same size at each iteration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counted {
    /// Iterations.
    pub iterations: u64,
    /// The least and the most that one of them added.
    pub least: i64,
    /// See `least`.
    pub most: i64,
}

/// What a folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderKind {
    /// Traces and results.
    Artifacts,
    /// Packages that cases require.
    Environments,
}

/// A folder that is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// What it is for.
    pub kind: FolderKind,
    /// Where it is, or will be.
    pub path: PathBuf,
    /// Why nothing can be written there.
    pub refused: Option<String>,
    /// Bytes that are free there.
    pub free: Option<u64>,
}

/// A language on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Installed {
    /// The language.
    pub language: Language,
    /// Its interpreter or compiler.
    pub program: Option<PathBuf>,
    /// Why there is none, with its remedy.
    pub missing: Option<String>,
    /// Name and version.
    pub runtime: Option<String>,
    /// Why a program could not be made ready, though its interpreter or compiler is there.
    pub broken: Option<String>,
    /// What was measured; none where that was left out.
    pub trial: Option<Trial>,
}

/// Two small cases, measured as `run` measures any.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Bytes that the first keeps at each iteration, about.
    pub leaked: u32,
    /// The one that does.
    pub leak: Measured,
    /// One that does nothing.
    pub null: Measured,
    /// Microseconds that an iteration of the latter takes, which is memcase's own cost.
    pub turn_micros: Option<f64>,
}

/// What came of one.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Measured {
    /// What the data show; none where nothing was measured.
    pub verdict: Option<VerdictKind>,
    /// Why, in a sentence.
    pub reason: String,
    /// Bytes an iteration.
    pub slope: Option<f64>,
    /// The smallest slope that would have been called a leak.
    pub detection_limit: Option<f64>,
    /// Iterations.
    pub iterations: u64,
    /// Seconds.
    pub seconds: f64,
}

/// A program that memcase has a use for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What for, in a clause.
    pub purpose: &'static str,
    /// How to install it.
    pub remedy: &'static str,
    /// Where it is; none where it is missing.
    pub program: Option<PathBuf>,
    /// The first line that it says of its version.
    pub version: Option<String>,
    /// Why it does not answer.
    pub broken: Option<String>,
}
