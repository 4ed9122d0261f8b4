//! Packages that cases require: built once in a cache, by one run at a time, then shared.
//!
//! An environment is a folder whose name holds a hash of all that it was made from. It
//! is built in its place, because virtual environments and cargo's output hold their
//! own path, and is valid only when its marker, written last, is there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::PrepareError;
use super::program::hash;

/// The name of the marker in a complete environment.
const MARKER: &str = "memcase.json";

/// Packages in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its folder.
    pub folder: PathBuf,
    /// `python`, `node`, `rust`.
    pub language: String,
    /// What was asked for, sorted.
    pub requires: Vec<String>,
    /// What runs it: interpreter or compiler with its version.
    pub runtime: String,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Whether it was built to its end.
    pub complete: bool,
}

/// What an environment is made from, and what its marker keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recipe {
    /// `python`, `node`, `rust`.
    pub(super) language: String,
    /// What was asked for.
    pub(super) requires: Vec<String>,
    /// What runs it: interpreter or compiler with its version.
    pub(super) runtime: String,
    /// The folder from which relative paths among the packages are meant; empty where
    /// there are none.
    pub(super) folder: String,
}

impl Recipe {
    /// A recipe; `folder` counts only if a package `is_local`.
    pub(super) fn new(
        language: &str,
        requires: &[String],
        runtime: String,
        folder: &Path,
        is_local: fn(&str) -> bool,
    ) -> Self {
        let trimmed = requires.iter().map(|each| each.trim().to_owned());
        let mut requires: Vec<_> = trimmed.filter(|each| !each.is_empty()).collect();
        requires.sort();
        requires.dedup();
        let local = requires.iter().any(|each| is_local(each));
        Self {
            language: language.to_owned(),
            requires,
            runtime,
            folder: if local {
                folder.display().to_string()
            } else {
                String::new()
            },
        }
    }

    fn name(&self) -> String {
        let requires = self.requires.join("\n");
        let hash = hash(&[&requires, &self.runtime, &self.folder]);
        format!("{}-{hash}", self.language)
    }
}

/// The environment of a recipe, built now if it is not there yet. `build` is given its
/// empty folder; runs that want the same one wait for each other.
pub(super) fn ensure(
    recipe: &Recipe,
    progress: &dyn Fn(&str),
    build: impl FnOnce(&Path) -> Result<(), PrepareError>,
) -> Result<PathBuf, PrepareError> {
    let root = root()?;
    let folder = root.join(recipe.name());
    let marker = folder.join(MARKER);
    if marker.exists() {
        return Ok(folder);
    }
    let packages = recipe.requires.join(", ");
    let lock = open_lock(&root, &recipe.name())?;
    if let Err(TryLockError::WouldBlock) = lock.try_lock() {
        progress(&format!("waiting for another run that installs {packages}"));
    }
    lock.lock()
        .map_err(|error| failed("locking", &folder, error))?;
    if marker.exists() {
        return Ok(folder);
    }
    progress(&format!(
        "building {} environment ({packages})",
        recipe.language
    ));
    remove(&folder)?;
    create(&folder)?;
    let built = build(&folder).and_then(|()| {
        let text = serde_json::to_string_pretty(recipe).unwrap_or_default();
        let fresh = folder.join("memcase.json.new");
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &marker))
            .map_err(|error| failed("writing", &marker, error))
    });
    match built {
        Ok(()) => Ok(folder),
        Err(error) => {
            // What is left of it is removed by the next attempt at the latest.
            let _ = remove(&folder);
            Err(error)
        }
    }
}

/// The environments in the cache, by name.
pub fn list() -> Result<Vec<Environment>, PrepareError> {
    let root = root()?;
    let entries = fs::read_dir(&root).map_err(|error| failed("reading", &root, error))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed("reading", &root, error))?;
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let folder = entry.path();
        let marker = fs::read(folder.join(MARKER)).ok();
        let recipe: Option<Recipe> = marker.and_then(|text| serde_json::from_slice(&text).ok());
        let name = entry.file_name().to_string_lossy().into_owned();
        let language = name.split('-').next().unwrap_or_default().to_owned();
        found.push(Environment {
            bytes: size(&folder),
            folder,
            language,
            complete: recipe.is_some(),
            runtime: recipe
                .as_ref()
                .map_or_else(String::new, |r| r.runtime.clone()),
            requires: recipe.map_or_else(Vec::new, |r| r.requires),
        });
    }
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(found)
}

/// Removes all environments that no run is building now, and says which.
pub fn clean() -> Result<Vec<Environment>, PrepareError> {
    let root = root()?;
    let mut removed = Vec::new();
    for environment in list()? {
        let name = environment.folder.file_name().unwrap_or_default();
        let lock = open_lock(&root, &name.to_string_lossy())?;
        match lock.try_lock() {
            Ok(()) => {
                remove(&environment.folder)?;
                removed.push(environment);
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(failed("locking", &environment.folder, error));
            }
        }
    }
    Ok(removed)
}

/// Removes the environments of packages below a folder that is about to go, unless a run builds in them now.
pub(super) fn forget_below(gone: &Path) {
    let Ok(root) = place() else { return };
    let Ok(entries) = fs::read_dir(&root) else {
        return;
    };
    for folder in entries.flatten().map(|entry| entry.path()) {
        let marker = fs::read(folder.join(MARKER)).ok();
        let recipe: Option<Recipe> = marker.and_then(|text| serde_json::from_slice(&text).ok());
        let below = |recipe: Recipe| Path::new(&recipe.folder).starts_with(gone);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if recipe.is_some_and(below)
            && let Ok(lock) = open_lock(&root, &name)
            && lock.try_lock().is_ok()
        {
            // What can not be removed now is shown by `memcase env list`.
            let _ = remove(&folder);
            let _ = fs::remove_file(root.join(format!("{name}.lock")));
        }
    }
}

/// Takes the lock of an environment for as long as the file is kept, to build in it.
pub(super) fn hold(folder: &Path) -> Result<File, PrepareError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let lock = open_lock(&root()?, &name)?;
    lock.lock()
        .map_err(|error| failed("locking", folder, error))?;
    Ok(lock)
}

/// `MEMCASE_CACHE_DIR`, else the user's cache folder; made if it is not there.
fn root() -> Result<PathBuf, PrepareError> {
    let root = place()?;
    create(&root)?;
    Ok(root)
}

/// The same, whether it is there or not.
pub fn place() -> Result<PathBuf, PrepareError> {
    let set = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = set("MEMCASE_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|path| path.join("memcase")))
        .or_else(|| set("HOME").map(|path| path.join(".cache/memcase")))
        .ok_or_else(|| PrepareError::Unsupported {
            what: "there is no folder for packages, because HOME is not set".to_owned(),
            remedy: "set MEMCASE_CACHE_DIR to the absolute path of a folder".to_owned(),
        })?;
    Ok(cache.join("environments"))
}

fn open_lock(root: &Path, name: &str) -> Result<File, PrepareError> {
    let path = root.join(format!("{name}.lock"));
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|error| failed("opening", &path, error))
}

fn create(folder: &Path) -> Result<(), PrepareError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| failed("making", folder, error))
}

fn remove(folder: &Path) -> Result<(), PrepareError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("removing", folder, error))
        }
        _ => Ok(()),
    }
}

fn failed(doing: &str, path: &Path, error: io::Error) -> PrepareError {
    PrepareError::Io {
        what: format!("{doing} {}", path.display()),
        error,
    }
}

/// Bytes of all files below a folder; what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let each = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.flatten().map(each).sum()
}
