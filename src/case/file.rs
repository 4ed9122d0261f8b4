//! The case file: text into cases, or every mistake with its place.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use super::check::check;
use super::error::{CaseError, printable};
use super::lower::{Lower, NAME_HELP, is_name};
use super::marks::{Document, Fault, Mark, Node};
use super::matrix::combinations;
use super::model::{Case, CaseId};
use super::report::{Report, value_mark};
use super::scan::scan;
use super::syntax::explain;
use super::value::Values;
use super::written::WrittenCase;

/// The largest case file accepted, in bytes.
pub const MAX_FILE: usize = 1 << 20;

/// Reads every case of a file's text.
///
/// `id` is the file's path below the root without extension, with `/` between its parts;
/// the cases' ids are made from it. `file` is where relative paths in the case start;
/// whether the files that it names exist is not looked at.
///
/// # Errors
/// Every mistake of every document, in the order of the text. A case is returned only if
/// the whole file is without mistake.
pub fn parse(bytes: &[u8], file: &Path, id: &str) -> Result<Vec<Case>, Vec<CaseError>> {
    let exists = |_: &Path| true;
    parse_source(bytes, &Source { file, id, exists })
}

/// Where a text comes from.
struct Source<'s> {
    file: &'s Path,
    id: &'s str,
    /// Whether a file that a case names is there.
    exists: fn(&Path) -> bool,
}

fn parse_source(bytes: &[u8], source: &Source<'_>) -> Result<Vec<Case>, Vec<CaseError>> {
    let file = source.file;
    let text = decode(bytes, file).map_err(|error| vec![*error])?;
    let mut report = Report::new(file, text);
    let cases = documents(text, source, &mut report);
    let errors = report.into_errors();
    if !errors.is_empty() {
        return Err(errors);
    }
    if cases.is_empty() {
        return Err(vec![
            CaseError::of_file(file, "there is no case in this file")
                .with_help("`memcase new NAME --language python` writes one to start from"),
        ]);
    }
    Ok(cases)
}

/// Reads a case file from disk, and sees that the files it names are there.
pub(crate) fn read(path: &Path, id: &str) -> Result<Vec<Case>, Vec<CaseError>> {
    let unreadable = |error: std::io::Error| {
        vec![CaseError::of_file(
            path,
            format!("it cannot be read: {error}"),
        )]
    };
    let facts = fs::metadata(path).map_err(unreadable)?;
    if !facts.is_file() {
        return Err(vec![CaseError::of_file(path, "it is not a file")]);
    }
    let mut bytes = Vec::with_capacity(facts.len().min(MAX_FILE as u64) as usize + 1);
    // one byte more than is accepted, so that a file too large is seen as such
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    let source = Source {
        file: path,
        id,
        exists: Path::is_file,
    };
    parse_source(&bytes, &source)
}

