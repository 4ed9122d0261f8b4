//! Collects the mistakes of one file, each with its place, so that all are told at once.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::CaseError;
use super::marks::{Mark, Node};

/// The most mistakes told of one file.
const MAX_ERRORS: usize = 100;

/// The mistakes found so far in one file.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    file: &'a Path,
    lines: Vec<&'a str>,
    errors: Vec<CaseError>,
    /// Keys of the present document that are known to be wrong or misspelt: their
    /// absence from the values read is no mistake of its own.
    doubtful: BTreeSet<String>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            lines: text.lines().collect(),
            errors: Vec::new(),
            doubtful: BTreeSet::new(),
        }
    }

    /// Adds a mistake at a place.
    pub(crate) fn add(
        &mut self,
        mark: Mark,
        key: Option<&str>,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        let text = self.lines.get(mark.line.saturating_sub(1)).copied();
        let mut error = CaseError::of_file(self.file, message);
        error.key = key.map(str::to_owned);
        error.help = help.into();
        self.errors
            .push(error.at(mark.line, mark.column, mark.width, text.unwrap_or_default()));
    }

    /// Starts a document: what was doubtful in the one before is forgotten.
    pub(crate) fn begin_document(&mut self) {
        self.doubtful.clear();
    }

    pub(crate) fn doubt(&mut self, path: String) {
        self.doubtful.insert(path);
    }

    pub(crate) fn doubts(&self, path: &str) -> bool {
        self.doubtful.contains(path)
    }

    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// All mistakes in the order of the file.
    pub(crate) fn into_errors(mut self) -> Vec<CaseError> {
        self.errors.sort_by_key(|error| (error.line, error.column));
        if let Some(more) = self
            .errors
            .len()
            .checked_sub(MAX_ERRORS)
            .filter(|more| *more > 0)
        {
            self.errors.truncate(MAX_ERRORS);
            self.errors.push(CaseError::of_file(
                self.file,
                format!("and {more} more mistakes"),
            ));
        }
        self.errors
    }
}

/// The place of the key at a path such as `target.run`, as far as the path exists.
pub(crate) fn key_mark(root: &Node, path: &str) -> Mark {
    walk(root, path).0
}

/// The place of the value at a path such as `target.requires.0`, as far as it exists.
pub(crate) fn value_mark(root: &Node, path: &str) -> Mark {
    walk(root, path).1.mark
}

/// The value at a path, as far as the path exists.
pub(crate) fn walk<'n>(root: &'n Node, path: &str) -> (Mark, &'n Node) {
    let mut place = (root.mark, root);
    for part in path.split('.') {
        let next = match place.1.get(part) {
            Some((key, node)) => Some((key.mark, node)),
            None => part
                .parse()
                .ok()
                .and_then(|index| place.1.item(index))
                .map(|node| (node.mark, node)),
        };
        match next {
            Some(next) => place = next,
            None => break,
        }
    }
    place
}
