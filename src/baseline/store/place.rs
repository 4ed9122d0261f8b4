//! The snapshot of a case: its place, and what becomes of a result there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use insta::Comparator;
use serde::{Deserialize, Serialize};

use super::files::{self, BaselineError};
use crate::baseline::compare::{Comparison, ComparisonKind};
use crate::baseline::fit::Fit;
use crate::baseline::reference::Reference;
use crate::baseline::snapshot::ByIntervals;
use crate::baseline::update::{Action, Update};

/// The folder beside the case.
pub const FOLDER: &str = "snapshots";
/// The end of an accepted snapshot's name.
pub(super) const ACCEPTED: &str = ".snap";

/// Why a result is no baseline.
const TOO_LITTLE: &str = "no baseline was written: it needs two processes at least, better three (`--processes 3`), and some iterations";

/// Where the snapshot of a case on a platform lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    accepted: PathBuf,
    /// The case file.
    source: PathBuf,
    /// Its line.
    line: usize,
}

/// A snapshot's name without the platform: the case file's stem and, of several documents, the name.
pub fn name_of(id: &str, file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut parts = id.rsplit('/');
    let last = parts.next().unwrap_or(id);
    // `a/a` is the only case of `a/a.yaml`, and the case `a` of `a.yaml`.
    let beside = file.parent().and_then(Path::file_name);
    let name = match parts.next() {
        Some(folder) if last == stem && beside.is_some_and(|beside| beside == folder) => {
            last.to_owned()
        }
        Some(folder) if folder == stem => format!("{stem}__{last}"),
        _ => last.to_owned(),
    };
    name.chars()
        .map(|c| {
            if c == '@' || c == '\\' || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .collect()
}

impl Place {
    /// The place for the case `id` of a file, on `platform`.
    pub fn new(id: &str, file: &Path, line: usize, platform: &str) -> Self {
        let name = format!("{}@{platform}{ACCEPTED}", name_of(id, file));
        Self {
            accepted: file.with_file_name(FOLDER).join(name),
            source: file.to_owned(),
            line,
        }
    }

    /// The accepted snapshot, which need not be there.
    pub fn accepted(&self) -> &Path {
        &self.accepted
    }

    /// The pending one, likewise.
    pub fn pending(&self) -> PathBuf {
        self.accepted.with_extension("snap.new")
    }

    /// The accepted baseline, if there is one.
    pub fn baseline(&self) -> Result<Option<Fit>, BaselineError> {
        let snapshot = files::read(&self.accepted)?;
        snapshot
            .map(|s| files::fit_in(&s, &self.accepted))
            .transpose()
    }

    /// Compares a result with the accepted baseline, and says what `update` wants done with it. Nothing is
    /// written before [`Place::settle`]: a case may be tried again, and one try alone is told.
    pub fn compare(&self, fit: &Fit, update: Update, under_ci: bool) -> Settled {
        let mut settled = Settled {
            snapshot: self.accepted.clone(),
            ..Settled::default()
        };
        let compared = self.compare_with_accepted(fit, &mut settled);
        if let Err(error) = &compared {
            settled.comparison = Some(Comparison::incomparable(error.to_string(), fit.axis));
            if error.is_newer() {
                return settled;
            }
        }
        let kind = settled.comparison.as_ref().map(|c| c.kind);
        settled.due = update.action(under_ci, kind);
        if fit.slopes.is_empty() {
            settled.withhold(TOO_LITTLE);
        }
        settled
    }

    /// Does what is due.
    pub fn settle(&self, fit: &Fit, settled: &mut Settled) {
        let done = match std::mem::take(&mut settled.due) {
            Action::Nothing => Ok(()),
            Action::Clear => files::remove(&self.pending()),
            Action::Pend => self.write(fit, &self.pending()).map(|()| {
                settled.pending = Some(self.pending());
            }),
            Action::Write => self.write(fit, &self.accepted).and_then(|()| {
                settled.written = true;
                files::remove(&self.pending())
            }),
        };
        if let Err(error) = done {
            settled.fault = Some(error.to_string());
        }
    }

    fn compare_with_accepted(&self, fit: &Fit, settled: &mut Settled) -> Result<(), BaselineError> {
        let Some(reference) = files::read(&self.accepted)? else {
            return Ok(());
        };
        settled.before = Some(files::fit_in(&reference, &self.accepted)?);
        let folder =
            tempfile::tempdir().map_err(|e| BaselineError::unwritable(&self.accepted, &e))?;
        let staged = folder.path().join("now.snap");
        fs::write(&staged, self.text(fit)).map_err(|e| BaselineError::unwritable(&staged, &e))?;
        let now = files::read(&staged)?
            .ok_or_else(|| BaselineError::unwritable(&staged, "it is gone"))?;
        let comparison =
            ByIntervals::comparison(&reference, &now).map_err(|why| BaselineError::Contents {
                path: self.accepted.clone(),
                why,
            })?;
        debug_assert_eq!(
            ByIntervals.matches(&reference, &now),
            Update::New.action(false, Some(comparison.kind)) == Action::Clear
        );
        settled.comparison = Some(comparison);
        Ok(())
    }

    /// A snapshot as insta has it before it reads it.
    fn text(&self, fit: &Fit) -> String {
        let source = self.relative_source();
        let source = serde_json::Value::from(source.to_string_lossy());
        format!(
            "---\nsource: {source}\nassertion_line: {}\ndescription: memcase baseline\n---\n{}\n",
            self.line,
            fit.text()
        )
    }

    /// The case file as insta names sources: from the root of the workspace or repository, if there is
    /// one, so that it does not hang on where memcase was started.
    fn relative_source(&self) -> PathBuf {
        let whole = fs::canonicalize(&self.source).unwrap_or_else(|_| self.source.clone());
        let root = ["Cargo.lock", ".git"].iter().find_map(|mark| {
            let mut folders = whole.ancestors().skip(1);
            folders.find(|folder| folder.join(mark).exists())
        });
        let below = root.and_then(|root| whole.strip_prefix(root).ok());
        let name = self.source.file_name().map(Path::new);
        below.or(name).unwrap_or(&self.source).to_owned()
    }

    fn write(&self, fit: &Fit, target: &Path) -> Result<(), BaselineError> {
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|e| BaselineError::unwritable(target, &e))?;
        let mut staged = files::staged_beside(target)?;
        staged
            .write_all(self.text(fit).as_bytes())
            .map_err(|e| BaselineError::unwritable(target, &e))?;
        files::save(staged.path(), target)
    }
}

/// What became of the comparison of a result with its baseline.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Settled {
    /// How it compares; none where there is no baseline.
    #[serde(flatten)]
    pub comparison: Option<Comparison>,
    /// The other side that does not have the case, so that it was not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_since: Option<Reference>,
    /// The accepted snapshot, which need not be there; none where two sides were measured.
    #[serde(default, skip_serializing_if = "is_nowhere")]
    pub snapshot: PathBuf,
    /// The pending one, where it was left.
    pub pending: Option<PathBuf>,
    /// Whether the result was accepted as it was asked to be.
    pub written: bool,
    /// Why a snapshot could not be written.
    pub fault: Option<String>,
    /// Where the traces of the other side are kept, where that is no case of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_folder: Option<PathBuf>,
    /// The baseline.
    #[serde(skip)]
    pub before: Option<Fit>,
    /// What is still to be done.
    #[serde(skip)]
    pub due: Action,
}

