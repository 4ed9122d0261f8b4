//! Finds `memcase.toml`, and reads it: text into a configuration, or every mistake with its place.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::lower::lower;
use super::model::Config;
use super::schema;
use super::source::Text;
use crate::case::{CaseError, Form, Notation, Report, check_form};

/// The places below a folder where the file may stand.
pub const NAMES: [&str; 2] = ["memcase.toml", ".config/memcase.toml"];

/// The largest file accepted, in bytes.
const MAX_FILE: usize = 1 << 20;

/// The file that holds for a folder: in it, or in the nearest folder above it.
///
/// # Errors
/// Where two files stand side by side, since one would be left out in silence.
pub fn find(folder: &Path) -> Result<Option<PathBuf>, Box<CaseError>> {
    for above in folder.ancestors() {
        let mut found = NAMES
            .iter()
            .map(|name| above.join(name))
            .filter(|path| path.is_file());
        if let (Some(first), second) = (found.next(), found.next()) {
            if let Some(second) = second {
                let message = format!("`{}` is there too", second.display());
                let error = CaseError::of_file(first, message);
                let help = "put all into one of the two, and remove the other";
                return Err(Box::new(error.with_help(help)));
            }
            return Ok(Some(first));
        }
    }
    Ok(None)
}

/// Reads a file.
///
/// # Errors
/// Every mistake of the file, in the order of its text.
pub fn load(path: &Path) -> Result<Config, Vec<CaseError>> {
    let wrong =
        |message: String, help: &str| vec![CaseError::of_file(path, message).with_help(help)];
    let mut bytes = Vec::new();
    // one byte more than is accepted, so that a file too large is seen as such
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            wrong(
                format!("it cannot be read: {error}"),
                "see its name and its permissions",
            )
        })?;
    if bytes.len() > MAX_FILE {
        return Err(wrong(
            "the file is larger than 1 MiB".to_owned(),
            "a configuration is small",
        ));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| wrong("the file is not UTF-8".to_owned(), "save it as UTF-8"))?;
    parse(&text, path)
}

/// Reads a text; `path` is its name in messages.
///
/// # Errors
/// Every mistake of the text, in its order.
pub fn parse(text: &str, path: &Path) -> Result<Config, Vec<CaseError>> {
    let mut report = Report::new(path, text);
    let read = Text::new(text).read();
    let config = match read {
        Ok((mut value, root)) => {
            let form = Form {
                schema: schema::value(),
                notation: Notation::Toml,
                whole: "the configuration",
                start: "start with `[profile.default]`",
                later: &[],
                home: |_| None,
            };
            check_form(&mut value, &root, &mut report, &form);
            match serde_json::from_value(value) {
                Ok(written) => Some(lower(written, &root, &mut report)),
                // the schema and the types agree, so this is a mistake of memcase; say it, do not hide it
                Err(error) => {
                    report.add(root.mark, None, error.to_string(), None);
                    None
                }
            }
        }
        Err(error) => {
            let help = "write `key = value`, texts in quotes, tables as `[profile.ci]`".to_owned();
            report.add(
                error.mark,
                None,
                format!("this is not TOML: {}", error.message),
                help,
            );
            None
        }
    };
    let errors = report.into_errors();
    match config {
        Some(config) if errors.is_empty() => Ok(Config {
            file: Some(path.to_path_buf()),
            ..config
        }),
        _ => Err(errors),
    }
}
