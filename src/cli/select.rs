//! Which cases are meant: paths, words, expressions, and the part of this machine.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::CliError;
use super::args::Selection;
use super::output;
use crate::case::{Case, CaseError, discover};
use crate::filter::Filter;
use crate::outcome::OutcomeKind;
use crate::runner::artifacts::{Artifacts, last_outcome, sides_of};
use crate::runner::partition::Partition;
use crate::runner::plan::Filters;

/// Where cases are looked for when no path is given.
pub(super) const DEFAULT_ROOT: &str = "cases";

/// Cases that are selected, and the ids of those that are not.
pub(super) struct Selected {
    pub(super) cases: Vec<Case>,
    pub(super) left_out: Vec<String>,
    /// How they were selected.
    pub(super) meant: Meant,
}

/// Which cases are meant, of whatever files.
#[derive(Clone)]
pub(super) struct Meant {
    /// Where they are looked for.
    pub(super) paths: Vec<PathBuf>,
    filters: Filters,
    /// The part of this machine.
    pub(super) partition: Option<Partition>,
    /// Whether only those are meant that were measured before and failed.
    rerun_failed: bool,
}

impl Meant {
    /// What the words mean, as the files are now.
    pub(super) fn read(selection: &Selection) -> Result<Self, CliError> {
        let (paths, words) = paths_and_words(selection)?;
        let expressions = filters_of(&selection.filterset)?;
        let partition = selection
            .partition
            .as_ref()
            .map(|part| Partition::parse(part, |name| std::env::var(name).ok()))
            .transpose()
            .map_err(CliError::Usage)?;
        let filters = Filters {
            words,
            exact: selection.exact,
            skip: selection.skip.clone(),
            tags: selection.tag.clone(),
            languages: selection.language.clone(),
            expressions,
        };
        Ok(Self {
            paths,
            filters,
            partition,
            rerun_failed: selection.rerun_failed,
        })
    }

    /// Those that are meant of the cases that were found.
    pub(super) fn choose(self, all: Vec<Case>) -> Result<Selected, CliError> {
        let found = all.len();
        let (mut cases, mut left_out) = self.filters.split(all);
        if cases.is_empty() {
            return Err(CliError::NoCase(nothing_selected(found, &self.filters)));
        }
        if self.rerun_failed {
            let root = Artifacts::place();
            let again = |case: &Case| {
                let failed = |id: &str| {
                    last_outcome(&root, id).is_some_and(|last| last != OutcomeKind::Passed)
                };
                // With several interpreters each has a result of its own.
                failed(&case.id.0) || sides_of(&root, &case.id.0).iter().any(|id| failed(id))
            };
            let others: Vec<Case>;
            (cases, others) = cases.into_iter().partition(again);
            left_out.extend(others.into_iter().map(|case| case.id.0));
            if cases.is_empty() {
                return Err(CliError::NoCase(format!(
                    "none of the selected cases has a kept result that is not as claimed; results are kept in `{}`",
                    root.display()
                )));
            }
        }
        if let Some(partition) = &self.partition {
            let before = cases.len();
            let (part, others) = partition.split(cases);
            if part.is_empty() {
                return Err(CliError::NoCase(format!(
                    "the part `{partition}` holds none of the {before} selected cases: there are fewer \
                     cases than parts, or `hash` put none here; `slice` makes parts of one size"
                )));
            }
            left_out.extend(others);
            cases = part;
        }
        Ok(Selected {
            cases,
            left_out,
            meant: self,
        })
    }

    /// Those of other cases that are meant.
    pub(super) fn of(&self, others: Vec<Case>) -> Vec<Case> {
        if self.rerun_failed {
            return Vec::new();
        }
        let (cases, _) = self.filters.split(others);
        match &self.partition {
            Some(partition) => partition.split(cases).0,
            None => cases,
        }
    }
}

/// Reads the case files that are meant and filters their cases.
pub(super) fn select(selection: &Selection) -> Result<Selected, CliError> {
    let meant = Meant::read(selection)?;
    let loaded = discover::load(&meant.paths);
    if !loaded.errors.is_empty() {
        return Err(CliError::Cases(rendered(&loaded.errors)));
    }
    for note in &loaded.notes {
        let _ = writeln!(std::io::stderr().lock(), "note: {note}");
    }
    meant.choose(loaded.cases)
}

/// Mistakes as they are shown.
pub(super) fn rendered(errors: &[CaseError]) -> Vec<String> {
    let colour = output::errors_coloured();
    errors.iter().map(|error| error.render(colour)).collect()
}

/// The paths that are named, and the words that are parts of ids.
fn paths_and_words(selection: &Selection) -> Result<(Vec<PathBuf>, Vec<String>), CliError> {
    let mut paths = Vec::new();
    let mut words = selection.filters.clone();
    for word in &selection.words {
        if Path::new(word).exists() {
            paths.push(PathBuf::from(word));
        } else if looks_like_a_path(word) {
            return Err(CliError::Usage(format!(
                "`{word}` does not exist; a word that is part of an id needs no `/` at its end and no extension"
            )));
        } else {
            words.push(word.clone());
        }
    }
    if paths.is_empty() {
        if !Path::new(DEFAULT_ROOT).exists() {
            return Err(CliError::NoFolder(format!(
                "there is no folder `{DEFAULT_ROOT}` here; name a file or folder with cases, or \
                 write a first one: memcase new hello --language python"
            )));
        }
        paths.push(PathBuf::from(DEFAULT_ROOT));
    }
    Ok((paths, words))
}

/// Reads the expressions; a mistake is shown where it stands.
fn filters_of(texts: &[String]) -> Result<Vec<Filter>, CliError> {
    let read = |text: &String| {
        Filter::parse(text).map_err(|error| {
            let shown = error.in_text(text, "-E").render(output::errors_coloured());
            CliError::Expression(shown.trim_end().to_owned())
        })
    };
    texts.iter().map(read).collect()
}

fn looks_like_a_path(word: &str) -> bool {
    let extension = Path::new(word).extension();
    word.ends_with('/')
        || word.starts_with("./")
        || extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn nothing_selected(found: usize, filters: &Filters) -> String {
    if found == 0 {
        return "no case was found: cases are files that end in .yaml or .yml".to_owned();
    }
    let plural = if found == 1 { "" } else { "s" };
    let words = filters.words.join("`, `");
    let how = if filters.exact { "is" } else { "holds" };
    let why = if filters.words.is_empty() {
        "the flags leave out all of them".to_owned()
    } else {
        format!("no id {how} `{words}`, or other flags leave them out")
    };
    format!(
        "no case is selected of the {found} case{plural} that there are: {why}; `memcase list` shows them"
    )
}
