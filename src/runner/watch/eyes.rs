//! The folders that are watched: through the kernel, or by looking again and again where that cannot be.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{
    Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
};

use super::ignored::Ignored;
use super::poll::Poll;
use super::{Heard, Seen};

/// Between two looks, where the kernel cannot tell.
const INTERVAL: Duration = Duration::from_secs(2);
/// The deepest folder that is watched, below one that was named.
const DEEPEST: usize = 64;

/// What is to be watched; no path has a link in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Places {
    /// Folders with all folders in them that hold sources.
    pub trees: BTreeSet<PathBuf>,
    /// Folders alone.
    pub folders: BTreeSet<PathBuf>,
}

enum How {
    Kernel(RecommendedWatcher),
    Poll(Poll),
}

/// Folders that are watched.
pub struct Eyes {
    how: How,
    folders: BTreeSet<PathBuf>,
    tell: Sender<Heard>,
}

/// What came of looking at other folders.
#[derive(Debug, Default)]
pub struct Looked {
    /// The files of folders that were not watched before.
    pub fresh: Vec<PathBuf>,
    /// What a person should know, in a sentence.
    pub note: Option<String>,
}

impl Eyes {
    /// Watches nothing yet. Changes are told to `tell`; with `poll` they are looked for so often.
    pub fn open(poll: Option<Duration>, tell: Sender<Heard>) -> io::Result<(Self, Option<String>)> {
        let mut note = None;
        let how = match poll {
            Some(interval) => How::Poll(Poll::every(interval, tell.clone())?),
            None => match kernel(tell.clone()) {
                Ok(watcher) => How::Kernel(watcher),
                Err(error) => {
                    note = Some(format!(
                        "the kernel gives no further inotify instance ({error}; see \
                         `sysctl fs.inotify.max_user_instances`); {}",
                        instead()
                    ));
                    How::Poll(Poll::every(INTERVAL, tell.clone())?)
                }
            },
        };
        let eyes = Self {
            how,
            folders: BTreeSet::new(),
            tell,
        };
        Ok((eyes, note))
    }

    /// Whether this is a folder that is watched, or was until it went.
    pub fn knows(&self, folder: &Path) -> bool {
        self.folders.contains(folder)
    }

    /// Watches these places from now on, and no others. What is at one of the `changed` paths now is another folder
    /// than the one that was watched there.
    pub fn look_at(
        &mut self,
        places: &Places,
        changed: &BTreeSet<PathBuf>,
        ignored: &mut Ignored,
    ) -> io::Result<Looked> {
        let mut wanted = places.folders.clone();
        for tree in &places.trees {
            add_tree(tree, 0, ignored, &mut wanted);
        }
        wanted.retain(|folder| folder.is_dir());
        let is_other = |folder: &Path| folder.ancestors().any(|above| changed.contains(above));
        let gone: Vec<PathBuf> = self
            .folders
            .iter()
            .filter(|folder| !wanted.contains(*folder) || is_other(folder))
            .cloned()
            .collect();
        // First those: a folder that was renamed is still known by its old name.
        for folder in gone {
            self.remove(&folder);
        }
        let mut looked = Looked::default();
        for folder in wanted {
            if self.folders.contains(&folder) {
                continue;
            }
            if let Some(note) = self.add(&folder)? {
                looked.note = Some(note);
            }
            looked.fresh.extend(files(&folder));
            self.folders.insert(folder);
        }
        Ok(looked)
    }

    fn remove(&mut self, folder: &Path) {
        self.folders.remove(folder);
        match &mut self.how {
            // The kernel has mostly forgotten it by itself.
            How::Kernel(watcher) => drop(watcher.unwatch(folder)),
            How::Poll(poll) => poll.remove(folder),
        }
    }

