//! Where programs are found: on PATH, beside the case, in a virtualenv in use.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::case::Case;

/// The folder that holds the case file, absolute.
pub(super) fn case_folder(case: &Case) -> PathBuf {
    let file = case_file(case);
    file.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The case file, absolute, with no link resolved.
pub(super) fn case_file(case: &Case) -> PathBuf {
    std::path::absolute(&case.file).unwrap_or_else(|_| case.file.clone())
}

/// The program called `name`: a name is looked up on PATH, a path from `folder`.
pub(super) fn program(name: &str, folder: &Path) -> Option<PathBuf> {
    if name.contains('/') {
        let path = folder.join(name);
        return is_program(&path).then_some(path);
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|place| place.join(name))
        .find(|path| is_program(path))
}

/// The first of several names that is found on PATH.
pub(super) fn first_of(names: &[&str], folder: &Path) -> Option<PathBuf> {
    names.iter().find_map(|name| program(name, folder))
}

/// Whether a file can be started.
pub(super) fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
