//! The form of files: first line, length, `mod.rs`, attributes, and paths in documents.

use std::fs;
use std::path::Path;

use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::sources::{Source, root};

const MOST_LINES: usize = 400;

/// Every file starts with `//!` and a sentence.
pub(crate) fn first_lines(sources: &[Source]) -> Vec<String> {
    let silent = sources.iter().filter(|source| {
        let first = source.text.lines().next().unwrap_or_default();
        first.strip_prefix("//! ").is_none_or(|text| text.len() < 4)
    });
    silent
        .map(|source| {
            format!(
                "{}: the first line is not `//! What it knows.`",
                source.path
            )
        })
        .collect()
}

/// No file is too long to be read at once.
pub(crate) fn lengths(sources: &[Source]) -> Vec<String> {
    let lines = sources.iter().map(|s| (s, s.text.lines().count()));
    lines
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(source, lines)| format!("{}: {lines} lines, at most {MOST_LINES}", source.path))
        .collect()
}

/// A `mod.rs` declares and documents. One function, the door of the stage, may stand in it;
/// data without behaviour and traits may, where they are what its files share.
pub(crate) fn mod_files(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        if !(source.path.starts_with("src/") && source.path.ends_with("/mod.rs")) {
            continue;
        }
        let count = |test: fn(&syn::Item) -> bool| {
            source.syntax.items.iter().filter(|item| test(item)).count()
        };
        let doors = count(|item| matches!(item, syn::Item::Fn(_)));
        let behaviour = count(|item| matches!(item, syn::Item::Impl(_)));
        if doors > 1 || behaviour > 0 {
            complaints.push(format!(
                "{}: holds code; move it to a file of its own",
                source.path
            ));
        }
    }
    complaints
}

struct Attributes<'a> {
    path: &'a str,
    complaints: Vec<String>,
}

impl<'ast> Visit<'ast> for Attributes<'_> {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let text = attribute.meta.to_token_stream().to_string();
        let allows = attribute.path().is_ident("allow")
            || (attribute.path().is_ident("cfg_attr") && text.contains("allow ("));
        if allows {
            let complaint = format!("{}: `{text}`: say `expect` with a reason", self.path);
            self.complaints.push(complaint);
        }
        if matches!(&attribute.meta, syn::Meta::Path(path) if path.is_ident("ignore")) {
            let complaint = format!("{}: `#[ignore]` without a reason", self.path);
            self.complaints.push(complaint);
        }
        visit::visit_attribute(self, attribute);
    }
}

/// No lint is silenced for good, and no test left out without a reason.
pub(crate) fn attributes(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let mut attributes = Attributes {
            path: &source.path,
            complaints: Vec::new(),
        };
        attributes.visit_file(&source.syntax);
        complaints.append(&mut attributes.complaints);
    }
    complaints
}

/// Every file or folder that a document names in back-ticks is there.
pub(crate) fn paths_in_documents() -> Vec<String> {
    let mut documents = vec![
        root().join("README.md"),
        root().join("CONTRIBUTING.md"),
        root().join("CHANGELOG.md"),
        root().join("cases/README.md"),
        root().join("fixtures/README.md"),
    ];
    let folder = fs::read_dir(root().join("docs")).expect("there are documents");
    documents.extend(folder.filter_map(Result::ok).map(|entry| entry.path()));
    let mut complaints = Vec::new();
    for document in documents {
        if document
            .extension()
            .is_none_or(|extension| extension != "md")
        {
            continue;
        }
        let text = fs::read_to_string(&document).expect("documents are UTF-8");
        let name = document.strip_prefix(root()).unwrap_or(&document);
        complaints.append(&mut missing_paths(&name.to_string_lossy(), &text));
    }
    complaints
}

const FOLDERS: &[&str] = &[
    "src/",
    "docs/",
    "tests/",
    "cases/",
    "fixtures/",
    "examples/",
    "benches/",
    "fuzz/",
    "integrations/",
    ".ci/",
    ".github/",
];

/// Files that a document tells its reader to write.
const TO_BE_WRITTEN: &[&str] = &["cases/sorted.yaml"];

/// The paths in back-ticks of `text` that do not exist below the root.
pub(crate) fn missing_paths(document: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for line in text.lines() {
        for (index, span) in line.split('`').enumerate() {
            let plain = span
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
            let is_markdown = Path::new(span).extension().is_some_and(|end| end == "md");
            let file = !span.contains('/') && is_markdown;
            let inside = FOLDERS.iter().any(|folder| span.starts_with(folder));
            let written = TO_BE_WRITTEN.contains(&span);
            let shown = index % 2 == 1 && plain && (inside || file) && !written;
            let places = [root(), root().join(document).with_file_name("")];
            if shown && !places.iter().any(|place| place.join(span).exists()) {
                complaints.push(format!("{document}: `{span}` does not exist"));
            }
        }
    }
    complaints
}
