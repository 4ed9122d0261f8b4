//! Watched folders where the kernel does not tell of changes: their entries are compared with those of the look before.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Heard, Seen};

/// What tells an entry from what it was before; rights are none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    /// Of a folder neither length nor time: what is in it has stamps of its own.
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(data: &Metadata) -> Self {
        let is_folder = data.is_dir();
        Self {
            device: data.dev(),
            inode: data.ino(),
            length: if is_folder { 0 } else { data.len() },
            modified: if is_folder {
                (0, 0)
            } else {
                (data.mtime(), data.mtime_nsec())
            },
        }
    }
}

type Entries = BTreeMap<OsString, Stamp>;
type Folders = BTreeMap<PathBuf, Entries>;

/// A thread that looks at folders again and again, as long as this is there.
#[derive(Debug)]
pub(super) struct Poll {
    folders: Arc<Mutex<Folders>>,
    _until: Sender<()>,
}

impl Poll {
    pub(super) fn every(interval: Duration, tell: Sender<Heard>) -> io::Result<Self> {
        let folders = Arc::new(Mutex::new(Folders::new()));
        let looked_at = Arc::clone(&folders);
        let (until, ended) = mpsc::channel();
        thread::Builder::new()
            .name("poll".to_owned())
            .spawn(move || {
                while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    for path in look(&mut lock(&looked_at)) {
                        let _ = tell.send(Heard::Seen(Seen::Path(path)));
                    }
                }
            })?;
        Ok(Self {
            folders,
            _until: until,
        })
    }

    /// From now on; what changed before is not told.
    pub(super) fn add(&self, folder: &Path) {
        lock(&self.folders).insert(folder.to_owned(), entries(folder));
    }

    pub(super) fn remove(&self, folder: &Path) {
        lock(&self.folders).remove(folder);
    }
}

fn lock(folders: &Mutex<Folders>) -> MutexGuard<'_, Folders> {
    folders.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder that can not be read has no entries.
fn entries(folder: &Path) -> Entries {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    found
        // A link counts as what it leads to, if it leads anywhere.
        .filter_map(|entry| {
            let data = fs::metadata(entry.path()).or_else(|_| entry.metadata());
            Some((entry.file_name(), Stamp::of(&data.ok()?)))
        })
        .collect()
}

/// What has changed since the last look.
fn look(folders: &mut Folders) -> Vec<PathBuf> {
    let mut changed = Vec::new();
    for (folder, before) in folders {
        let now = entries(folder);
        let names: BTreeSet<&OsString> = before.keys().chain(now.keys()).collect();
        let differ = names.into_iter();
        let differ = differ.filter(|name| before.get(*name) != now.get(*name));
        changed.extend(differ.map(|name| folder.join(name)));
        *before = now;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_comes_goes_or_has_other_contents_has_changed_and_other_rights_are_no_change() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["goes", "same", "other", "rights"] {
            fs::write(at(name), "1").unwrap();
        }
        let mut folders = Folders::from([(place.path().to_owned(), entries(place.path()))]);
        assert_eq!(look(&mut folders), [""; 0].map(PathBuf::from));
        fs::remove_file(at("goes")).unwrap();
        fs::write(at("comes"), "1").unwrap();
        fs::write(at("fresh"), "2").unwrap();
        fs::rename(at("fresh"), at("other")).unwrap();
        fs::set_permissions(at("rights"), fs::Permissions::from_mode(0o400)).unwrap();
        let mut changed = look(&mut folders);
        changed.sort();
        assert_eq!(changed, ["comes", "goes", "other"].map(at));
    }
}