impl Settled {
    /// Leaves the result unwritten, and says why.
    pub fn withhold(&mut self, why: &str) {
        if matches!(self.due, Action::Pend | Action::Write) {
            self.due = Action::Nothing;
            self.fault = Some(why.to_owned());
        }
    }

    /// Whether a change for the worse is proven and is not accepted.
    pub fn is_regressed(&self) -> bool {
        !self.written
            && self.due != Action::Write
            && (self.comparison.as_ref()).is_some_and(|c| c.kind == ComparisonKind::Regressed)
    }

    /// Whether there is anything to tell.
    pub fn is_silent(&self) -> bool {
        self.comparison.is_none()
            && self.new_since.is_none()
            && self.pending.is_none()
            && !self.written
            && self.fault.is_none()
    }
}

fn is_nowhere(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_named_by_its_file_and_of_several_documents_by_theirs() {
        for (id, file, name) in [
            ("grow", "cases/grow.yaml", "grow"),
            ("idioms/grow", "cases/idioms/grow.yaml", "grow"),
            ("idioms/grow/leaky", "cases/idioms/grow.yaml", "grow__leaky"),
            ("idioms/renamed", "cases/idioms/grow.yaml", "renamed"),
            ("a/a", "cases/a/a.yaml", "a"),
            ("a/a", "cases/a.yaml", "a__a"),
            ("grow@home", "cases/grow@home.yaml", "grow_home"),
        ] {
            assert_eq!(name_of(id, Path::new(file)), name, "{id} {file}");
        }
        let place = Place::new("x/a.b", Path::new("cases/x/a.b.yaml"), 1, "linux-x86_64");
        let accepted = Path::new("cases/x/snapshots/a.b@linux-x86_64.snap");
        assert_eq!(place.accepted(), accepted);
        assert_eq!(
            place.pending(),
            Path::new("cases/x/snapshots/a.b@linux-x86_64.snap.new")
        );
    }
}