    /// Watches one more; the sentence says that all are looked at from now on.
    fn add(&mut self, folder: &Path) -> io::Result<Option<String>> {
        let watcher = match &mut self.how {
            How::Kernel(watcher) => watcher,
            How::Poll(poll) => {
                poll.add(folder);
                return Ok(None);
            }
        };
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => {}
            // A folder that is gone again, or that nobody may read, holds nothing that can be run.
            Ok(()) | Err(_) => return Ok(None),
        }
        let poll = Poll::every(INTERVAL, self.tell.clone())?;
        for known in &self.folders {
            poll.add(known);
        }
        poll.add(folder);
        self.how = How::Poll(poll);
        Ok(Some(format!(
            "the kernel watches no further folder for this user: the limit `fs.inotify.max_user_watches` is reached \
             (raise it: `sudo sysctl fs.inotify.max_user_watches=524288`); {}",
            instead()
        )))
    }
}

fn instead() -> String {
    let seconds = INTERVAL.as_secs();
    format!("changes are looked for every {seconds} s instead (`--poll`)")
}

fn kernel(tell: Sender<Heard>) -> notify::Result<RecommendedWatcher> {
    let handler = move |event: notify::Result<Event>| {
        for seen in seen(event) {
            // Nobody listens any more when memcase ends.
            let _ = tell.send(Heard::Seen(seen));
        }
    };
    RecommendedWatcher::new(handler, Config::default())
}

/// What an event tells; a look at a file, or other rights, are no change.
fn seen(event: notify::Result<Event>) -> Vec<Seen> {
    let Ok(event) = event else {
        return vec![Seen::Anything];
    };
    if event.need_rescan() {
        return vec![Seen::Anything];
    }
    match event.kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => Vec::new(),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => event.paths.into_iter().map(Seen::Path).collect(),
    }
}

/// A folder and those in it; links are not followed.
fn add_tree(folder: &Path, depth: usize, ignored: &mut Ignored, found: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    found.insert(folder.to_owned());
    if depth == DEEPEST {
        return;
    }
    for entry in entries.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !ignored.covers(&path, true) {
            add_tree(&path, depth + 1, ignored, found);
        }
    }
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()))
        .map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn folders_that_come_are_watched_with_what_is_in_them_already() {
        let place = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(place.path()).unwrap();
        for poll in [None, Some(Duration::from_millis(5))] {
            let (tell, heard) = mpsc::channel();
            let (mut eyes, note) = Eyes::open(poll, tell).unwrap();
            assert_eq!(note, None);
            let places = Places {
                trees: [top.clone()].into(),
                ..Places::default()
            };
            let mut ignored = Ignored::new(top.join("own"));
            let none = BTreeSet::new();
            eyes.look_at(&places, &none, &mut ignored).unwrap();

            fs::create_dir(top.join("new")).unwrap();
            fs::write(top.join("new/early.py"), "").unwrap();
            let until = |wanted: &Path| {
                let wanted = Seen::Path(wanted.to_owned());
                while !matches!(heard.recv().unwrap(), Heard::Seen(seen) if seen == wanted) {}
            };
            until(&top.join("new"));
            let changed = [top.join("new")].into();
            let looked = eyes.look_at(&places, &changed, &mut ignored).unwrap();
            assert_eq!(looked.fresh, [top.join("new/early.py")]);
            assert!(eyes.knows(&top.join("new")));
            fs::write(top.join("new/late.py"), "").unwrap();
            until(&top.join("new/late.py"));
            fs::remove_dir_all(top.join("new")).unwrap();
            until(&top.join("new"));
        }
    }

    #[test]
    fn a_look_or_other_rights_are_no_change() {
        use notify::event::{AccessKind, CreateKind, Flag, MetadataKind};
        let of = |kind| seen(Ok(Event::new(kind).add_path("a".into())));
        assert_eq!(of(EventKind::Access(AccessKind::Any)), []);
        let rights = ModifyKind::Metadata(MetadataKind::Any);
        assert_eq!(of(EventKind::Modify(rights)), []);
        let created = EventKind::Create(CreateKind::File);
        assert_eq!(of(created), [Seen::Path("a".into())]);
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(seen(Ok(lost)), [Seen::Anything]);
    }
}
