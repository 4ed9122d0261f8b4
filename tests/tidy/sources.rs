//! The repository's Rust files, parsed.

use std::fs;
use std::path::{Path, PathBuf};

/// One file and its syntax tree.
pub(crate) struct Source {
    /// Relative to the repository.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

impl Source {
    /// A file that is not there, to see whether a check complains about it.
    pub(crate) fn planted(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            syntax: syn::parse_file(text).expect("planted sources are valid"),
        }
    }

    /// The module it is, below the crate's root: `src/a/b.rs` is `a`, `b`; `None` outside the library.
    pub(crate) fn module(&self) -> Option<Vec<String>> {
        let path = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let path = path.strip_suffix("/mod").unwrap_or(path);
        match path {
            "main" => None,
            "lib" => Some(Vec::new()),
            _ => Some(path.split('/').map(str::to_owned).collect()),
        }
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files that are part of the repository.
pub(crate) fn repository_sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches", "examples", "fixtures/src"] {
        collect(&root().join(folder), &mut sources);
    }
    assert!(sources.len() > 30, "the sources were not found");
    sources
}

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("sources are UTF-8");
            let syntax = syn::parse_file(&text);
            let path = path.strip_prefix(root()).expect("it is below the root");
            let path = path.to_str().expect("names are ASCII").to_owned();
            let syntax = syntax.unwrap_or_else(|error| panic!("{path}: {error}"));
            sources.push(Source { path, text, syntax });
        }
    }
}

/// The top-level modules, as `src/lib.rs` declares them.
pub(crate) fn modules_in_order() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("the library has a root");
    let syntax = syn::parse_file(&text).expect("the library parses");
    let modules = syntax.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}
