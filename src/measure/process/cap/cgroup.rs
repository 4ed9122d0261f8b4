//! A cgroup of a target's own, below or beside memcase's: the kernel holds up its limit and counts whom it
//! killed for it.
//!
//! Version 1 with the memory controller, nested in memcase's own group; version 2 where a
//! group whose children have the controller is ours to write: memcase's own, or the one above.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::measure::process::keeper;
use crate::measure::process::strays::{kill, reap};
use crate::trace::{Enforcer, MemoryStop};

/// How long the last processes of a group may take to leave it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A limit that a group is tried with.
const TRIED: u64 = 1 << 30;

/// Which files a group has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    fn limit(self) -> &'static str {
        match self {
            Self::One => "memory.limit_in_bytes",
            Self::Two => "memory.max",
        }
    }

    /// The file of the limit that swap must not widen, and what is written to it.
    fn swap(self, limit: u64) -> (&'static str, u64) {
        match self {
            Self::One => ("memory.memsw.limit_in_bytes", limit),
            Self::Two => ("memory.swap.max", 0),
        }
    }

    fn events(self) -> &'static str {
        match self {
            Self::One => "memory.oom_control",
            Self::Two => "memory.events",
        }
    }

    fn highest(self) -> &'static str {
        match self {
            Self::One => "memory.max_usage_in_bytes",
            Self::Two => "memory.peak",
        }
    }
}

/// A group that holds one target. Dropping it ends all that is in it and removes it.
#[derive(Debug)]
pub(in crate::measure::process) struct Cgroup {
    folder: PathBuf,
    version: Version,
    limit: u64,
    events: File,
    kills: u64,
}

impl Cgroup {
    /// Makes an empty group with the limit.
    pub(super) fn create(limit: u64) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (parent, version) = place().ok_or(io::ErrorKind::Unsupported)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("{}{number}", prefix(keeper::run_marker())));
        fs::create_dir(&folder)?;
        Self::limited(folder.clone(), version, limit).inspect_err(|_| remove(&folder))
    }

    fn limited(folder: PathBuf, version: Version, limit: u64) -> io::Result<Self> {
        // Not created where they are not there, in a folder that is no group.
        let write = |name: &str, value: u64| -> io::Result<()> {
            let file = OpenOptions::new().write(true).open(folder.join(name))?;
            file.write_all_at(value.to_string().as_bytes(), 0)
        };
        write(version.limit(), limit)?;
        let (swap, value) = version.swap(limit);
        // Kernels that do not account for swap have no such file.
        let _ = write(swap, value);
        let events = File::open(folder.join(version.events()))?;
        let kills = oom_kills(&events).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self {
            folder,
            version,
            limit,
            events,
            kills,
        })
    }

    /// Whoever writes `0` there is in.
    pub(super) fn door(&self) -> io::Result<OwnedFd> {
        let door = OpenOptions::new()
            .write(true)
            .open(self.folder.join("cgroup.procs"))?;
        Ok(door.into())
    }

    pub(super) fn passed(&self) -> Option<MemoryStop> {
        let kills = oom_kills(&self.events).filter(|&kills| kills > self.kills)?;
        let highest = fs::read_to_string(self.folder.join(self.version.highest())).ok();
        Some(MemoryStop {
            limit: self.limit,
            by: Enforcer::Cgroup,
            oom_kills: Some((self.kills, kills)),
            highest: highest
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(self.limit),
            survived: false,
        })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

/// Ends all that is in a group, and removes it.
fn remove(folder: &Path) {
    let began = Instant::now();
    while fs::remove_dir(folder).is_err() && folder.exists() && began.elapsed() < PATIENCE {
        let procs = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        for pid in procs.lines().filter_map(|line| line.parse().ok()) {
            kill(pid);
            reap(pid);
        }
        std::thread::yield_now();
    }
}

/// Removes the groups that the killed run with `marker` left.
pub(in crate::measure::process) fn sweep(marker: &str) {
    let Some((parent, _)) = place() else { return };
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(&prefix(marker))
        {
            remove(&entry.path());
        }
    }
}

fn prefix(marker: &str) -> String {
    format!("memcase-{marker}-")
}

