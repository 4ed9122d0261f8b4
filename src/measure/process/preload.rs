//! The libraries that count inside a target or keep its call paths: where they are, and which programs can not have them.
//!
//! They are parts of this program, and lent to targets through `/proc/PID/fd/N` of memcase: no file is left
//! behind, and nobody else can change it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use object::elf;
use object::read::elf::{Dyn, ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, ReadCache, ReadRef};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::measure::probe::{counters, stacks};
use crate::runtime::{Foreign, Launch};

/// A library that is loaded into a target.
#[derive(Debug)]
pub(super) struct Library {
    /// Empty where it is not built for this machine.
    bytes: &'static [u8],
    /// By which a target finds the memory that it shares with memcase.
    pub(super) shared: &'static str,
    /// Where it is, once it is in memory.
    place: OnceLock<Result<String, String>>,
}

/// The one that counts.
pub(super) static COUNTING: Library = Library {
    #[cfg(memcase_preload)]
    bytes: include_bytes!(concat!(env!("OUT_DIR"), "/libmemcase_preload.so")),
    #[cfg(not(memcase_preload))]
    bytes: &[],
    shared: "MEMCASE_COUNTERS",
    place: OnceLock::new(),
};

/// The one that keeps call paths.
pub(super) static TRACING: Library = Library {
    #[cfg(memcase_preload)]
    bytes: include_bytes!(concat!(env!("OUT_DIR"), "/libmemcase_stacks.so")),
    #[cfg(not(memcase_preload))]
    bytes: &[],
    shared: "MEMCASE_STACKS",
    place: OnceLock::new(),
};

/// Why the allocator of a target is not counted from inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncounted {
    /// In a clause.
    pub why: String,
    /// Whether the program brings an allocator of which the C library's own statistics do not know.
    pub replaced: bool,
    /// The sanitizer that is a part of the program.
    pub(super) sanitizer: Option<&'static str>,
}

impl Uncounted {
    /// The allocator is the C library's, as far as is known.
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            replaced: false,
            sanitizer: None,
        }
    }

    fn replaced(why: String) -> Self {
        Self {
            why,
            replaced: true,
            sanitizer: None,
        }
    }

    fn built_with(name: &'static str) -> Self {
        Self {
            sanitizer: name.ends_with("Sanitizer").then_some(name),
            ..Self::replaced(format!("it is built with {name}"))
        }
    }
}

/// How many interpreters of scripts are followed, as the kernel does.
const DEPTH: usize = 4;

/// The path by which others open a descriptor of memcase.
pub(super) fn lent(file: BorrowedFd<'_>) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}

/// The variable by which the loader is told of libraries.
pub(super) const VARIABLE: &str = "LD_PRELOAD";

/// What is loaded into a target beside the library.
pub(super) fn given(launch: &Launch) -> Option<OsString> {
    match launch.env.get(OsStr::new(VARIABLE)) {
        Some(set) => set.clone(),
        None if launch.clean_env => None,
        None => std::env::var_os(VARIABLE),
    }
}

/// `LD_PRELOAD` with the library in front of what is there already.
pub(super) fn variable(library: impl Into<OsString>, given: Option<OsString>) -> OsString {
    let mut value = library.into();
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        value.push(":");
        value.push(given);
    }
    value
}

/// The name of a library's file, as the list of a process's mappings tells it.
pub const NAME: &str = "memcase-preload";

impl Library {
    /// Its path for targets, once it is in memory; or why there is none.
    pub(super) fn path(&'static self) -> Result<&'static str, Uncounted> {
        let keep = || -> io::Result<String> {
            let mut file = File::from(memfd_create(NAME, MemfdFlags::CLOEXEC)?);
            file.write_all(self.bytes)?;
            // It stays open as long as memcase lives.
            Ok(lent(Box::leak(Box::new(file)).as_fd()))
        };
        let place = self.place.get_or_init(|| {
            if self.bytes.is_empty() {
                let why = "memcase cannot count inside programs on this kind of machine";
                return Err(why.to_owned());
            }
            keep().map_err(|error| format!("the library could not be put into memory: {error}"))
        });
        place.as_deref().map_err(Uncounted::because)
    }
}

/// Why the library is not loaded into a program; none if it can be. Each program is looked at once.
pub(super) fn refusal(program: &Path) -> Option<Uncounted> {
    static KNOWN: Mutex<BTreeMap<PathBuf, Option<Uncounted>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = known.get(program) {
        return answer.clone();
    }
    let answer = look_at(program);
    known.insert(program.to_owned(), answer.clone());
    answer
}

/// The sanitizer that a program is built with, as far as its symbols and libraries tell.
pub(super) fn sanitizer(program: &Path) -> Option<&'static str> {
    refusal(program)?.sanitizer
}

/// Why the library cannot be loaded before these others.
pub(super) fn collision(preloaded: &OsString) -> Option<Uncounted> {
    sanitizer_in(&preloaded.to_string_lossy())
        .map(|name| Uncounted::replaced(format!("LD_PRELOAD holds {name}, which must come first")))
}

/// Has a library loaded beside what is loaded already, with memory to share; or says why not.
fn load(
    library: &'static Library,
    create: fn() -> rustix::io::Result<OwnedFd>,
    launch: &Launch,
    command: &mut Command,
) -> Result<OwnedFd, Uncounted> {
    if let Some(None) = launch.env.get(OsStr::new(VARIABLE)) {
        let why = format!("the case removes {VARIABLE}");
        return Err(Uncounted::because(why));
    }
    let given = given(launch);
    let program = launch.argv.first().map(Path::new);
    let refused = given.as_ref().and_then(collision);
    if let Some(why) = refused.or_else(|| program.and_then(refusal)) {
        return Err(why);
    }
    let path = library.path()?;
    let file =
        create().map_err(|error| Uncounted::because(format!("no memory to share: {error}")))?;
    command
        .env(VARIABLE, variable(path, given))
        .env(library.shared, lent(file.as_fd()));
    Ok(file)
}

