//! Which modules touch files, processes, the environment and the clock: the table, and its check.

use crate::names::names;
use crate::sources::Source;

/// A thing outside, and the folders or files below `src/` that may touch it.
const SEAMS: &[(&str, &[&str])] = &[
    (
        "std::fs",
        &[
            "case/discover",
            "case/file",
            "config/file",
            "runtime",
            "measure",
            "baseline/store",
            "runner",
            "cli",
        ],
    ),
    ("std::process::Command", &["runtime", "measure"]),
    ("std::env", &["runtime", "measure", "runner", "cli"]),
    ("std::time::Instant", &["runtime", "measure", "runner"]),
    ("std::time::SystemTime", &["measure"]),
    ("std::net", &["measure"]),
    ("ureq", &["measure"]),
    ("rustix", &["runtime", "measure", "runner"]),
    (
        "tempfile",
        &[
            "baseline/store",
            "runtime/git",
            "runner",
            "cli/plot",
            "cli/reports",
        ],
    ),
    ("insta", &["baseline"]),
    ("console", &["cli"]),
    ("notify", &["runner/watch/eyes"]),
    ("ignore", &["runner/watch/ignored"]),
    ("serde_yaml", &["case"]),
    ("toml", &["config/source"]),
    ("clap", &["cli"]),
];

/// A program that one file alone starts, by its name as a text. Git writes into a repository, whatever it is asked
/// for, and heeds variables that lead it elsewhere: one place knows how it is kept from both.
const PROGRAMS: &[(&str, &str)] = &[("git", "runtime/git")];

fn is_below(path: &str, place: &str) -> bool {
    let Some(module) = path.strip_prefix("src/") else {
        return true;
    };
    module
        .strip_prefix(place)
        .is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

fn touches(segments: &[String], thing: &str) -> bool {
    let wanted: Vec<_> = thing.split("::").collect();
    segments.len() >= wanted.len() && segments.iter().zip(&wanted).all(|(a, b)| a == b)
}

/// Whether a file has the name of a program as a text of its own.
fn starts(source: &Source, program: &str) -> bool {
    source.text.contains(&format!("\"{program}\""))
}

/// Complaints about a touch of the outside by a module that is not named for it.
pub(crate) fn check(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|s| s.path.starts_with("src/")) {
        for name in names(&source.syntax).iter().filter(|name| !name.in_tests) {
            for (thing, places) in SEAMS {
                let allowed = places.iter().any(|place| is_below(&source.path, place));
                if touches(&name.segments, thing) && !allowed {
                    complaints.push(format!(
                        "{}: `{}`: only {} may touch `{thing}`",
                        source.path,
                        name.segments.join("::"),
                        places.join(", "),
                    ));
                }
            }
        }
    }
    for source in sources.iter().filter(|s| s.path.starts_with("src/")) {
        for (program, place) in PROGRAMS {
            if starts(source, program) && !is_below(&source.path, place) {
                complaints.push(format!(
                    "{}: `{program}`: only {place} may start it",
                    source.path
                ));
            }
        }
    }
    complaints
}

/// Entries of the table that nothing needs: a permission to be taken back.
pub(crate) fn unused(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (thing, places) in SEAMS {
        for place in *places {
            let used = sources
                .iter()
                .filter(|source| source.path.starts_with("src/") && is_below(&source.path, place))
                .flat_map(|source| names(&source.syntax))
                .any(|name| !name.in_tests && touches(&name.segments, thing));
            if !used {
                complaints.push(format!("`{place}` never touches `{thing}`"));
            }
        }
    }
    for (program, place) in PROGRAMS {
        let path = format!("src/{place}.rs");
        if !sources.iter().any(|s| s.path == path && starts(s, program)) {
            complaints.push(format!("`{place}` never starts `{program}`"));
        }
    }
    complaints
}