fn decode<'b>(bytes: &'b [u8], file: &Path) -> Result<&'b str, Box<CaseError>> {
    if bytes.len() > MAX_FILE {
        let error = CaseError::of_file(file, "the file is larger than 1 MiB");
        let help = "a case file holds code and claims; put data into files beside it";
        return Err(Box::new(error.with_help(help)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let place = |offset: usize, what: &str, help: &str| {
        let line = String::from_utf8_lossy(&bytes[..offset])
            .matches('\n')
            .count()
            + 1;
        let start = bytes[..offset]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let end = bytes[offset..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(bytes.len(), |at| offset + at);
        let column = String::from_utf8_lossy(&bytes[start..offset])
            .chars()
            .count()
            + 1;
        let shown = String::from_utf8_lossy(&bytes[start..end]);
        let error = CaseError::of_file(file, what).with_help(help);
        Box::new(error.at(line, column, 1, &shown))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        place(
            error.valid_up_to(),
            "the file is not UTF-8",
            "save it as UTF-8; write other bytes as escapes of the language",
        )
    })?;
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    if bytes.iter().all(plain) {
        return Ok(text);
    }
    let stray = text
        .char_indices()
        .zip(text.chars().skip(1).chain(['\n']))
        .map(|((offset, c), next)| (offset, c, next))
        .find(|(_, c, next)| match c {
            '\n' | '\t' => false,
            // line ends to one of the two parsers and not to the other
            '\u{2028}' | '\u{2029}' => true,
            '\r' => *next != '\n',
            c => c.is_control(),
        });
    if let Some((offset, c, _)) = stray {
        return Err(place(
            offset,
            &format!(
                "the character U+{:04X} cannot stand in a case file",
                u32::from(c)
            ),
            "write it as an escape of the language, such as `\\x00`",
        ));
    }
    Ok(text)
}

fn documents(text: &str, source: &Source<'_>, report: &mut Report<'_>) -> Vec<Case> {
    let scan = scan(text);
    let mut cases: Vec<Case> = Vec::new();
    let mut values = Values::new(text, &scan);
    let filled = scan
        .documents
        .iter()
        .filter(|document| !is_empty(document))
        .count();
    // a place that cannot be read may hide further documents
    let several = filled > 1 || (scan.fault.is_some() && filled > 0);
    for document in &scan.documents {
        let value = values.next(document);
        if is_empty(document) {
            continue;
        }
        report.begin_document();
        for fault in &document.faults {
            add_fault(fault, report);
        }
        let mut value = match value {
            _ if !document.readable => continue,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                let location = error.location();
                let mark = location.map_or(document.root.mark, |place| Mark {
                    line: place.line(),
                    column: place.column(),
                    width: 1,
                });
                let said = error.to_string();
                let said = said.split(" at line ").next().unwrap_or_default();
                let (message, help) = explain(said);
                report.add(mark, None, printable(&message, 200), Some(help.to_owned()));
                return cases;
            }
            None => return cases,
        };
        let before = report.count();
        for combination in combinations(&value, &document.root, report) {
            let mut value = if combination.is_empty() {
                value.take()
            } else {
                combination.fill_value(&value)
            };
            let root = combination.fill_node(&document.root);
            if let Some(case) = one(&mut value, &root, source, several, report) {
                let id = CaseId(format!("{}{}", case.id.0, combination.suffix()));
                let case = Case { id, ..case };
                twin(&cases, &case, &root, report);
                cases.push(case);
            }
            // the others would tell the same mistakes again
            if report.count() > before {
                break;
            }
        }
    }
    if let Some(fault) = &scan.fault {
        add_fault(fault, report);
    }
    cases
}

/// The case of one document without a matrix, or with its values in place; none where there is a mistake.
fn one(
    value: &mut Value,
    root: &Node,
    source: &Source<'_>,
    several: bool,
    report: &mut Report<'_>,
) -> Option<Case> {
    let before = report.count();
    if !check(value, root, report) && !value.is_object() {
        return None;
    }
    match serde_json::from_value(value.take()) {
        Ok(written) => {
            let name = document_name(&written, root, several, report);
            let id = case_id(source.id, name.as_deref(), several);
            let mut lower = Lower {
                exists: source.exists,
                file: source.file,
                root,
                report,
            };
            let case = lower.case(written, id);
            case.filter(|_| report.count() == before)
        }
        // the schema and the types agree, so this is a mistake of memcase; say it, do not hide it
        Err(error) => {
            report.add(root.mark, None, error.to_string(), None);
            None
        }
    }
}

fn is_empty(document: &Document) -> bool {
    document.faults.is_empty() && matches!(document.root.text(), Some("" | "~" | "null"))
}

fn add_fault(fault: &Fault, report: &mut Report<'_>) {
    report.add(
        fault.mark,
        fault
            .key
            .as_deref()
            .map(|key| printable(key, 80))
            .as_deref(),
        printable(&fault.message, 300),
        fault.help.clone(),
    );
}

/// The name that the document gives itself, if it is a good one.
fn document_name(
    written: &WrittenCase,
    root: &Node,
    several: bool,
    report: &mut Report<'_>,
) -> Option<String> {
    match &written.name {
        Some(name) if is_name(name) => Some(name.clone()),
        Some(name) => {
            let message = format!("`{}` cannot be a name", printable(name, 60));
            let mark = value_mark(root, "name");
            report.add(mark, Some("name"), message, Some(NAME_HELP.to_owned()));
            None
        }
        None if several && !report.doubts("name") => {
            report.add(
                root.mark,
                Some("name"),
                "is missing, and the file holds several cases",
                Some("add `name:` to each document".to_owned()),
            );
            None
        }
        None => None,
    }
}

fn case_id(id: &str, name: Option<&str>, several: bool) -> CaseId {
    CaseId(match name {
        None => id.to_owned(),
        Some(name) if several => format!("{id}/{name}"),
        Some(name) => match id.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.to_owned(),
        },
    })
}

fn twin(cases: &[Case], case: &Case, root: &Node, report: &mut Report<'_>) {
    let Some(other) = cases.iter().find(|other| other.id == case.id) else {
        return;
    };
    report.add(
        value_mark(root, "name"),
        Some("name"),
        format!(
            "two cases are called `{}`; the first begins in line {}",
            other.id, other.line
        ),
        Some("give each document a name of its own".to_owned()),
    );
}
