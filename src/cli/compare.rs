//! `memcase compare`: two results that were kept, or two folders of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::CliError;
use super::baseline_args::CompareArgs;
use super::baselines::say;
use crate::baseline::{self, Comparison, ComparisonKind, Fit};
use crate::outcome::ExitCode;
use crate::report::{EVENT_VERSION, compared_line};

/// The name of a case's result.
const RESULT: &str = "result.json";
/// The deepest folder searched.
const DEEPEST: usize = 64;

/// What is read of a result.
#[derive(Deserialize)]
struct Kept {
    id: String,
    #[serde(default)]
    fit: Option<Fit>,
}

/// A case as `compare --json` tells it.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    version: u32,
    id: &'a str,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// `memcase compare`.
pub(super) fn compare(args: &CompareArgs) -> Result<ExitCode, CliError> {
    let (before, now) = (results(&args.before)?, results(&args.now)?);
    // Two files are compared whatever their cases are called.
    let single = (!args.before.is_dir() && !args.now.is_dir())
        .then(|| Some((before.values().next()?, now.iter().next()?)))
        .flatten();
    let mut pairs: Vec<(&str, Option<&Fit>, Option<&Fit>)> = Vec::new();
    if let Some((before, (id, now))) = single {
        pairs.push((id, before.as_ref(), now.as_ref()));
    } else {
        let common = now.keys().filter(|id| before.contains_key(*id));
        pairs.extend(common.map(|id| (id.as_str(), before[id].as_ref(), now[id].as_ref())));
    }
    if pairs.is_empty() {
        return Err(CliError::NoCase(format!(
            "`{}` and `{}` have no case in common",
            args.before.display(),
            args.now.display()
        )));
    }
    let width = pairs.iter().map(|(id, ..)| id.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut regressed = false;
    for (id, before, now) in &pairs {
        let comparison = match (before, now) {
            (Some(before), Some(now)) => baseline::compare(before, now),
            _ => Comparison::incomparable(
                "it was not measured to its end on both sides",
                crate::trace::Axis::Iterations,
            ),
        };
        regressed |= comparison.kind == ComparisonKind::Regressed;
        let line = if args.json {
            let listed = Listed {
                kind: "compared",
                version: EVENT_VERSION,
                id,
                comparison: &comparison,
            };
            serde_json::to_string(&listed).map_err(|e| CliError::Output(io::Error::from(e)))?
        } else {
            compared_line(id, width, &comparison, *before, *now)
        };
        say(&line)?;
    }
    if !args.json {
        for (where_, only) in [
            (&args.before, only_in(&before, &now)),
            (&args.now, only_in(&now, &before)),
        ] {
            if single.is_none() && !only.is_empty() {
                let only: Vec<&str> = only.into_iter().collect();
                say(&format!(
                    "only in `{}`: {}",
                    where_.display(),
                    only.join(", ")
                ))?;
            }
        }
    }
    Ok(if regressed {
        ExitCode::Failed
    } else {
        ExitCode::AsClaimed
    })
}

type Results = BTreeMap<String, Option<Fit>>;

fn only_in<'a>(here: &'a Results, there: &Results) -> BTreeSet<&'a str> {
    let only = here.keys().filter(|id| !there.contains_key(*id));
    only.map(String::as_str).collect()
}

/// The results in a file or below a folder, by case.
fn results(path: &Path) -> Result<Results, CliError> {
    let mut files = Vec::new();
    if path.is_dir() {
        find(path, 0, &mut files).map_err(|error| unreadable(path, &error))?;
    } else {
        files.push(path.to_owned());
    }
    if files.is_empty() {
        return Err(CliError::Usage(format!(
            "`{}` holds no results; a run keeps them below `target/memcase/` in a Cargo project, else below `.memcase/`",
            path.display()
        )));
    }
    let mut results = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
        let kept: Kept = serde_json::from_str(&text).map_err(|error| {
            CliError::Usage(format!(
                "`{}` is not the result of a case: {error}",
                file.display()
            ))
        })?;
        results.insert(kept.id, kept.fit);
    }
    Ok(results)
}

fn unreadable(path: &Path, error: &io::Error) -> CliError {
    CliError::Usage(format!("`{}` can not be read: {error}", path.display()))
}

fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        if kind.is_dir() && depth < DEEPEST && !name.to_string_lossy().starts_with('.') {
            find(&entry.path(), depth + 1, files)?;
        } else if kind.is_file() && name == RESULT {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(())
}
