//! The commands on baselines that ask nothing: accept, reject, pending, and what becomes of the unreferenced.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::CliError;
use super::args::Selection;
use super::baseline_args::{PendingArgs, PendingListArgs, Unreferenced};
use super::select::DEFAULT_ROOT;
use crate::baseline::store::{self, BaselineError, FOLDER, Found, Pending};
use crate::baseline::{Comparison, Fit};
use crate::case::discover;
use crate::outcome::ExitCode;
use crate::report::EVENT_VERSION;

/// The deepest folder searched.
const DEEPEST: usize = 64;
/// Folders that hold no cases.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

pub(super) fn fault(error: &BaselineError) -> CliError {
    CliError::Usage(error.to_string())
}

/// What waits to be accepted.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) pending: Vec<Pending>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// A file that should hold a waiting result, and can not be read.
pub(super) struct Unreadable {
    id: String,
    found: Found,
    why: BaselineError,
}

impl Unreadable {
    /// What a person should know of it.
    pub(super) fn note(&self) -> String {
        let (id, platform) = (&self.id, &self.found.platform);
        format!(
            "unreadable    {id} ({platform}): {}; `memcase reject {id}` removes it",
            self.why
        )
    }
}

/// `memcase accept`.
pub(super) fn accept(args: &PendingArgs) -> Result<ExitCode, CliError> {
    let waiting = select(args)?;
    for one in &waiting.pending {
        one.accept().map_err(|error| fault(&error))?;
        say(&format!("accepted  {} ({})", one.id, one.platform))?;
    }
    let code = closing(waiting.pending.len(), "accepted")?;
    match waiting.unreadable.as_slice() {
        [] => Ok(code),
        several => {
            let notes: Vec<String> = several.iter().map(Unreadable::note).collect();
            Err(CliError::Usage(notes.join("\n")))
        }
    }
}

/// `memcase reject`.
pub(super) fn reject(args: &PendingArgs) -> Result<ExitCode, CliError> {
    let waiting = select(args)?;
    for one in &waiting.pending {
        one.reject().map_err(|error| fault(&error))?;
        say(&format!("rejected  {} ({})", one.id, one.platform))?;
    }
    for one in &waiting.unreadable {
        store::remove(&one.found.file).map_err(|error| fault(&error))?;
        let (id, platform) = (&one.id, &one.found.platform);
        say(&format!(
            "rejected  {id} ({platform}), which could not be read"
        ))?;
    }
    closing(waiting.pending.len() + waiting.unreadable.len(), "rejected")
}

/// A waiting result as `pending --json` tells it.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    version: u32,
    id: &'a str,
    platform: &'a str,
    pending: &'a Path,
    snapshot: &'a Path,
    comparison: Option<Comparison>,
    before: Option<&'a Fit>,
    now: &'a Fit,
}

/// `memcase pending`.
pub(super) fn pending(args: &PendingListArgs) -> Result<ExitCode, CliError> {
    let Waiting {
        pending,
        unreadable,
    } = select(&args.which)?;
    for one in &pending {
        let comparison = one.comparison();
        if args.json {
            let listed = Listed {
                kind: "pending",
                version: EVENT_VERSION,
                id: &one.id,
                platform: &one.platform,
                pending: &one.file,
                snapshot: &one.accepted,
                comparison,
                before: one.before.as_ref(),
                now: &one.now,
            };
            let line = serde_json::to_string(&listed).map_err(io::Error::from);
            say(&line.map_err(CliError::Output)?)?;
        } else {
            let kind = comparison.map_or("new", |comparison| comparison.kind.name());
            say(&format!("{kind:<12}  {} ({})", one.id, one.platform))?;
        }
    }
    for one in &unreadable {
        if args.json {
            let line = serde_json::json!({
                "type": "unreadable",
                "version": EVENT_VERSION,
                "id": one.id,
                "platform": one.found.platform,
                "pending": one.found.file,
                "reason": one.why.to_string(),
            });
            say(&line.to_string())?;
        } else {
            say(&one.note())?;
        }
    }
    if args.json {
        return Ok(ExitCode::AsClaimed);
    }
    closing(pending.len() + unreadable.len(), "pending")
}

fn closing(count: usize, done: &str) -> Result<ExitCode, CliError> {
    let plural = if count == 1 { "" } else { "s" };
    say(&format!("{count} snapshot{plural} {done}"))?;
    Ok(ExitCode::AsClaimed)
}

pub(super) fn say(line: &str) -> Result<(), CliError> {
    writeln!(io::stdout().lock(), "{line}").map_err(CliError::Output)
}