/// Has a library loaded into a target: the memory that it shares as a counter, as a keeper of call paths, or why not.
pub(super) fn lend(
    launch: &Launch,
    command: &mut Command,
) -> (Result<OwnedFd, Uncounted>, Result<OwnedFd, Uncounted>) {
    let not = |why: &str| Err(Uncounted::because(why));
    if let Some(tracer) = &launch.tracer {
        if let Foreign::Library(library) = tracer {
            command.env(VARIABLE, variable(library, given(launch)));
        }
        let why = "another tracer is in it";
        (not(why), not(why))
    } else if launch.traces_stacks {
        let stacks = load(&TRACING, stacks::create, launch, command);
        (
            not("its call paths are kept in the place of counts"),
            stacks,
        )
    } else {
        let counters = load(&COUNTING, counters::create, launch, command);
        (counters, not("it is measured"))
    }
}

fn look_at(program: &Path) -> Option<Uncounted> {
    let mut program = program.to_owned();
    for _ in 0..DEPTH {
        // What cannot be read may still be started, and says itself what it is.
        let mut file = File::open(&program).ok()?;
        let mut head = Vec::new();
        let read = (&mut file).take(256).read_to_end(&mut head);
        match read.ok().and_then(|_| interpreter(&head)) {
            Some(next) => program = next,
            None => return refused(&ReadCache::new(file)),
        }
    }
    None
}

/// The first word behind `#!`.
fn interpreter(head: &[u8]) -> Option<PathBuf> {
    let line = head.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    line.split_ascii_whitespace().next().map(PathBuf::from)
}

fn refused<'a>(bytes: impl ReadRef<'a>) -> Option<Uncounted> {
    let because = |why: &str| Some(Uncounted::because(why));
    let Ok(file) = ElfFile64::<Endianness, _>::parse(bytes) else {
        return because("it is no 64-bit program of this machine");
    };
    if file.section_by_name(".go.buildinfo").is_some() {
        let why = "it is written in Go, whose heap is not malloc's";
        return Some(Uncounted::replaced(why.to_owned()));
    }
    let endian = file.endian();
    let loader = file
        .elf_program_headers()
        .iter()
        .find_map(|segment| segment.interpreter(endian, bytes).ok().flatten());
    let Some(loader) = loader else {
        return because("it is linked statically, so nothing can be loaded into it");
    };
    if String::from_utf8_lossy(loader).contains("musl") {
        return because("it is linked to musl, whose loader would refuse the library");
    }
    let needs = libraries(&file, bytes).unwrap_or_default();
    if let Some(name) = needs.iter().find_map(|library| sanitizer_in(library)) {
        return Some(Uncounted::built_with(name));
    }
    if let Some(name) = brought(&file) {
        return Some(Uncounted::built_with(name));
    }
    // The program's own functions come before those of libraries, preloaded ones too.
    let own = file
        .dynamic_symbols()
        .any(|symbol| symbol.is_definition() && symbol.name() == Ok("malloc"));
    let why = "it brings a malloc of its own, which comes first";
    own.then(|| Uncounted::replaced(why.to_owned()))
}

/// The sanitizer or the allocator that is a part of the program, by the names of its functions, as far
/// as these were not stripped.
fn brought<'a, R: ReadRef<'a>>(file: &ElfFile64<'a, Endianness, R>) -> Option<&'static str> {
    let in_table = |section: &str| {
        let names = file.section_by_name(section)?.data().ok()?;
        names
            .split(|&byte| byte == 0)
            .find_map(|name| BROUGHT.iter().find(|(mark, _)| mark.as_bytes() == name))
    };
    let known = in_table(".dynstr").or_else(|| in_table(".strtab"));
    known.map(|&(_, name)| name)
}

/// Names of the libraries that a program is linked to.
fn libraries<'a, R: ReadRef<'a>>(
    file: &ElfFile64<'a, Endianness, R>,
    bytes: R,
) -> object::Result<Vec<String>> {
    let endian = file.endian();
    let sections = file.elf_header().sections(endian, bytes)?;
    let Some((entries, link)) = sections.dynamic(endian, bytes)? else {
        return Ok(Vec::new());
    };
    let strings = sections.strings(endian, bytes, link)?;
    Ok(entries
        .iter()
        .filter(|entry| entry.tag(endian) == elf::DT_NEEDED)
        .filter_map(|entry| entry.string(endian, strings).ok())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect())
}

/// Functions by which a sanitizer or an allocator in the program itself is known. CPython's copy of
/// mimalloc is not looked for: its heap is counted by the interpreter.
const BROUGHT: [(&str, &str); 7] = [
    ("__asan_init", "AddressSanitizer"),
    ("__tsan_init", "ThreadSanitizer"),
    ("__msan_init", "MemorySanitizer"),
    ("__lsan_init", "LeakSanitizer"),
    ("_rjem_malloc", "jemalloc"),
    ("je_malloc", "jemalloc"),
    ("tc_malloc", "tcmalloc"),
];

/// The sanitizer that a library's name speaks of.
pub(super) fn sanitizer_in(name: &str) -> Option<&'static str> {
    [
        ("libasan", "AddressSanitizer"),
        ("libtsan", "ThreadSanitizer"),
        ("libmsan", "MemorySanitizer"),
        ("liblsan", "LeakSanitizer"),
        ("libclang_rt.asan", "AddressSanitizer"),
        ("libclang_rt.tsan", "ThreadSanitizer"),
    ]
    .into_iter()
    .find(|(library, _)| name.contains(library))
    .map(|(_, name)| name)
}
