//! A revision of the repository around the present folder, put into a folder of its own for as long as it is needed.
//! Nothing else speaks to git.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use thiserror::Error;

use super::{PrepareError, environments, find, tool};

/// Time for git to answer a question.
const ASKED: Duration = Duration::from_mins(1);
/// Time for git to write all files of a revision.
const WRITTEN: Duration = Duration::from_mins(15);
/// What git sets for its hooks: it would have it look elsewhere, and write its index over that of the repository.
const SURROUNDINGS: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
];

/// Why a revision can not be had.
#[derive(Debug, Error)]
pub enum RevisionError {
    /// There is no git.
    #[error(
        "a revision needs `git`, which was not found on PATH: install git, or compare with accepted baselines instead (docs/baselines.md)"
    )]
    NoGit,
    /// No repository.
    #[error(
        "the present folder `{0}` is not in a git repository, so that there is no revision `{1}` to compare with; run memcase inside one, or compare with accepted baselines instead (docs/baselines.md)"
    )]
    NoRepository(PathBuf, String),
    /// The repository does not have it.
    #[error(
        "the git repository `{0}` has no revision `{1}`; name a branch, a tag or a commit (`git log --oneline --all` lists them), and where the clone is shallow fetch it first (`git fetch origin {1}`)"
    )]
    Unknown(PathBuf, String),
    /// Git failed; its own words are kept.
    #[error("{0}")]
    Failed(#[from] PrepareError),
    /// The folder could not be made.
    #[error("a folder for the revision could not be made: {0}; set TMPDIR to another place")]
    Folder(#[from] std::io::Error),
}

/// The files of a revision, as a worktree of git in a temporary folder. Dropping it removes both.
#[derive(Debug)]
pub struct Worktree {
    git: PathBuf,
    folder: TempDir,
    /// The folder with no link in its path.
    tree: PathBuf,
    /// The repository's own working tree.
    top: PathBuf,
    /// The present folder, from there.
    prefix: PathBuf,
    /// Where git keeps what it knows of the worktree.
    records: PathBuf,
    commit: String,
}

impl Worktree {
    /// Writes the files of a revision. What is to be removed if nobody is left to drop it is told to `guard`
    /// before it is there.
    pub fn of(revision: &str, guard: &dyn Fn(&Path)) -> Result<Self, RevisionError> {
        let here = std::env::current_dir()?;
        let git = find::program("git", &here).ok_or(RevisionError::NoGit)?;
        let ask = |arguments: &[&str]| {
            let what = format!("asking git for the revision `{revision}`");
            tool::run(&what, command(&git, &here).args(arguments), ASKED)
        };
        let top = ask(&["rev-parse", "--show-toplevel"]).map_err(|error| match &error {
            PrepareError::Tool { output, .. } if output.contains("not a git repository") => {
                RevisionError::NoRepository(here.clone(), revision.to_owned())
            }
            _ => error.into(),
        })?;
        let top = PathBuf::from(line(&top));
        let object = format!("{revision}^{{commit}}");
        let commit = ask(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &object,
        ]);
        let commit = commit.map_err(|error| match error {
            PrepareError::Tool { .. } if !tool::stopped() => {
                RevisionError::Unknown(top.clone(), revision.to_owned())
            }
            other => other.into(),
        })?;
        let prefix = ask(&["rev-parse", "--show-prefix"])?;
        let common = ask(&["rev-parse", "--git-common-dir"])?;
        let folder = tempfile::Builder::new()
            .prefix("memcase-revision-")
            .tempdir()?;
        let tree = fs::canonicalize(folder.path())?;
        let name = tree.file_name().unwrap_or_default();
        let worktree = Self {
            records: here.join(line(&common)).join("worktrees").join(name),
            prefix: PathBuf::from(line(&prefix)),
            commit: line(&commit).to_owned(),
            git,
            folder,
            tree,
            top,
        };
        guard(&worktree.tree);
        guard(&worktree.records);
        let what = format!("writing the files of `{revision}` with git");
        let mut add = command(&worktree.git, &here);
        add.args(["worktree", "add", "--quiet", "--detach"])
            .arg(&worktree.tree)
            .arg(&worktree.commit);
        tool::run(&what, &mut add, WRITTEN)?;
        Ok(worktree)
    }

    /// The commit.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// The folder with its files, absolute and without links.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// What the present folder is in the revision; it need not be there.
    pub fn here(&self) -> PathBuf {
        self.tree.join(&self.prefix)
    }

    /// What a path of the present working tree is in the revision; none for one outside the repository.
    pub fn there(&self, path: &Path) -> Option<PathBuf> {
        let up = path.components().any(|part| part == Component::ParentDir);
        if path.is_relative() && !up {
            return Some(self.here().join(path));
        }
        let whole = fs::canonicalize(path).ok()?;
        let below = whole.strip_prefix(&self.top).ok()?;
        Some(self.tree.join(below))
    }

    /// Whether the revision has modules of other repositories, whose files are not written.
    pub fn has_modules(&self) -> bool {
        self.tree.join(".gitmodules").is_file()
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        environments::forget_below(&self.tree);
        // Run to its end also when a person has asked for the end, unlike a tool. What it leaves is removed below.
        let _ = command(&self.git, &self.top)
            .args(["worktree", "remove", "--force", "--force"])
            .arg(&self.tree)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        // Both are gone where git did it; one that was stopped half-way through leaves them.
        let _ = fs::remove_dir_all(self.folder.path());
        let _ = fs::remove_dir_all(&self.records);
    }
}

/// Git in a folder, with no surroundings but those of the folder, and without hooks: nothing of the
/// repository is run but its cases.
fn command(git: &Path, folder: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(git);
    for name in SURROUNDINGS {
        command.env_remove(name);
    }
    command
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args(["-c", "core.hooksPath=/dev/null", "-C"])
        .arg(folder)
        .process_group(0);
    command
}

/// What git says in one line.
fn line(said: &str) -> &str {
    said.strip_suffix('\n').unwrap_or(said)
}
