//! The snapshots that lie in a folder, and those that wait to be accepted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use insta::Snapshot;

use super::files::{BaselineError, fit_in, read, remove, save, unreadable};
use super::place::ACCEPTED;
use crate::baseline::compare::{Comparison, compare};
use crate::baseline::fit::Fit;

/// The end of a pending one's.
const PENDING: &str = ".snap.new";

/// A snapshot that waits to be accepted.
#[derive(Debug, Clone)]
pub struct Pending {
    /// What users filter by: like a case's id.
    pub id: String,
    /// The system and architecture it is of.
    pub platform: String,
    /// The pending file.
    pub file: PathBuf,
    /// The accepted one, which need not be there.
    pub accepted: PathBuf,
    /// What waits.
    pub now: Fit,
    /// What is accepted.
    pub before: Option<Fit>,
}

impl Pending {
    /// Accepts it.
    pub fn accept(&self) -> Result<(), BaselineError> {
        save(&self.file, &self.accepted)?;
        remove(&self.file)
    }

    /// Takes it away.
    pub fn reject(&self) -> Result<(), BaselineError> {
        remove(&self.file)
    }

    /// How it compares with what is accepted.
    pub fn comparison(&self) -> Option<Comparison> {
        let before = self.before.as_ref()?;
        Some(compare(before, &self.now))
    }
}

/// A snapshot in a folder of snapshots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The file.
    pub file: PathBuf,
    /// Its name without the platform.
    pub name: String,
    /// The platform.
    pub platform: String,
    /// Whether it waits to be accepted.
    pub pending: bool,
}

/// The snapshots in the folder of snapshots beside cases. Files of others are left out.
pub fn in_folder(folder: &Path) -> Result<Vec<Found>, BaselineError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut found: Vec<Found> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let file = entry.path();
            let name = entry.file_name().to_str()?.to_owned();
            let (name, pending) = match name.strip_suffix(PENDING) {
                Some(name) => (name, true),
                None => (name.strip_suffix(ACCEPTED)?, false),
            };
            let (name, platform) = name.rsplit_once('@').filter(|(_, end)| is_platform(end))?;
            Some(Found {
                name: name.to_owned(),
                platform: platform.to_owned(),
                file,
                pending,
            })
        })
        .collect();
    found.sort();
    Ok(found)
}

/// Whether it is a system and an architecture, as memcase writes them. Other programs have snapshots with
/// `@` in their names too, and one that can not be read does not say whose it is.
fn is_platform(text: &str) -> bool {
    let word = |text: &str| {
        let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        !text.is_empty() && text.chars().all(part)
    };
    let parts = text.split_once('-');
    parts.is_some_and(|(system, architecture)| word(system) && word(architecture))
}

/// The pending one that lies in a file; none where it is of another program.
pub fn pending_in(found: &Found, id: String) -> Result<Option<Pending>, BaselineError> {
    let Some(snapshot) = read(&found.file)? else {
        return Ok(None);
    };
    if !is_ours(&snapshot) {
        return Ok(None);
    }
    let accepted = found.file.with_extension("");
    // What can not be used is what the pending one is to replace.
    let before = read(&accepted).ok().flatten();
    let before = before.and_then(|snapshot| fit_in(&snapshot, &accepted).ok());
    Ok(Some(Pending {
        id,
        platform: found.platform.clone(),
        file: found.file.clone(),
        now: fit_in(&snapshot, &found.file)?,
        accepted,
        before,
    }))
}

/// Whether a snapshot file was written by memcase.
pub fn is_baseline(file: &Path) -> bool {
    matches!(read(file), Ok(Some(snapshot)) if is_ours(&snapshot))
}

fn is_ours(snapshot: &Snapshot) -> bool {
    snapshot.metadata().description() == Some("memcase baseline")
}
