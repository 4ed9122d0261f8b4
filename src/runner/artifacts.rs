//! The folder in which traces, logs and results are kept.
//!
//! A case is measured into a staging folder of its own and published when it ends: its
//! files are moved into `<root>/<id>/`, `result.json` last, under a lock on the root. So two runs at
//! once never mix their files, and a case whose result is there has all of its files.
//! The last run to end is the one that is kept.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Deserialize;
use tempfile::TempDir;

use super::parts::RUN;
use crate::explain::KeptFile;
use crate::outcome::OutcomeKind;
use crate::report::{CaseReport, Event, Line};
use crate::trace::{self, Trace};

const STAGING: &str = ".staging-";
const LOCK: &str = ".lock";
/// Where the sides of cases are kept that are no results of their own.
pub(super) const BESIDE: &str = ".beside";
/// How the name of a heap dump begins; its ending is that of the tool that reads it.
pub(super) const DUMP: &str = "heap.";
/// What tracers of others write.
pub(super) const HEAPTRACK: &str = "heaptrack.gz";
pub(super) const MEMRAY: &str = "memray.bin";
pub(super) const RESULT: &str = "result.json";

/// The folder of all artifacts.
#[derive(Debug)]
pub struct Artifacts {
    root: PathBuf,
}

/// The folder in which one case is measured; what is not published is removed.
#[derive(Debug)]
pub struct Staged {
    folder: TempDir,
    target: PathBuf,
    root: PathBuf,
    /// Held as long as the folder is in use; tells it from one that was left behind.
    _in_use: File,
}

impl Artifacts {
    /// `$MEMCASE_DIR`; else `memcase` below the target folder of the Cargo project
    /// around the current folder; else `.memcase` in it.
    pub fn place() -> PathBuf {
        if let Some(folder) = std::env::var_os("MEMCASE_DIR").filter(|folder| !folder.is_empty()) {
            return PathBuf::from(folder);
        }
        let here = std::env::current_dir().unwrap_or_default();
        let project = here
            .ancestors()
            .find(|folder| folder.join("Cargo.toml").is_file());
        match (project, std::env::var_os("CARGO_TARGET_DIR")) {
            (Some(_), Some(target)) if !target.is_empty() => PathBuf::from(target).join("memcase"),
            (Some(project), _) => {
                let folder = project.join("target").join("memcase");
                match folder.strip_prefix(&here) {
                    Ok(below) => below.to_owned(),
                    Err(_) => folder,
                }
            }
            (None, _) => PathBuf::from(".memcase"),
        }
    }

    /// Makes the folder, readable by its owner alone, and clears what dead runs left in it.
    pub fn open(root: PathBuf) -> io::Result<Self> {
        create_folder(&root)?;
        let ignore = root.join(".gitignore");
        if !ignore.exists() {
            create_file(&ignore)?.write_all(b"*\n")?;
        }
        for entry in fs::read_dir(&root)?.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(STAGING) {
                clear_if_left_behind(&entry.path());
            }
        }
        Ok(Self { root })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file that tells of this run; the last run to start is the one that is kept.
    pub fn run_file(&self) -> io::Result<File> {
        let file = tempfile::Builder::new().tempfile_in(&self.root)?;
        file.persist(self.root.join(RUN)).map_err(io::Error::from)
    }

    /// A folder in which a case is measured.
    pub fn stage(&self, id: &str) -> io::Result<Staged> {
        let folder = tempfile::Builder::new()
            .prefix(STAGING)
            .tempdir_in(&self.root)?;
        let in_use = create_file(&folder.path().join(LOCK))?;
        flock(&in_use, FlockOperation::NonBlockingLockExclusive)?;
        create_folder(&folder.path().join("work"))?;
        Ok(Staged {
            folder,
            target: self.root.join(below_root(id)),
            root: self.root.clone(),
            _in_use: in_use,
        })
    }
}

/// A case's id as a path that stays below the root.
pub(super) fn below_root(id: &str) -> PathBuf {
    id.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| match part {
            "." | ".." => "_".to_owned(),
            other => other.replace('\0', "_"),
        })
        .collect()
}

/// The folder below `root` in which the result of a case is kept.
pub fn folder_of(root: &Path, id: &str) -> PathBuf {
    root.join(below_root(id))
}

fn clear_if_left_behind(folder: &Path) {
    let Ok(in_use) = File::open(folder.join(LOCK)) else {
        return;
    };
    if flock(&in_use, FlockOperation::NonBlockingLockExclusive).is_ok() {
        // It belongs to nobody; if it can not be removed now, the next run tries again.
        let _ = fs::remove_dir_all(folder);
    }
}

fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(super) fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

/// Whether a file of a case's folder is one that `publish` writes.
fn is_ours(name: &str) -> bool {
    name == RESULT
        || (name.starts_with("trace-") && name.contains(".jsonl"))
        || (name.starts_with("process-") && Path::new(name).extension().is_some_and(|e| e == "log"))
        || is_of_tracer(name)
}

/// Whether a file is one that a tracer leaves, to be kept.
fn is_of_tracer(name: &str) -> bool {
    name.starts_with(DUMP) || [HEAPTRACK, MEMRAY].contains(&name)
}

/// Whether a file that was kept is a dump of the heap.
pub(super) fn is_dump(file: &KeptFile) -> bool {
    let name = file.path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(DUMP)
}

impl Staged {
    /// Where generated programs are written.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Where the output of a process is kept.
    pub fn log(&self, process: u32) -> PathBuf {
        self.folder.path().join(format!("process-{process}.log"))
    }

