//! Results of runs that are over: a file of events, or a folder of artifacts.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::artifacts::RESULT;
use crate::report::{CaseReport, Started, Summary, Told, told};

/// The events of the last run in a folder of artifacts, without those that are no results.
pub const RUN: &str = "run.jsonl";

/// The results of one run, or as much of them as there is.
#[derive(Debug)]
pub struct Part {
    /// Where they were found.
    pub source: PathBuf,
    /// How the run began; none where only the results of its cases were kept.
    pub started: Option<Started>,
    /// The cases that ended.
    pub cases: Vec<CaseReport>,
    /// How it ended; none where it was killed.
    pub summary: Option<Summary>,
}

/// What was found at a path: mostly one run, and what to say of it.
#[derive(Debug, Default)]
pub struct Found {
    /// The runs.
    pub parts: Vec<Part>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Reads the results at `path`; an error is a sentence.
pub fn read(path: &Path) -> Result<Found, String> {
    let found = if path.is_dir() {
        of_folder(path)
    } else {
        of_events(path, path).map(|found| of_where_it_was_run(found, path))
    }?;
    if found.parts.is_empty() {
        return Err(format!(
            "`{}` holds no results: name a folder of artifacts (`target/memcase`, `.memcase`) or a file that `--report json=` wrote",
            path.display()
        ));
    }
    Ok(found)
}

fn of_folder(folder: &Path) -> Result<Found, String> {
    let mut results = Vec::new();
    find_results(folder, &mut results).map_err(|error| told_of(folder, &error))?;
    let run = folder.join(RUN);
    if run.is_file() {
        let mut found = of_events(&run, folder)?;
        let known = |id: &str| {
            let mut cases = found.parts.iter().flat_map(|part| &part.cases);
            cases.any(|case| case.id == id)
        };
        let mut earlier = 0;
        for result in &results {
            earlier += usize::from(!known(&read_result(result)?.id));
        }
        if earlier > 0 {
            found.notes.push(format!(
                "`{}`: results of earlier runs were left out: {earlier}",
                folder.display()
            ));
        }
        for case in found.parts.iter_mut().flat_map(|part| &mut part.cases) {
            moved(case, folder);
        }
        return Ok(found);
    }
    // Tests of a Cargo project keep results of cases, and know of no run.
    let mut cases = Vec::new();
    for result in &results {
        let mut case = read_result(result)?;
        case.folder = result.parent().map(Path::to_owned);
        cases.push(case);
    }
    let parts = if cases.is_empty() {
        Vec::new()
    } else {
        vec![Part {
            source: folder.to_owned(),
            started: None,
            cases,
            summary: None,
        }]
    };
    Ok(Found {
        parts,
        notes: Vec::new(),
    })
}

/// A file of events mostly lies where memcase was run, and its folders are named from there.
fn of_where_it_was_run(mut found: Found, file: &Path) -> Found {
    let place = file.parent().unwrap_or(Path::new(""));
    for case in found.parts.iter_mut().flat_map(|part| &mut part.cases) {
        let beside = case.folder.as_ref().map(|folder| place.join(folder));
        if let Some(beside) = beside.filter(|folder| folder.join(RESULT).is_file()) {
            case.folder = Some(beside);
        }
    }
    found
}

/// Traces are named where they are now, and not where they were when they were measured.
fn moved(case: &mut CaseReport, folder: &Path) {
    let here = folder.join(super::artifacts::below_root(&case.id));
    if case.folder.is_some() && here.join(RESULT).is_file() {
        case.folder = Some(here);
    }
}

fn find_results(folder: &Path, results: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // What is hidden is being measured, or was left behind.
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() && !hidden {
            find_results(&path, results)?;
        } else if entry.file_name() == RESULT {
            results.push(path);
        }
    }
    Ok(())
}

fn read_result(path: &Path) -> Result<CaseReport, String> {
    let text = fs::read_to_string(path).map_err(|error| told_of(path, &error))?;
    match told(text.trim_end()).map_err(|error| format!("`{}`: {error}", path.display()))? {
        Told::Case(report) => Ok(*report),
        _ => Err(format!("`{}` is not the result of a case", path.display())),
    }
}

fn of_events(path: &Path, source: &Path) -> Result<Found, String> {
    let file = File::open(path).map_err(|error| told_of(path, &error))?;
    let mut lines = BufReader::new(file).lines().enumerate().peekable();
    let mut found = Found::default();
    let mut is_open = false;
    while let Some((index, line)) = lines.next() {
        let line = line.map_err(|error| told_of(path, &error))?;
        let event = match told(&line) {
            // A run that was killed may have left half a line.
            Err(_) if is_open && lines.peek().is_none() => break,
            event => event
                .map_err(|error| format!("`{}`, line {}: {error}", path.display(), index + 1))?,
        };
        let part = found.parts.last_mut().filter(|_| is_open);
        match (event, part) {
            (Told::Started(started), _) => {
                is_open = true;
                found.parts.push(Part {
                    source: source.to_owned(),
                    started: Some(started),
                    cases: Vec::new(),
                    summary: None,
                });
            }
            (Told::Case(report), Some(part)) => part.cases.push(*report),
            (Told::Finished(summary), Some(part)) => {
                is_open = false;
                part.summary = Some(summary);
            }
            (Told::Other, _) => {}
            (Told::Case(_) | Told::Finished(_), None) => {
                return Err(format!(
                    "`{}`, line {}: the run that this belongs to does not begin in this file",
                    path.display(),
                    index + 1
                ));
            }
        }
    }
    Ok(found)
}

fn told_of(path: &Path, error: &io::Error) -> String {
    format!("`{}` can not be read: {error}", path.display())
}
