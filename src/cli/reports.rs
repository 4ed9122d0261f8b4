//! `--report FORMAT=PATH`: reports beside the one that is read as the run goes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;

use super::CliError;
use crate::report::{
    Json, LibtestJson, Reporter, Several, Tap, annotations, dot, html, junit, markdown, svg,
};
use crate::runner::artifacts::traces_of;
use crate::runner::parts::RUN;

/// Standard output as a path.
const STANDARD_OUTPUT: &str = "-";

/// Where else a run is reported.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Write a report beside the one that is shown: html, junit, json, libtest-json, markdown, tap, github,
    /// or dot and svg for who keeps what leaks;
    /// may be given several times, `-` is standard output (docs/reports.md)
    #[arg(long, value_name = "FORMAT=PATH", value_parser = wanted)]
    report: Vec<Wanted>,
    /// Lines for programs on standard output, under the name that cargo nextest has for them
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["format", "quiet"])]
    pub(super) message_format: Option<MessageFormat>,
}

/// Formats of `--message-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MessageFormat {
    /// As `cargo test -- -Z unstable-options --format json` prints them
    LibtestJson,
}

/// Formats of `--report`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Html,
    Junit,
    Json,
    LibtestJson,
    Github,
    Markdown,
    Tap,
    Dot,
    Svg,
}

/// A report that is asked for.
#[derive(Debug, Clone)]
struct Wanted {
    format: Format,
    path: Option<PathBuf>,
}

fn wanted(text: &str) -> Result<Wanted, String> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) => (name, Some(path)),
        None => (text, None),
    };
    let format = Format::from_str(name, false).map_err(|_| {
        format!("`{name}` is no format: there are html, junit, json, libtest-json, markdown, tap, github, dot, svg")
    })?;
    match path {
        Some("") => Err(format!("a path is missing behind `{name}=`")),
        None if format != Format::Github => Err(format!(
            "a path is missing: write `{name}=PATH`, or `{name}=-` for standard output"
        )),
        path => Ok(Wanted {
            format,
            path: path.map(PathBuf::from),
        }),
    }
}

/// The reports beside the one that is shown, opened.
#[derive(Default)]
pub(super) struct Reports {
    opened: Vec<Opened>,
}

struct Opened {
    name: String,
    reporter: Arc<dyn Reporter>,
    draft: Option<Draft>,
}

/// A file that takes its name when it is whole.
#[derive(Clone)]
struct Draft {
    file: Arc<Mutex<Option<NamedTempFile>>>,
    path: PathBuf,
}

impl ReportArgs {
    /// Whether a report takes standard output, so that what is for people has to go elsewhere.
    pub(super) fn take_standard_output(&self) -> bool {
        self.report.iter().any(Wanted::is_standard_output)
    }

    /// One page at this path.
    pub(super) fn page(path: PathBuf) -> Self {
        Self {
            report: vec![Wanted {
                format: Format::Html,
                path: Some(path),
            }],
            message_format: None,
        }
    }

    /// Whether all are in a form that tells of several runs.
    pub(super) fn are_of_events(&self) -> bool {
        self.report
            .iter()
            .all(|wanted| wanted.format == Format::Json)
    }

    /// The report that shows holders, which only an explanation finds, if there is one.
    pub(super) fn of_holders(&self) -> Option<String> {
        let mut all = self.report.iter();
        all.find(|wanted| matches!(wanted.format, Format::Dot | Format::Svg))
            .map(Wanted::to_string)
    }

    /// Opens all reports, so that a path that cannot be written is told of before anything runs.
    /// `for_programs`: standard output belongs to a format for programs.
    pub(super) fn open(&self, for_programs: bool) -> Result<Reports, CliError> {
        let mut paths: Vec<&Path> = Vec::new();
        for wanted in &self.report {
            let Some(path) = wanted.path.as_deref() else {
                continue;
            };
            if wanted.is_standard_output() && for_programs {
                return Err(CliError::Usage(format!(
                    "`--report {wanted}` and the format that is shown would both be written to standard output; give the report a file"
                )));
            }
            if paths.contains(&path) {
                return Err(CliError::Usage(format!(
                    "two reports would be written to `{}`; give each a path of its own",
                    path.display()
                )));
            }
            paths.push(path);
        }
        let mut reports = Reports::default();
        for wanted in &self.report {
            reports.add(wanted).map_err(|error| {
                CliError::Usage(format!(
                    "the report `{wanted}` can not be written: {error}; nothing was run"
                ))
            })?;
        }
        Ok(reports)
    }
}

impl Wanted {
    fn is_standard_output(&self) -> bool {
        self.path
            .as_deref()
            .is_some_and(|path| path == Path::new(STANDARD_OUTPUT))
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = self.format.to_possible_value();
        f.write_str(format.as_ref().map_or("", |value| value.get_name()))?;
        match &self.path {
            Some(path) => write!(f, "={}", path.display()),
            None => Ok(()),
        }
    }
}