    /// Where it will be published.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes the trace of a process and returns the name of its file.
    pub fn keep_trace(&self, trace: &Trace) -> io::Result<String> {
        let plain = format!("trace-{}.jsonl", trace.header.process);
        let path = self.folder.path().join(&plain);
        let mut out = BufWriter::new(create_file(&path)?);
        let compressed = trace::write(trace, &mut out)?;
        out.flush()?;
        if !compressed {
            return Ok(plain);
        }
        let name = format!("{plain}.gz");
        fs::rename(path, self.folder.path().join(&name))?;
        Ok(name)
    }

    /// Keeps the files that tracers left among the generated programs.
    pub fn keep_files(&self) -> io::Result<Vec<KeptFile>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(self.work())? {
            let entry = entry?;
            let name = entry.file_name();
            if is_of_tracer(&name.to_string_lossy()) {
                fs::rename(entry.path(), self.folder.path().join(&name))?;
                kept.push(KeptFile {
                    path: self.target.join(&name),
                    bytes: fs::metadata(self.folder.path().join(&name))?.len(),
                });
            }
        }
        kept.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(kept)
    }

    /// Puts the files in place of those of an earlier run, the result last.
    pub fn publish(self, report: &CaseReport) -> io::Result<()> {
        let result = self.folder.path().join(RESULT);
        let event = Event::Case(Box::new(report.clone()));
        let mut out = BufWriter::new(create_file(&result)?);
        serde_json::to_writer(&mut out, &Line::new(&event))?;
        out.write_all(b"\n")?;
        out.flush()?;
        drop(out);

        let lock = create_file(&self.root.join(LOCK))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        create_folder(&self.target)?;
        for entry in fs::read_dir(&self.target)? {
            let entry = entry?;
            if is_ours(&entry.file_name().to_string_lossy()) {
                fs::remove_file(entry.path())?;
            }
        }
        for entry in fs::read_dir(self.folder.path())? {
            let entry = entry?;
            let name = entry.file_name();
            if is_ours(&name.to_string_lossy()) && name != RESULT {
                fs::rename(entry.path(), self.target.join(name))?;
            }
        }
        fs::rename(result, self.target.join(RESULT))
    }
}

/// What became of a case when it was last run below `root`, if that was kept.
pub fn last_outcome(root: &Path, id: &str) -> Option<OutcomeKind> {
    /// The part of a result that is asked for.
    #[derive(Deserialize)]
    struct Kept {
        id: String,
        outcome: OutcomeKind,
    }
    let text = fs::read(folder_of(root, id).join(RESULT)).ok()?;
    let kept: Kept = serde_json::from_slice(&text).ok()?;
    (kept.id == id).then_some(kept.outcome)
}

/// The ids of results that are kept of a case under several interpreters: `ID[python3.12]`.
pub fn sides_of(root: &Path, id: &str) -> Vec<String> {
    let place = folder_of(root, id);
    let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
        return Vec::new();
    };
    let start = format!("{}[", name.to_string_lossy());
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|found| Some(format!("{id}[{}", found.strip_prefix(&start)?)))
        .collect()
}

/// The traces of a case's folder, or the one file that is named, in order.
pub fn traces_at(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut traces: Vec<PathBuf> = fs::read_dir(path)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name().is_some_and(|name| {
                let name = name.to_string_lossy();
                name.starts_with("trace-") && is_ours(&name)
            })
        })
        .collect();
    traces.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    Ok(traces)
}

/// The traces that a result tells of; an error says in a sentence why there are none.
pub fn traces_of(case: &CaseReport) -> Result<Vec<Trace>, String> {
    /// What tells a result from that of another run.
    #[derive(Deserialize)]
    struct Kept {
        id: String,
        seconds: f64,
    }
    let Some(folder) = case.folder.as_ref().filter(|_| !case.traces.is_empty()) else {
        return Err("No traces of it were kept.".to_owned());
    };
    let shown = folder.display();
    let kept: Option<Kept> = fs::read(folder.join(RESULT))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    match kept {
        None => {
            return Err(format!(
                "Its traces are not in `{shown}` any more, or can not be read."
            ));
        }
        Some(kept) if kept.id != case.id || kept.seconds.to_bits() != case.seconds.to_bits() => {
            return Err(format!(
                "The traces in `{shown}` are of another run by now."
            ));
        }
        Some(_) => {}
    }
    let mut traces = Vec::new();
    for name in &case.traces {
        let path = folder.join(Path::new(name).file_name().unwrap_or_default());
        let trace = read_trace(&path)
            .map_err(|error| format!("The trace `{}` can not be read: {error}.", path.display()))?;
        traces.push(trace);
    }
    Ok(traces)
}

/// Reads one recorded trace.
pub fn read_trace(path: &Path) -> Result<Trace, trace::TraceError> {
    trace::read(File::open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_id_never_leads_out_of_the_root() {
        for (id, path) in [
            ("a/b", "a/b"),
            ("../../x", "_/_/x"),
            ("/etc/x", "etc/x"),
            ("a//b[n=1]", "a/b[n=1]"),
        ] {
            assert_eq!(below_root(id), PathBuf::from(path));
        }
    }

    #[test]
    fn folders_of_dead_runs_are_cleared_and_those_in_use_are_not() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("memcase");
        let artifacts = Artifacts::open(root.clone()).unwrap();
        let staged = artifacts.stage("a").unwrap();
        let left = root.join(".staging-left");
        create_folder(&left).unwrap();
        create_file(&left.join(LOCK)).unwrap();
        Artifacts::open(root.clone()).unwrap();
        assert!(staged.folder.path().exists());
        assert!(!left.exists());
        let mode = fs::metadata(&root).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
