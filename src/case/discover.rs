//! Finds case files below folders, gives each case its id, and reads them all.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::error::CaseError;
use super::file;
use super::lower::{NAME_HELP, is_name};
use super::model::Case;

/// Folders that never hold cases.
const SKIPPED: [&str; 3] = ["snapshots", "target", "node_modules"];

/// The folder of cases in the present directory.
const CASES: &str = "cases";

/// The deepest folder searched, below the root.
const MAX_DEPTH: usize = 64;

/// How many files a thread takes at a time: so few that none has much left when the others are
/// done, and so many that a handful of files is read without a second thread.
const BLOCK: usize = 32;

/// What was found: the cases in the order of their files, every mistake of every file,
/// and what a person should know besides.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All cases that are without mistake.
    pub cases: Vec<Case>,
    /// All mistakes; a run starts only if there is none.
    pub errors: Vec<CaseError>,
    /// What was left out and why, one sentence each.
    pub notes: Vec<String>,
}

/// Reads all cases of the given files and folders.
///
/// Folders are searched for `*.yaml` and `*.yml`, in the order of their names; hidden
/// folders, `snapshots`, `target` and `node_modules` are left out. The id of a case is
/// its file's path without extension, below the folder `cases/` of the present directory
/// if the file lies in it, otherwise below the given folder; a file given by itself and
/// outside `cases/` has its stem as id. A file reached twice is read once.
pub fn load(paths: &[PathBuf]) -> Loaded {
    load_from(Path::new(""), paths)
}

/// The same, as if `here` were the present directory: its folder `cases/` is the one below which ids are counted.
pub fn load_from(here: &Path, paths: &[PathBuf]) -> Loaded {
    let mut search = Search {
        cases: here.join(CASES),
        ..Search::default()
    };
    for path in paths {
        search.path(path);
    }
    search.read()
}

/// Reads the one case with this id, without reading other files where the id tells the
/// file; otherwise like [`load`], with the other cases left out.
///
/// Mistakes are told only of the files that had to be read.
pub fn load_one(root: &Path, id: &str) -> Loaded {
    let base = base_of(root, Path::new(CASES)).unwrap_or_else(|| root.to_path_buf());
    // the rest tells the values of a matrix
    let document = id.split('[').next().unwrap_or(id);
    let plain = Path::new(document)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if plain && root.is_dir() {
        let parent = document.rsplit_once('/').map(|(folder, _)| folder);
        for stem in std::iter::once(document).chain(parent) {
            for extension in ["yaml", "yml"] {
                let path = base.join(format!("{stem}.{extension}"));
                let inside = within(&path, root);
                if !inside || !path.is_file() {
                    continue;
                }
                let mut search = Search::default();
                search.link_or_file(&path, &base);
                let mut loaded = search.read();
                loaded.cases.retain(|case| case.id.0 == id);
                if !loaded.cases.is_empty() || !loaded.errors.is_empty() {
                    return loaded;
                }
            }
        }
    }
    let mut loaded = load(&[root.to_path_buf()]);
    loaded.cases.retain(|case| case.id.0 == id);
    loaded
}

/// The folder below which ids are counted, if the path lies in `cases`.
fn base_of(path: &Path, cases: &Path) -> Option<PathBuf> {
    within(path, cases).then(|| cases.to_path_buf())
}