/// The number of kills that the kernel made for the limit.
fn oom_kills(events: &File) -> Option<u64> {
    let mut buffer = [0; 512];
    let n = events.read_at(&mut buffer, 0).ok()?;
    let text = std::str::from_utf8(&buffer[..n]).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

/// The group in which groups can be made, by memcase's own.
fn place() -> Option<(PathBuf, Version)> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let (folder, version) = own_group(&mounts, &own)?;
    if version == Version::One {
        return Some((folder, version));
    }
    let gives = |folder: &Path| {
        fs::read_to_string(folder.join("cgroup.subtree_control"))
            .is_ok_and(|given| given.split_whitespace().any(|name| name == "memory"))
    };
    let near = [Some(folder.clone()), folder.parent().map(Path::to_owned)];
    let found = near.into_iter().flatten().find(|folder| gives(folder))?;
    Some((found, version))
}

/// Which version has memcase's memory, if any, and whether a group with a limit can be made in it: one is made and removed.
pub(in crate::measure) fn try_group() -> (Option<u8>, io::Result<()>) {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let own = own_group(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"));
    let version = own.map(|(_, version)| match version {
        Version::One => 1,
        Version::Two => 2,
    });
    (version, Cgroup::create(TRIED).map(drop))
}

/// Bytes that the groups around memcase allow it, the least of them; none where no limit is set.
pub fn own_limit() -> Option<u64> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let (folder, version) = own_group(&mounts, &own)?;
    folder
        .ancestors()
        .map_while(|group| fs::read_to_string(group.join(version.limit())).ok())
        .filter_map(|text| text.trim().parse().ok())
        // Version 1 writes the largest number of pages for none.
        .filter(|&limit: &u64| limit < 1 << 60)
        .min()
}

/// The folder of the group that has memcase's memory, from `/proc/self/mountinfo` and
/// `/proc/self/cgroup`.
fn own_group(mounts: &str, own: &str) -> Option<(PathBuf, Version)> {
    let group = |wanted: &dyn Fn(&str, &str) -> bool| {
        own.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (id, controllers) = (fields.next()?, fields.next()?);
            wanted(id, controllers).then(|| fields.next()).flatten()
        })
    };
    let one = group(&|_, controllers| controllers.split(',').any(|name| name == "memory"));
    let (version, path) = match one {
        Some(path) => (Version::One, path),
        None => (
            Version::Two,
            group(&|id, controllers| id == "0" && controllers.is_empty())?,
        ),
    };
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, folder) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let (name, options) = (kind.next()?, kind.nth(1)?);
        let fits = match version {
            Version::One => name == "cgroup" && options.split(',').any(|o| o == "memory"),
            Version::Two => name == "cgroup2",
        };
        // A mount may show a part of the hierarchy only.
        let below = Path::new(path).strip_prefix(root).ok().filter(|_| fits)?;
        Some((Path::new(folder).join(below), version))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";
    const TWO: &str = "41 31 0:38 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn the_own_group_is_found_in_both_versions() {
        let found = own_group(ONE, "4:cpu:/\n3:memory:/a/b\n0::/\n");
        let one = PathBuf::from("/sys/fs/cgroup/memory/a/b");
        assert_eq!(found, Some((one, Version::One)));
        let found = own_group(TWO, "0::/user.slice/x.scope\n");
        let two = PathBuf::from("/sys/fs/cgroup/user.slice/x.scope");
        assert_eq!(found, Some((two, Version::Two)));
        let part = ONE.replace(" / /sys", " /docker/1 /sys");
        let found = own_group(&part, "3:memory:/docker/1/a\n");
        let one = PathBuf::from("/sys/fs/cgroup/memory/a");
        assert_eq!(found, Some((one, Version::One)));
        assert_eq!(own_group(&part, "3:memory:/elsewhere\n"), None);
        assert_eq!(own_group("", "0::/\n"), None);
    }

    #[test]
    fn kills_are_read_from_the_files_of_both_versions() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("one", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
            (
                "two",
                "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n",
            ),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
            let file = File::open(folder.path().join(name)).unwrap();
            assert_eq!(oom_kills(&file), Some(2), "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_no_group_is_refused_and_left_without_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Cgroup::limited(folder.path().to_owned(), Version::Two, 1 << 20).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
