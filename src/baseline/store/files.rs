//! Snapshot files, read and written by `insta`: whole or not at all.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use insta::Snapshot;
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::baseline::contents::FitError;
use crate::baseline::fit::Fit;
use crate::baseline::snapshot::fit_of;

/// No baseline is larger; what is larger is not read.
const LARGEST: u64 = 1 << 20;

/// Why a snapshot could not be read or written.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// The file is not one of insta's.
    #[error("the baseline `{path}` can not be read: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, in a clause.
        why: String,
    },
    /// What it holds is not a fit.
    #[error("the baseline `{path}` can not be used: {why}")]
    Contents {
        /// The file.
        path: PathBuf,
        /// Why.
        why: FitError,
    },
    /// It could not be written, moved or removed.
    #[error("the baseline `{path}` could not be changed: {why}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl BaselineError {
    pub(super) fn unwritable(path: &Path, why: &(impl ToString + ?Sized)) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }

    /// Whether a later version of memcase wrote it, so that this one must not replace it.
    pub(super) fn is_newer(&self) -> bool {
        matches!(
            self,
            Self::Contents {
                why: FitError::Newer(_),
                ..
            }
        )
    }
}

/// Takes a file away, if it is there.
pub fn remove(file: &Path) -> Result<(), BaselineError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BaselineError::unwritable(file, &error))
        }
        _ => Ok(()),
    }
}

pub(super) fn unreadable(path: &Path, why: &(impl ToString + ?Sized)) -> BaselineError {
    BaselineError::Unreadable {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// The snapshot in a file, if the file is there.
pub(super) fn read(path: &Path) -> Result<Option<Snapshot>, BaselineError> {
    let size = match fs::metadata(path) {
        Ok(facts) => facts.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    if size > LARGEST {
        return Err(unreadable(path, "it is larger than any baseline"));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    // insta takes what begins otherwise for a format that it no longer writes, and says so itself.
    if text.lines().next() != Some("---") {
        return Err(unreadable(path, "its first line is not `---`"));
    }
    let snapshot = Snapshot::from_file(path).map_err(|error| unreadable(path, &error))?;
    Ok(Some(snapshot))
}

pub(super) fn fit_in(snapshot: &Snapshot, path: &Path) -> Result<Fit, BaselineError> {
    fit_of(snapshot).map_err(|why| BaselineError::Contents {
        path: path.to_owned(),
        why,
    })
}

/// Lets insta write the snapshot that lies in `from`, and puts it at `to`.
pub(super) fn save(from: &Path, to: &Path) -> Result<(), BaselineError> {
    let snapshot = read(from)?.ok_or_else(|| unreadable(from, "it is gone"))?;
    let staged = staged_beside(to)?;
    snapshot
        .save(staged.path())
        .map_err(|error| BaselineError::unwritable(to, &error))?;
    let finished = staged.as_file().sync_all();
    finished.map_err(|error| BaselineError::unwritable(to, &error))?;
    staged
        .persist(to)
        .map_err(|error| BaselineError::unwritable(to, &error.error))?;
    Ok(())
}

/// A file beside `target` that is gone unless it is put in its place.
pub(super) fn staged_beside(target: &Path) -> Result<NamedTempFile, BaselineError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".memcase-")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| BaselineError::unwritable(target, &error))
}