impl Reports {
    fn add(&mut self, wanted: &Wanted) -> io::Result<()> {
        let path = wanted.path.as_deref();
        let mut add = |reporter: Arc<dyn Reporter>, draft| {
            self.opened.push(Opened {
                name: wanted.to_string(),
                reporter,
                draft,
            });
        };
        if wanted.format == Format::Github {
            // The runner reads commands from both outputs, and this one is not taken.
            let out = Box::new(io::stderr());
            add(Arc::new(annotations(out, below_workspace())), None);
            let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
            if let Some(path) = path.map(Path::to_owned).or(summary.map(PathBuf::from)) {
                let out = if wanted.is_standard_output() {
                    Box::new(io::stdout())
                } else {
                    lines(&path, true)?
                };
                add(Arc::new(markdown(out)), None);
            }
            return Ok(());
        }
        let Some(path) = path else {
            return Ok(());
        };
        let whole = matches!(
            wanted.format,
            Format::Html | Format::Junit | Format::Markdown | Format::Dot | Format::Svg
        );
        let (out, draft): (Box<dyn Write + Send>, _) = if wanted.is_standard_output() {
            (Box::new(io::stdout()), None)
        } else if whole && is_replaceable(path) {
            let draft = Draft::open(path)?;
            (Box::new(draft.clone()), Some(draft))
        } else {
            (lines(path, false)?, None)
        };
        add(
            match wanted.format {
                Format::Html => Arc::new(html(out, Box::new(traces_of))),
                Format::Junit => Arc::new(junit(out)),
                Format::Markdown | Format::Github => Arc::new(markdown(out)),
                Format::Json => Arc::new(Json::new(out)),
                Format::LibtestJson => Arc::new(LibtestJson::new(out)),
                Format::Tap => Arc::new(Tap::new(out)),
                Format::Dot => Arc::new(dot(out)),
                Format::Svg => Arc::new(svg(out)),
            },
            draft,
        );
        Ok(())
    }

    /// The one report that was asked for.
    pub(super) fn only(&self) -> Option<Arc<dyn Reporter>> {
        self.opened
            .first()
            .map(|opened| Arc::clone(&opened.reporter))
    }

    /// A reporter that tells `first`, and all of these.
    pub(super) fn beside(&self, first: Arc<dyn Reporter>) -> Arc<dyn Reporter> {
        let others = self.opened.iter().map(|o| Arc::clone(&o.reporter));
        Arc::new(Several::new(first, others.collect()))
    }

    /// Keeps the results of the run as well, in a file that is always written.
    pub(super) fn keep(&mut self, file: File) {
        self.opened.push(Opened {
            name: RUN.to_owned(),
            reporter: Arc::new(Json::of_results(Box::new(file))),
            draft: None,
        });
    }

    /// Gives whole reports their names; returns a sentence for each that could not be written.
    pub(super) fn finish(self) -> Vec<String> {
        let mut complaints = Vec::new();
        for opened in self.opened {
            let written = match (opened.reporter.closed(), opened.draft) {
                (Some(kind), _) => Err(io::Error::from(kind)),
                (None, Some(draft)) => draft.publish(),
                (None, None) => Ok(()),
            };
            if let Err(error) = written {
                let name = opened.name;
                complaints.push(format!("`{name}` could not be written: {error}"));
            }
        }
        complaints
    }
}

/// Whether a path can be replaced by another file: it is none, or an ordinary one. Others, such as a pipe,
/// are written as they are.
fn is_replaceable(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

fn make_folder(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    Ok(folder)
}

/// A file that is written as the run goes.
fn lines(path: &Path, append: bool) -> io::Result<Box<dyn Write + Send>> {
    make_folder(path)?;
    let mut options = OpenOptions::new();
    options.create(true).append(append).write(!append);
    let file: File = options.truncate(!append).open(path)?;
    Ok(Box::new(file))
}

impl Draft {
    /// A file beside `path`. One of an earlier run is removed: it shall not be taken for this run's.
    fn open(path: &Path) -> io::Result<Self> {
        // A link stays one: what it points to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = make_folder(&path)?;
        let file = tempfile::Builder::new()
            .prefix(".memcase-report-")
            // As far as the umask allows: others collect reports.
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self {
            file: Arc::new(Mutex::new(Some(file))),
            path,
        })
    }

    fn publish(&self) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match file.take() {
            Some(file) => file.persist(&self.path).map(drop).map_err(io::Error::from),
            None => Ok(()),
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match file.as_mut() {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The current folder as seen from the top of the repository; nothing where that is unknown.
fn below_workspace() -> PathBuf {
    let below = || {
        let top = fs::canonicalize(std::env::var_os("GITHUB_WORKSPACE")?).ok()?;
        let here = std::env::current_dir().ok()?;
        here.strip_prefix(top).ok().map(Path::to_owned)
    };
    below().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_format_and_a_path_that_may_hold_anything() {
        assert_eq!(
            wanted("junit=a=b.xml").unwrap().to_string(),
            "junit=a=b.xml"
        );
        assert!(wanted("tap=-").unwrap().is_standard_output());
        assert!(wanted("github").unwrap().path.is_none());
        for (text, says) in [
            ("junit", "`junit=PATH`"),
            ("junit=", "missing"),
            ("xml=a", "`xml` is no format"),
            ("a.xml", "no format"),
        ] {
            let error = wanted(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
