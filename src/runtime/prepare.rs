//! Turns a case into a program that can be started, by its language.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::find::{case_file, case_folder};
use super::program::hash;
use super::{
    Launch, PrepareError, SourceMap, c, command, java, lua, node, perl, php, python, ruby, rust,
    service, shell, tool,
};
use crate::case::{Case, FileTarget, Language, Program, Snippet, Tools};
use crate::trace::Heap;

const COMPILE_LIMIT: Duration = Duration::from_mins(5);

/// Makes a case ready to be started again and again.
///
/// Generated programs are written to `work`, an existing private folder that outlives
/// the run. Long steps (packages, compilers) are told to `progress` when they begin.
pub fn prepare(case: &Case, work: &Path, progress: &dyn Fn(&str)) -> Result<Launch, PrepareError> {
    prepared(&Context::new(case, work, progress))
}

/// The same for a run that is explained and not measured: the driver has the language's own tracer
/// in it, where the language has one.
pub fn prepare_explained(
    case: &Case,
    work: &Path,
    progress: &dyn Fn(&str),
) -> Result<Launch, PrepareError> {
    let mut context = Context::new(case, work, progress);
    context.explained = true;
    prepared(&context)
}

/// The same with memray in the driver, for a case in Python. Where memcase makes its environment, memray is put into
/// one of its own, if it may `install`.
pub fn prepare_with_memray(
    case: &Case,
    work: &Path,
    install: bool,
    progress: &dyn Fn(&str),
) -> Result<Launch, PrepareError> {
    if case.target.program.language() != Some(Language::Python) {
        return Err(PrepareError::Unsupported {
            what: "memray traces Python alone, and the case is not in Python".to_owned(),
            remedy: "use `--tracer heaptrack`, or leave `--tracer` out".to_owned(),
        });
    }
    let mut context = Context::new(case, work, progress);
    context.memray = Some(Memray { install });
    prepared(&context)
}

/// The same for a run that is debugged and not measured: the driver can hand an iteration over, where memcase
/// knows the debugger of its language.
pub fn prepare_debugged(
    case: &Case,
    work: &Path,
    progress: &dyn Fn(&str),
) -> Result<Launch, PrepareError> {
    let mut context = Context::new(case, work, progress);
    context.debugged = true;
    let mut launch = prepared(&context)?;
    launch.open_to_debuggers = true;
    Ok(launch)
}

fn prepared(context: &Context) -> Result<Launch, PrepareError> {
    let case = context.case;
    context.refuse_lost_folder()?;
    if let Program::Service(target) = &case.target.program {
        return service::prepare(context, target);
    }
    match case.target.program.language() {
        Some(Language::Python) => python::prepare(context),
        Some(Language::Node) => node::prepare(context),
        Some(Language::Shell) => shell::prepare(context),
        Some(Language::C | Language::Cpp) => c::prepare(context),
        Some(Language::Rust) => rust::prepare(context),
        Some(Language::Java) => java::prepare(context),
        Some(Language::Ruby) => ruby::prepare(context),
        Some(Language::Perl) => perl::prepare(context),
        Some(Language::Php) => php::prepare(context),
        Some(Language::Lua) => lua::prepare(context),
        None => command::prepare(context),
    }
}

/// Why the case cannot be run here, as far as can be said without starting a program:
/// its interpreter, compiler or command is not there.
pub fn missing(case: &Case) -> Option<String> {
    program(case).err().map(|error| error.to_string())
}

/// The interpreter, compiler or command of a case, as it was found; none for a service, whose words name it.
pub fn program(case: &Case) -> Result<Option<PathBuf>, PrepareError> {
    let folder = case_folder(case);
    let named = tools(case).and_then(|tools| tools.interpreter.as_deref());
    let found = match case.target.program.language() {
        Some(Language::Python) => python::find(named, &folder),
        Some(Language::Node) => node::find(named, &folder),
        Some(Language::Shell) => shell::find(case, &folder),
        Some(Language::C | Language::Cpp) => c::find(case, &folder).map(|(program, _)| program),
        Some(Language::Rust) => rust::find(case, &folder),
        Some(Language::Java) => java::find(case, &folder).map(|(java, _)| java),
        Some(Language::Ruby) => ruby::find(case, &folder),
        Some(Language::Perl) => perl::find(case, &folder),
        Some(Language::Php) => php::find(case, &folder),
        Some(Language::Lua) => lua::find(case, &folder),
        None => match &case.target.program {
            Program::Service(target) => return service::find(target, &folder).map(|()| None),
            _ => command::find(case, &folder),
        },
    };
    found.map(Some)
}

