//! What below a watched folder is no source: hidden, left by editors and tools, memcase's own, or left out by `.gitignore`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::Gitignore;

/// Folders that tools fill.
const FILLED: [&str; 2] = ["node_modules", "__pycache__"];
/// A file in a folder that says that tools fill it: caches and Cargo's target folders, virtual environments.
const MARKERS: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];
/// The ends of names of copies that editors keep beside a file, of what Python compiles, and of baselines.
const ENDS: [&str; 13] = [
    "~",
    "#",
    ".swp",
    ".swo",
    ".swx",
    ".bak",
    ".orig",
    ".tmp",
    "___jb_tmp___",
    "___jb_old___",
    ".pyc",
    ".snap",
    ".snap.new",
];
/// With this name Vim tries whether it can write to a folder.
const VIMS_TRIAL: &str = "4913";

/// What is left out. It is made anew for each look: the rules may have changed.
#[derive(Debug)]
pub struct Ignored {
    /// Where memcase keeps traces and results.
    own: PathBuf,
    /// The rules of each folder that was asked about, where it has some, and whether it is the top of a repository.
    rules: BTreeMap<PathBuf, (Option<Gitignore>, bool)>,
}

impl Ignored {
    /// `own` is where memcase keeps traces and results, with no link in its path.
    pub fn new(own: PathBuf) -> Self {
        Self {
            own,
            rules: BTreeMap::new(),
        }
    }

    /// Whether a path is left out, of a folder that is not.
    pub fn covers(&mut self, path: &Path, is_folder: bool) -> bool {
        let name = path.file_name().unwrap_or_default();
        path.starts_with(&self.own)
            || is_no_source(name)
            || (is_folder && is_filled(path, name))
            || self.is_ruled_out(path, is_folder)
    }

    /// What git says of it: the rules nearest to it go first, and those above its repository do not count.
    fn is_ruled_out(&mut self, path: &Path, is_folder: bool) -> bool {
        let mut said = None;
        for folder in path.ancestors().skip(1) {
            let (rules, is_top) = self.rules.entry(folder.to_owned()).or_insert_with(|| {
                let file = folder.join(".gitignore");
                // A line that can not be read leaves the others in force.
                let rules = file.is_file().then(|| Gitignore::new(&file).0);
                (rules, folder.join(".git").exists())
            });
            if said.is_none()
                && let Some(rules) = rules
            {
                said = match rules.matched(path, is_folder) {
                    Match::Ignore(_) => Some(true),
                    Match::Whitelist(_) => Some(false),
                    Match::None => None,
                };
            }
            if *is_top {
                return said.unwrap_or(false);
            }
        }
        false
    }
}

fn is_no_source(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') || name == VIMS_TRIAL || ENDS.iter().any(|end| name.ends_with(end))
}

fn is_filled(folder: &Path, name: &OsStr) -> bool {
    let mut markers = MARKERS.iter();
    FILLED.iter().any(|filled| name == *filled)
        || markers.any(|marker| folder.join(marker).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_editors_and_tools_leave_is_no_source() {
        let mut ignored = Ignored::new("/p/.memcase".into());
        for path in [
            "/p/.a.py.swp",
            "/p/a.py~",
            "/p/#a.py#",
            "/p/4913",
            "/p/a.yaml.swx",
            "/p/.git",
            "/p/a@linux.snap.new",
            "/p/m.cpython-311.pyc",
            "/p/.memcase/a/result.json",
            "/p/a.py___jb_tmp___",
        ] {
            assert!(ignored.covers(Path::new(path), false), "{path}");
        }
        for path in ["/p/a.py", "/p/a.yaml", "/p/target", "/p/snapshots/a.py"] {
            assert!(!ignored.covers(Path::new(path), false), "{path}");
        }
        assert!(ignored.covers(Path::new("/p/node_modules"), true));
    }

    #[test]
    fn rules_hold_below_their_repository_and_the_nearest_go_first() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().join("repository");
        fs::create_dir_all(top.join(".git")).unwrap();
        fs::create_dir_all(top.join("deep")).unwrap();
        fs::create_dir_all(top.join("cache")).unwrap();
        fs::write(top.join("cache/CACHEDIR.TAG"), "").unwrap();
        fs::write(place.path().join(".gitignore"), "*\n").unwrap();
        fs::write(top.join(".gitignore"), "*.out\nbuild/\n").unwrap();
        fs::write(top.join("deep/.gitignore"), "!kept.out\n").unwrap();
        let mut ignored = Ignored::new(place.path().join("own"));
        let mut covers = |path: &str, is_folder| ignored.covers(&top.join(path), is_folder);
        assert!(covers("a.out", false));
        assert!(covers("deep/a.out", false));
        assert!(!covers("deep/kept.out", false));
        assert!(covers("build", true));
        assert!(!covers("build", false));
        assert!(!covers("a.py", false));
        assert!(covers("cache", true));
    }
}
