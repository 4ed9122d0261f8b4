//! heaptrack, where it is installed: what it loads into a target, and how what it wrote is turned into text.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Foreign, Launch, PrepareError, find, tool};

/// The variable by which its library is told where to write.
const OUTPUT: &str = "DUMP_HEAPTRACK_OUTPUT";
const LIMIT: Duration = Duration::from_mins(5);

/// The parts of heaptrack that are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heaptrack {
    library: PathBuf,
    interpreter: PathBuf,
}

impl Heaptrack {
    /// The one on PATH. Its parts are found from where it is, as it finds them itself.
    pub fn find() -> Result<Self, String> {
        let program = find::program("heaptrack", Path::new("")).ok_or(
            "heaptrack was not found on PATH; install it (Debian: `apt-get install heaptrack`), or leave \
             `--tracer heaptrack` out",
        )?;
        let real = program.canonicalize().unwrap_or(program);
        let prefix = real
            .parent()
            .and_then(Path::parent)
            .unwrap_or(Path::new("/"));
        let parts = ["lib", "lib64"].map(|folder| prefix.join(folder).join("heaptrack"));
        let found = parts.into_iter().map(|folder| Self {
            library: folder.join("libheaptrack_preload.so"),
            interpreter: folder.join("libexec/heaptrack_interpret"),
        });
        let is_whole = |one: &Self| one.library.is_file() && find::is_program(&one.interpreter);
        found.into_iter().find(is_whole).ok_or_else(|| {
            format!(
                "{} has no libheaptrack_preload.so and heaptrack_interpret in lib/heaptrack beside it; install \
                 heaptrack anew (Debian: heaptrack and libheaptrack)",
                real.display()
            )
        })
    }

    /// Makes a program write what it allocates to `raw`, where it loads libraries as others do.
    pub fn load(&self, launch: &mut Launch, raw: &Path) {
        launch.tracer = Some(Foreign::Library(self.library.clone()));
        launch.env.insert(OUTPUT.into(), Some(raw.into()));
    }

    /// Looks up the names of addresses in `raw`, and writes it as text. The programs must still be where they were.
    pub fn interpret(&self, raw: &Path, text: &Path) -> Result<(), PrepareError> {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" <\"$1\" >\"$2\""]);
        command.arg(&self.interpreter).arg(raw).arg(text);
        tool::run("heaptrack_interpret", &mut command, LIMIT).map(drop)
    }
}