/// The waiting results that are meant, by id.
pub(super) fn select(args: &PendingArgs) -> Result<Waiting, CliError> {
    let (paths, filters) = paths_and_filters(&args.words)?;
    let matches = |id: &str| {
        let matches = |filter: &String| {
            if args.exact {
                id == *filter
            } else {
                id.contains(filter.as_str())
            }
        };
        filters.is_empty() || filters.iter().any(matches)
    };
    let mut all = Waiting::default();
    let mut seen = BTreeSet::new();
    for path in &paths {
        for found in snapshots_at(path)? {
            if !found.pending || !seen.insert(found.file.clone()) {
                continue;
            }
            let id = id_of(&found, path);
            if !matches(&id) {
                continue;
            }
            match store::pending_in(&found, id.clone()) {
                Ok(pending) => all.pending.extend(pending),
                Err(why) => all.unreadable.push(Unreadable { id, found, why }),
            }
        }
    }
    let pending = &mut all.pending;
    pending.sort_by(|a, b| (&a.id, &a.platform).cmp(&(&b.id, &b.platform)));
    let unreadable = &mut all.unreadable;
    unreadable.sort_by(|a, b| (&a.id, &a.found).cmp(&(&b.id, &b.found)));
    Ok(all)
}

fn paths_and_filters(words: &[String]) -> Result<(Vec<PathBuf>, Vec<String>), CliError> {
    let (paths, filters): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| Path::new(word).exists());
    let mut paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    if paths.is_empty() {
        if !Path::new(DEFAULT_ROOT).exists() {
            return Err(CliError::NoCase(format!(
                "there is no folder `{DEFAULT_ROOT}` here; name a file or folder with cases"
            )));
        }
        paths.push(PathBuf::from(DEFAULT_ROOT));
    }
    Ok((paths, filters.into_iter().cloned().collect()))
}

/// The snapshots below a folder, or of the cases of one file.
fn snapshots_at(path: &Path) -> Result<Vec<Found>, CliError> {
    let mut found = Vec::new();
    if path.is_dir() {
        walk(path, 0, &mut found)?;
        return Ok(found);
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = path.with_file_name(FOLDER);
    found = store::in_folder(&folder).map_err(|error| fault(&error))?;
    let several = format!("{stem}__");
    found.retain(|one| one.name == stem || one.name.starts_with(&several) || one.file == path);
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<Found>) -> Result<(), CliError> {
    let unreadable = |error: io::Error| {
        CliError::Usage(format!("`{}` can not be read: {error}", folder.display()))
    };
    if folder.file_name().is_some_and(|name| name == FOLDER) {
        found.extend(store::in_folder(folder).map_err(|error| fault(&error))?);
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link leads elsewhere, and a hidden folder holds no cases.
        let is_folder = entry.file_type().map_err(unreadable)?.is_dir();
        if is_folder && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
            inside.push(entry.path());
        }
    }
    inside.sort();
    for folder in inside.iter().filter(|_| depth < DEEPEST) {
        walk(folder, depth + 1, found)?;
    }
    Ok(())
}

/// What the case of a snapshot is called, as a run calls it: below `cases/`, else below the given path.
fn id_of(found: &Found, path: &Path) -> String {
    let folder = found.file.parent().and_then(Path::parent);
    let folder = folder.unwrap_or(Path::new(""));
    let base = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(Path::new(""))
    };
    let plain = |folder: &Path| folder.strip_prefix("./").unwrap_or(folder).to_owned();
    let below = plain(folder);
    let below = below
        .strip_prefix(DEFAULT_ROOT)
        .or(folder.strip_prefix(base))
        .unwrap_or(&below);
    let name = found.name.replace("__", "/");
    let mut id: Vec<String> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    id.push(name);
    id.join("/")
}

/// Looks for snapshots whose case is gone, in the folders that a run was given.
pub(super) fn unreferenced(selection: &Selection, how: Unreferenced) -> Result<ExitCode, CliError> {
    if how == Unreferenced::Ignore {
        return Ok(ExitCode::AsClaimed);
    }
    let (paths, _) = paths_and_filters(&selection.words)?;
    let mut gone: BTreeSet<PathBuf> = BTreeSet::new();
    for path in paths.iter().filter(|path| path.is_dir()) {
        let names: BTreeSet<(PathBuf, String)> = discover::load(std::slice::from_ref(path))
            .cases
            .iter()
            .map(|case| {
                let name = store::name_of(&case.id.0, &case.file);
                (case.file.with_file_name(FOLDER), name)
            })
            .collect();
        for found in snapshots_at(path)? {
            let folder = found.file.parent().unwrap_or(Path::new("")).to_owned();
            let known = names.contains(&(folder, found.name.clone()));
            if !known && store::is_baseline(&found.file) {
                gone.insert(found.file);
            }
        }
    }
    let mut err = io::stderr().lock();
    for file in &gone {
        let file_name = file.display();
        let line = match how {
            Unreferenced::Delete => {
                store::remove(file).map_err(|error| fault(&error))?;
                format!("deleted: `{file_name}`, whose case is gone")
            }
            _ => format!(
                "note: `{file_name}` has no case any more; `--unreferenced=delete` removes it"
            ),
        };
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(err, "{line}");
    }
    Ok(if how == Unreferenced::Reject && !gone.is_empty() {
        ExitCode::Failed
    } else {
        ExitCode::AsClaimed
    })
}
