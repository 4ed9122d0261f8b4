//! The call paths of a run that is explained and not measured: marks at quiescent points, and what lies between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::run::Session;
use crate::measure::probe::mappings::{self, Mapped};
use crate::measure::probe::stacks::{Mark, Stacks, State};
use crate::measure::process::{LIBRARY_NAME, Process};

/// What the tables of call paths told at the marks of a window, with all that names their addresses.
#[derive(Debug, Clone, Default)]
pub struct Traced {
    /// At each mark: the iterations completed, and what was in use.
    pub marks: Vec<(u64, Mark)>,
    /// The return addresses of each path that changed between two marks, the innermost first.
    pub paths: BTreeMap<u32, Vec<u64>>,
    /// The program that runs, as the kernel names it.
    pub program: String,
    /// The files that are mapped into the process.
    pub maps: Vec<Mapped>,
    /// Contents of those files that a path goes through.
    pub images: BTreeMap<String, Image>,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
}

/// A file with code, and the one that has its debug information apart from it.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// What is mapped.
    pub bytes: Vec<u8>,
    /// The file below `/usr/lib/debug` with the same build id.
    pub debug: Option<Vec<u8>>,
}

impl Session {
    /// Notes what each call path has in use at this quiescent point. The launch must ask for it (`traces_stacks`).
    pub fn mark(&mut self) -> Result<(), String> {
        let mark = mark(&self.process)?;
        self.marks.push((self.done(), mark));
        Ok(())
    }

    /// What changed between the marks. The process must still wait at a quiescent point: its mappings are read.
    pub fn traced(&mut self) -> Result<Traced, String> {
        traced(&self.process, std::mem::take(&mut self.marks))
    }
}

fn unread(error: &io::Error) -> String {
    format!("the call paths could not be read: {error}")
}

/// The tables of a process that keeps its call paths, or why there are none.
pub(super) fn tables(process: &Process) -> Result<Stacks, String> {
    let file = process
        .stacks()
        .map_err(|refused| format!("no call paths can be kept in this program: {}", refused.why))?;
    let stacks = Stacks::open(file).map_err(|error| unread(&error))?;
    match stacks.state().map_err(|error| unread(&error))? {
        State::Tracing(_) => Ok(stacks),
        State::Silent => Err(
            "no call paths are kept: the library was not loaded; the program is another \
             user's, or was executed by one that cleared its environment, or is linked \
             statically"
                .to_owned(),
        ),
        State::NoUnwinder => Err(
            "no call paths are kept: libgcc_s.so.1, whose unwinder tells them, cannot be \
             loaded by this program; install it (Debian: libgcc-s1)"
                .to_owned(),
        ),
    }
}

/// What each call path of a process has in use now.
pub(super) fn mark(process: &Process) -> Result<Mark, String> {
    tables(process)?.mark().map_err(|error| unread(&error))
}

/// What changed between the marks of a process, whose mappings are read.
pub(super) fn traced(process: &Process, marks: Vec<(u64, Mark)>) -> Result<Traced, String> {
    let stacks = tables(process)?;
    let mut traced = Traced {
        marks,
        program: program(process.pid()),
        maps: mappings::files_of(process.pid()).map_err(|error| unread(&error))?,
        ..Traced::default()
    };
    for number in changed(&traced.marks) {
        let frames = stacks.frames(number).map_err(|error| unread(&error))?;
        traced.paths.insert(number, frames);
    }
    if let Ok(State::Tracing(owner)) = stacks.state()
        && owner != process.pid()
    {
        let note = "the call paths are those of the first process that the target started with the library; \
                    what others allocate is not seen";
        traced.notes.push(note.to_owned());
    }
    read_images(&mut traced, process.pid());
    Ok(traced)
}

fn program(pid: u32) -> String {
    let link = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    link.display().to_string()
}

/// Paths that do not hold the same at all marks.
fn changed(marks: &[(u64, Mark)]) -> BTreeSet<u32> {
    let mut changed = BTreeSet::new();
    for pair in marks.windows(2) {
        let (before, after) = (&pair[0].1, &pair[1].1);
        changed.extend(differing(&before.held, &after.held));
        let counted = differing(&before.counted, &after.counted);
        changed.extend(counted.map(|(_, number)| number));
    }
    changed
}

/// Keys whose value is not the same in both.
fn differing<'a, K: Ord + Copy, V: PartialEq>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = K> + 'a {
    let all = before.keys().chain(after.keys());
    all.filter(|key| before.get(key) != after.get(key)).copied()
}

/// Reads the files that paths go through, as the process sees them.
fn read_images(traced: &mut Traced, pid: u32) {
    let addresses = traced.paths.values().flatten();
    let of = |&address: &u64| traced.maps.iter().find(|map| map.range.contains(&address));
    let names: BTreeSet<&str> = addresses.filter_map(of).map(|map| &*map.path).collect();
    for name in names
        .into_iter()
        .filter(|name| !name.contains(LIBRARY_NAME))
    {
        let within = format!("/proc/{pid}/root{name}");
        match std::fs::read(&within).or_else(|_| std::fs::read(name)) {
            Ok(bytes) => {
                let debug = debug_file(&bytes).and_then(|path| std::fs::read(path).ok());
                traced
                    .images
                    .insert(name.to_owned(), Image { bytes, debug });
            }
            Err(error) => traced.notes.push(format!(
                "functions in {name} have no names here: it could not be read ({error})"
            )),
        }
    }
}

/// Where the debug information of a program or library is kept, by its build id.
fn debug_file(bytes: &[u8]) -> Option<std::path::PathBuf> {
    use object::Object as _;
    let file = object::File::parse(bytes).ok()?;
    let id = file.build_id().ok()??;
    let (first, rest) = id.split_first()?;
    let mut name = String::new();
    for byte in rest {
        write!(name, "{byte:02x}").ok()?;
    }
    let folder = Path::new("/usr/lib/debug/.build-id").join(format!("{first:02x}"));
    Some(folder.join(format!("{name}.debug")))
}