/// memray in the driver of a run that is explained.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memray {
    /// Whether it may be installed beside what the case requires.
    pub(super) install: bool,
}

/// What every runtime is given.
pub(super) struct Context<'a> {
    /// The case.
    pub(super) case: &'a Case,
    /// The case file, absolute.
    pub(super) file: PathBuf,
    /// The folder of the case file, absolute.
    pub(super) folder: PathBuf,
    /// Where generated programs go.
    pub(super) work: &'a Path,
    /// Told when a long step begins.
    pub(super) progress: &'a dyn Fn(&str),
    /// Whether the run is explained and not measured.
    pub(super) explained: bool,
    /// In the place of the language's own tracer.
    pub(super) memray: Option<Memray>,
    /// Whether the run is debugged and not measured.
    pub(super) debugged: bool,
}

/// The code of a case: in the case file, or in a file beside it.
pub(super) enum Source<'a> {
    /// In the case file.
    Snippet(&'a Snippet),
    /// In a file with functions `setup`, `run`, `teardown`.
    File(&'a FileTarget),
}

impl<'a> Context<'a> {
    fn new(case: &'a Case, work: &'a Path, progress: &'a dyn Fn(&str)) -> Self {
        Self {
            case,
            file: case_file(case),
            folder: case_folder(case),
            work,
            progress,
            explained: false,
            memray: None,
            debugged: false,
        }
    }

    /// The code; a program has none.
    pub(super) fn source(&self) -> Result<Source<'a>, PrepareError> {
        match &self.case.target.program {
            Program::Snippet(snippet) => Ok(Source::Snippet(snippet)),
            Program::File(file) => Ok(Source::File(file)),
            Program::Command(_) | Program::Service(_) => Err(PrepareError::Unsupported {
                what: "a program has no code".to_owned(),
                remedy: "give `language` with `run` or `file`".to_owned(),
            }),
        }
    }

    /// Where a generated file with this content goes. Its name holds a hash of the
    /// content, so that cases can share the folder.
    pub(super) fn name(&self, stem: &str, ending: &str, text: &str) -> PathBuf {
        self.work.join(format!("{stem}-{}{ending}", hash(&[text])))
    }

    /// Writes a generated file.
    pub(super) fn write(
        &self,
        stem: &str,
        ending: &str,
        text: &str,
    ) -> Result<PathBuf, PrepareError> {
        let path = self.name(stem, ending, text);
        std::fs::write(&path, text).map_err(|error| PrepareError::Io {
            what: format!("writing {}", path.display()),
            error,
        })?;
        Ok(path)
    }

    /// Reads a file beside the case.
    pub(super) fn read(&self, path: &Path) -> Result<String, PrepareError> {
        std::fs::read_to_string(path).map_err(|error| PrepareError::Io {
            what: format!("reading {} for {}", path.display(), self.case.id),
            error,
        })
    }

    /// Compiles a program, unless the same was compiled before; `command` lacks only `-o`.
    pub(super) fn build(
        &self,
        language: &str,
        key: &str,
        mut command: Command,
        places: &SourceMap,
    ) -> Result<PathBuf, PrepareError> {
        static FRESH: AtomicUsize = AtomicUsize::new(0);
        let built = self.work.join(format!("program-{key}"));
        if built.exists() {
            return Ok(built);
        }
        // Another case may be compiling the same: the last one to finish wins.
        let number = FRESH.fetch_add(1, Ordering::Relaxed);
        let fresh = self.work.join(format!("building-{key}-{number}"));
        command.arg("-o").arg(&fresh);
        let what = format!("compiling the {language} code");
        (self.progress)(&what);
        tool::run(&what, &mut command, COMPILE_LIMIT).map_err(|error| error.translated(places))?;
        std::fs::rename(&fresh, &built).map_err(|error| PrepareError::Io {
            what: format!("naming {}", built.display()),
            error,
        })?;
        Ok(built)
    }

    /// Refuses a working folder that is not there: the kernel's own words for it would
    /// blame the program.
    fn refuse_lost_folder(&self) -> Result<(), PrepareError> {
        let Some(cwd) = &self.case.target.cwd else {
            return Ok(());
        };
        let folder = self.folder.join(cwd);
        if folder.is_dir() {
            return Ok(());
        }
        Err(PrepareError::Unsupported {
            what: format!("`target.cwd` is `{}`, which is no folder", cwd.display()),
            remedy: "make it, or write its path from the case file's folder".to_owned(),
        })
    }

    /// Refuses `requires` where a language has no package manager.
    pub(super) fn refuse_packages(
        &self,
        source: &Source,
        remedy: &str,
    ) -> Result<(), PrepareError> {
        if source.tools().requires.is_empty() {
            return Ok(());
        }
        Err(PrepareError::Unsupported {
            what: format!(
                "{} has `requires`, which its language does not have",
                self.case.id
            ),
            remedy: remedy.to_owned(),
        })
    }

    /// All of a launch that does not depend on the language.
    pub(super) fn launch(&self) -> Launch {
        let target = &self.case.target;
        let mut launch = Launch {
            clean_env: target.clean_env,
            cwd: match &target.cwd {
                Some(cwd) => self.folder.join(cwd),
                None => self.folder.clone(),
            },
            stdin: target.stdin.clone().unwrap_or_default().into_bytes(),
            source_map: SourceMap {
                files: BTreeMap::new(),
                case_file: self.case.file.clone(),
            },
            ..Launch::default()
        };
        launch
            .source_map
            .files
            .insert(self.file.display().to_string(), Vec::new());
        for (name, value) in &target.env {
            let value = value.as_ref().map(OsString::from);
            launch.env.insert(OsString::from(name), value);
        }
        let own = "glibc.malloc.tcache_count=0";
        let tunables = match std::env::var("GLIBC_TUNABLES") {
            Ok(given) if !target.clean_env && !given.is_empty() => format!("{given}:{own}"),
            _ => own.to_owned(),
        };
        if !target.env.contains_key("GLIBC_TUNABLES") {
            let uncounted = &mut launch.uncounted_env;
            uncounted.insert("GLIBC_TUNABLES".into(), tunables.into());
        }
        launch
    }

    /// Whether collections are forced at quiescent points.
    pub(super) fn collects(&self) -> bool {
        self.case.measure.collect.unwrap_or(true)
    }

    /// What is alike for all compiled languages: the program is `built`, the C allocator counts all
    /// that it allocates, and its driver trims.
    pub(super) fn native(&self, mut launch: Launch, built: PathBuf, version: String) -> Launch {
        launch.argv.push(built.into());
        launch.runtime = version;
        launch.heap = Heap::Malloc;
        launch.live_complete = true;
        if self.trims() {
            let words = "malloc_trim at every quiescent point";
            launch.reducers.push(words.to_owned());
        }
        launch
    }

    /// Whether free memory is given back at quiescent points.
    pub(super) fn trims(&self) -> bool {
        self.case.measure.trim.unwrap_or(true)
    }
}

impl Source<'_> {
    /// What the interpreter or compiler needs.
    pub(super) fn tools(&self) -> &Tools {
        match self {
            Self::Snippet(snippet) => &snippet.tools,
            Self::File(file) => &file.tools,
        }
    }
}

/// A file target's file, absolute.
pub(super) fn target_file(target: &FileTarget) -> PathBuf {
    std::path::absolute(&target.path).unwrap_or_else(|_| target.path.clone())
}

/// What the interpreter or compiler of a case needs; a program needs nothing.
pub(super) fn tools(case: &Case) -> Option<&Tools> {
    match &case.target.program {
        Program::Snippet(snippet) => Some(&snippet.tools),
        Program::File(file) => Some(&file.tools),
        Program::Command(_) | Program::Service(_) => None,
    }
}
