//! Whose code a frame of a compiled program is.

use std::path::{Path, PathBuf};

use super::symbols::Frame;
use crate::case::{Case, Language};
use crate::explain::{Owner, Place};
use crate::runtime::{Launch, SourceMap};

/// What tells the case's own code from that of others.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The folder of generated programs.
    pub work: PathBuf,
    /// Whether the program is the case's own, and not an interpreter.
    pub is_own: bool,
    /// The folder of the case: libraries and sources below it are its own.
    pub folder: PathBuf,
    /// Where the lines of a generated program stand in the case file.
    pub source_map: SourceMap,
}

/// Libraries of the C language, of compilers and of interpreters, by how their names begin.
const LANGUAGE: [&str; 25] = [
    "ld-linux",
    "ld.so",
    "libc.so",
    "libc-",
    "libc++",
    "libdl",
    "libffi",
    "libgcc_s",
    "libjava",
    "libjli",
    "libjvm",
    "liblua",
    "libm.so",
    "libm-",
    "libnode",
    "libperl",
    "libphp",
    "libpthread",
    "libpython",
    "librt",
    "libruby",
    "libstd-",
    "libstdc++",
    "libunwind",
    "libv8",
];
/// Folders of sources, and of libraries, that come with a language.
const LANGUAGE_FOLDERS: [&str; 9] = [
    "/rustc/",
    "/rust/deps/",
    "/rustlib/src/",
    "/usr/include/c++/",
    "/usr/lib/gcc/",
    "/include/python",
    "/lib-dynload/",
    "/sysdeps/",
    "/csu/",
];
/// Folders of packages' sources.
const PACKAGE_FOLDERS: [&str; 4] = [
    "/.cargo/registry/",
    "/.cargo/git/",
    "/usr/include/",
    "/site-packages/",
];

/// A program or library that a frame is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of<'a> {
    /// Its path.
    pub(super) name: &'a str,
    /// Whether it is the program that runs.
    pub(super) is_program: bool,
    /// Whether it has debug information: code in it that has none was compiled by others.
    pub(super) has_lines: bool,
}

impl Surroundings {
    /// Those of a case that was made ready.
    pub fn of(case: &Case, launch: &Launch) -> Self {
        let file = std::path::absolute(&case.file).unwrap_or_else(|_| case.file.clone());
        let language = case.target.program.language();
        let program = launch.argv.first().map(Path::new);
        Self {
            work: program
                .and_then(Path::parent)
                .map(Path::to_owned)
                .unwrap_or_default(),
            is_own: matches!(
                language,
                None | Some(Language::C | Language::Cpp | Language::Rust)
            ),
            folder: file.parent().map(Path::to_owned).unwrap_or_default(),
            source_map: launch.source_map.clone(),
        }
    }

    /// The place of a frame in an image.
    pub(super) fn place(&self, image: Of, frame: Frame) -> Place {
        let Frame { function, source } = frame;
        let Some((file, line)) = source else {
            return Place {
                file: name_of(image.name).to_owned(),
                line: 0,
                owner: self.owner_by_image(image, &function),
                function,
            };
        };
        let (file, line, owner) =
            if let Some((shown, line)) = self.source_map.place(&file, line as usize) {
                (shown.display().to_string(), line as u32, Owner::Case)
            } else {
                let owner = self.owner_by_source(image, &file, &function);
                (file, line, owner)
            };
        Place {
            file,
            line,
            function,
            owner,
        }
    }

    fn owner_by_source(&self, image: Of, file: &str, function: &str) -> Owner {
        let has = |folders: &[&str]| folders.iter().any(|folder| file.contains(folder));
        let generated = self.is_own && Path::new(file).parent() == Some(&self.work);
        if file.ends_with("/memcase") || file == "memcase" || generated {
            Owner::Driver
        } else if has(&LANGUAGE_FOLDERS) {
            Owner::Language
        } else if has(&PACKAGE_FOLDERS) {
            Owner::Package
        } else {
            self.owner_by_image(image, function)
        }
    }

    fn owner_by_image(&self, image: Of, function: &str) -> Owner {
        let Of {
            name: image,
            is_program,
            has_lines,
        } = image;
        let name = name_of(image);
        if is_of_language(function) || is_program && is_interpreter(name) {
            Owner::Language
        } else if is_program && self.is_own && !has_lines {
            Owner::Case
        } else if is_program && self.is_own {
            // Around a program in Rust there is a `main` that the compiler wrote.
            if function == "main" {
                Owner::Language
            } else {
                Owner::Package
            }
        } else if is_program
            || LANGUAGE.iter().any(|start| name.starts_with(start))
            || LANGUAGE_FOLDERS.iter().any(|folder| image.contains(folder))
            || is_interpreter(name)
        {
            Owner::Language
        } else if Path::new(image).starts_with(&self.folder) && !image.contains("-packages/") {
            Owner::Case
        } else {
            Owner::Package
        }
    }
}

/// Whether a function is of a standard library, or starts a program, by its name.
fn is_of_language(function: &str) -> bool {
    let starts = ["_start", "_init", "_fini", "__libc_csu_init"].contains(&function);
    let name = function.trim_start_matches(['<', '&']);
    let name = name.strip_prefix("mut ").unwrap_or(name);
    let standard = [
        "alloc::",
        "core::",
        "std::",
        "hashbrown::",
        "__rust",
        "operator new",
        // What Cython writes around each call.
        "__Pyx_",
    ];
    starts || standard.iter().any(|start| name.starts_with(start))
}

/// Whether a program is an interpreter, by its name without an ending.
pub(super) fn is_interpreter(name: &str) -> bool {
    let name = name.split('.').next().unwrap_or(name);
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    [
        "python", "node", "nodejs", "ruby", "perl", "php", "lua", "java", "bash", "sh", "dash",
    ]
    .contains(&name)
}

pub(super) fn name_of(image: &str) -> &str {
    let image = image.strip_suffix(" (deleted)").unwrap_or(image);
    image.rsplit('/').next().unwrap_or(image)
}