/// Whether a path lies in a folder, with all symbolic links followed.
fn within(path: &Path, folder: &Path) -> bool {
    match (fs::canonicalize(path), fs::canonicalize(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

#[derive(Default)]
struct Search {
    /// The folder `cases/` of the present directory.
    cases: PathBuf,
    /// Files with the ids that their cases are made from.
    files: Vec<(PathBuf, String)>,
    seen: HashSet<PathBuf>,
    /// Links to files, with their bases; a file is called by its own place if that is searched.
    links: Vec<(PathBuf, PathBuf)>,
    loaded: Loaded,
}

impl Search {
    fn fail(&mut self, path: &Path, message: impl Into<String>, help: &str) {
        let error = CaseError::of_file(path, message).with_help(help);
        self.loaded.errors.push(error);
    }

    fn path(&mut self, path: &Path) {
        let base = base_of(path, &self.cases);
        match fs::metadata(path) {
            Ok(facts) if facts.is_dir() => match fs::canonicalize(path) {
                Ok(real) => {
                    let base = base.unwrap_or_else(|| path.to_path_buf());
                    self.folder(path, &base, (&real, &real), 0);
                }
                Err(error) => self.unreadable(path, &error),
            },
            Ok(_) => {
                let parent = path.parent().unwrap_or(Path::new("")).to_path_buf();
                self.link_or_file(path, &base.unwrap_or(parent));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.fail(
                path,
                "there is no such file or folder",
                "give a case file, or a folder with case files",
            ),
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        self.fail(
            path,
            format!("it cannot be read: {error}"),
            "see its permissions, or leave it out",
        );
    }

    /// Searches a folder. `real` is where it lies with all symbolic links followed, and what it is below.
    fn folder(&mut self, folder: &Path, base: &Path, real: (&Path, &Path), depth: usize) {
        let (place, root) = real;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder, &error),
        };
        let mut entries: Vec<fs::DirEntry> = entries.filter_map(Result::ok).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                    if depth < MAX_DEPTH {
                        let place = place.join(entry.file_name());
                        self.folder(&path, base, (&place, root), depth + 1);
                    } else {
                        self.note(&path, "is nested too deep and was not searched");
                    }
                }
            } else if kind.is_symlink() {
                self.link(&path, base, root);
            } else if is_case_file(&path) {
                self.add(&path, base, &place.join(entry.file_name()));
            }
        }
    }

    fn link(&mut self, path: &Path, base: &Path, root: &Path) {
        match fs::canonicalize(path) {
            Ok(real) if !real.starts_with(root) => {
                if real.is_dir() || is_case_file(path) {
                    self.note(
                        path,
                        "is a symbolic link out of its root and was not followed",
                    );
                }
            }
            // what a folder within the root holds is found at its own place
            Ok(real) if real.is_dir() => {}
            Ok(_) if is_case_file(path) => {
                self.links.push((path.to_path_buf(), base.to_path_buf()));
            }
            Err(error) if is_case_file(path) => self.unreadable(path, &error),
            Ok(_) | Err(_) => {}
        }
    }

    fn note(&mut self, path: &Path, what: &str) {
        self.loaded.notes.push(format!("{} {what}", path.display()));
    }

    fn link_or_file(&mut self, path: &Path, base: &Path) {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        self.add(path, base, &real);
    }

    /// Adds a file that lies at `real`, with all symbolic links followed.
    fn add(&mut self, path: &Path, base: &Path, real: &Path) {
        if !self.seen.insert(real.to_path_buf()) {
            return;
        }
        let below = match path.strip_prefix(base) {
            Ok(below) => below.to_path_buf(),
            // the same folder may be written in different ways
            Err(_) => fs::canonicalize(base)
                .ok()
                .and_then(|base| real.strip_prefix(base).ok().map(Path::to_path_buf))
                .unwrap_or_else(|| path.file_name().map(PathBuf::from).unwrap_or_default()),
        };
        let parts: Option<Vec<String>> = below
            .with_extension("")
            .components()
            .filter(|part| !matches!(part, Component::CurDir))
            .map(|part| part.as_os_str().to_str().map(str::to_owned))
            .collect();
        match parts {
            Some(parts) if parts.iter().all(|part| is_name(part)) => {
                self.files.push((path.to_path_buf(), parts.join("/")));
            }
            _ => {
                let help = format!("rename its file or folder: {NAME_HELP}");
                self.fail(path, "the path cannot be the name of a case", &help);
            }
        }
    }

    fn read(mut self) -> Loaded {
        for (path, base) in std::mem::take(&mut self.links) {
            self.link_or_file(&path, &base);
        }
        for read in read_all(&self.files) {
            match read {
                Ok(cases) => self.loaded.cases.extend(cases),
                Err(errors) => self.loaded.errors.extend(errors),
            }
        }
        self.refuse_twins();
        self.loaded
    }

    fn refuse_twins(&mut self) {
        let mut first: BTreeMap<&str, &Case> = BTreeMap::new();
        let mut errors = Vec::new();
        for case in &self.loaded.cases {
            if let Some(other) = first.get(case.id.0.as_str()) {
                let message = format!(
                    "the id `{}` is taken: {}:{} has it too",
                    case.id,
                    other.file.display(),
                    other.line
                );
                let mut error = CaseError::of_file(&case.file, message)
                    .with_help("rename one of the files, or give one a `name`");
                (error.line, error.column) = (case.line, 1);
                errors.push(error);
            } else {
                first.insert(&case.id.0, case);
            }
        }
        self.loaded.errors.extend(errors);
    }
}

type Read = Result<Vec<Case>, Vec<CaseError>>;

/// Reads files on all processors; what is returned is in the order of the files.
fn read_all(files: &[(PathBuf, String)]) -> Vec<Read> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done: Vec<(usize, Vec<Read>)> = Vec::new();
        loop {
            let start = next.fetch_add(BLOCK, Ordering::Relaxed).min(files.len());
            let block = &files[start..files.len().min(start + BLOCK)];
            if block.is_empty() {
                return done;
            }
            let read = block.iter().map(|(path, id)| file::read(path, id));
            done.push((start, read.collect()));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(files.len().div_ceil(BLOCK));
    let mut done = thread::scope(|scope| {
        // a thread that cannot be had leaves its files to the others
        let others = (1..threads).filter_map(|_| {
            let thread = thread::Builder::new().name("read cases".to_owned());
            thread.spawn_scoped(scope, work).ok()
        });
        let others: Vec<_> = others.collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(start, _)| *start);
    done.into_iter().flat_map(|(_, read)| read).collect()
}

/// Whether a file is one of cases, by its name.
pub fn is_case_file(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}
