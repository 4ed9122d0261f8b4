//! All facts of a machine, from where each is known.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use super::{library, trial};
use crate::case::Language;
use crate::doctor::{Facts, Folder, FolderKind, Installed, Machine, Tool};
use crate::measure::{kernel, machine};
use crate::runner::artifacts::Artifacts;
use crate::runner::permits::Permits;
use crate::runtime::{environments, tools};

/// Programs that are asked for: name, arguments for the version, what for, how to install it.
const TOOLS: [(&str, &[&str], &str, &str); 6] = [
    (
        "gdb",
        &["--version"],
        "the debugger for C, C++ and Rust",
        "install gdb (Debian: gdb), if you want to stop a native target where it grows",
    ),
    (
        "npm",
        &["--version"],
        "installs what Node cases require",
        "install npm (Debian: npm), if Node cases have `requires`",
    ),
    (
        "cargo",
        &["--version"],
        "installs what Rust cases require",
        "install Rust with cargo, if Rust cases have `requires`",
    ),
    (
        "memray",
        &["--version"],
        "optional, traces Python for `explain`; a case uses the one of its own Python",
        "`requires: [memray]` in a case, or `pip install memray`, if you want its view of native memory too",
    ),
    (
        "heaptrack",
        &["--version"],
        "optional, traces native memory for `explain`",
        "install heaptrack (Debian: heaptrack), if you want its view of native memory too",
    ),
    (
        "cargo-insta",
        &["--version"],
        "optional, reviews baselines as `memcase review` does",
        "`cargo install cargo-insta`, if you review other snapshots too; memcase does not need it",
    ),
];

/// Finds out all that there is to know; `quick` measures no language.
pub fn gather(quick: bool) -> io::Result<Facts> {
    let work = tempfile::Builder::new()
        .prefix("memcase-doctor-")
        .tempdir()?;
    let folder = work.path();
    let shared = if quick {
        None
    } else {
        Some(trial::shared(&folder.join("artifacts"))?)
    };
    let library = library::library(folder);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let permits = Permits::new(cores.max(2));
    let languages: Vec<Installed> = thread::scope(|scope| {
        let (permits, shared) = (&permits, shared.as_ref());
        let one = |language| {
            scope.spawn(move || {
                let _permit = permits.acquire();
                trial::installed(language, folder, shared)
            })
        };
        let started: Vec<_> = Language::ALL.map(one).into_iter().collect();
        let ended = started.into_iter().map(thread::ScopedJoinHandle::join);
        ended.filter_map(Result::ok).collect()
    });
    Ok(Facts {
        machine: this_machine(),
        kernel: kernel::kernel(),
        library,
        folders: folders(),
        languages,
        tools: TOOLS.map(tool).into_iter().chain([venv()]).collect(),
    })
}

fn this_machine() -> Machine {
    let known = machine::environment();
    Machine {
        kernel: known.kernel,
        arch: known.arch,
        cpus: known.cpus,
        memory: known.memory,
        memory_limit: known.memory_limit,
        page: known.page,
        c_library: tools::c_library(),
    }
}

fn tool(
    (name, arguments, purpose, remedy): (&'static str, &[&str], &'static str, &'static str),
) -> Tool {
    let found = tools::look(name, arguments);
    let (program, said) = found.map(|found| (found.program, found.version)).unzip();
    let (version, broken) = match said {
        Some(Ok(version)) => (Some(version), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    Tool {
        name,
        purpose,
        remedy,
        program,
        version,
        broken,
    }
}

/// Python's own, which Debian has in a package of its own.
fn venv() -> Tool {
    let script = "import venv, ensurepip, pdb; print('venv and pdb of Python')";
    let found = tool((
        "python3",
        &["-c", script],
        "installs what Python cases require, and debugs them",
        "install Python's venv and ensurepip (Debian: python3-venv), if Python cases have `requires`",
    ));
    Tool {
        name: "python-venv",
        ..found
    }
}

fn folders() -> Vec<Folder> {
    let mut all = vec![folder(FolderKind::Artifacts, Artifacts::place())];
    all.push(match environments::place() {
        Ok(path) => folder(FolderKind::Environments, path),
        Err(error) => Folder {
            kind: FolderKind::Environments,
            path: PathBuf::new(),
            refused: Some(error.to_string()),
            free: None,
        },
    });
    all
}

/// Tries to write where the folder is or will be; nothing stays there.
fn folder(kind: FolderKind, path: PathBuf) -> Folder {
    let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
    let existing = absolute.ancestors().find(|place| place.exists());
    let existing = existing.unwrap_or(Path::new("/"));
    let written = tempfile::Builder::new()
        .prefix(".memcase-doctor-")
        .tempdir_in(existing);
    let space = rustix::fs::statvfs(existing).ok();
    Folder {
        kind,
        path,
        refused: written.err().map(|error| {
            let why = plain(&error);
            if existing == absolute {
                why
            } else {
                format!("{} has to be made, and {why}", absolute.display())
            }
        }),
        free: space.map(|space| space.f_bavail * space.f_frsize),
    }
}

/// The kernel's words without the name of the folder that was tried.
fn plain(error: &io::Error) -> String {
    error.kind().to_string()
}
