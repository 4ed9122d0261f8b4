//! Records a program into a file, line by line, and counts up what it comes to.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::bytes::Regex;
use thiserror::Error;

use super::artifacts::Artifacts;
use crate::analysis::{Counted, Tally};
use crate::measure::machine;
use crate::measure::process::Exit;
use crate::measure::record::{self, Options, RecordError, Row, Seen, end_as};
use crate::report::{RecordReport, record_line};
use crate::trace::{
    Axis, CaseLimits, Driver, Ending, Environment, Header, Metric, Recording, Rows,
};

/// Values of the sum that the live line may draw.
const CURVE: usize = 24;
/// Names that are tried for a file in the folder of records.
const NAMES: u32 = 100_000;

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Between two samples.
    pub interval: Duration,
    /// The file; else one in the folder of artifacts.
    pub file: Option<PathBuf>,
    /// What lines of output look like that begin a phase.
    pub marker: Option<Regex>,
    /// The limit that is asked about.
    pub limit: Option<u64>,
    /// Whether a line is shown on the terminal.
    pub live: bool,
}

/// A record that was made.
#[derive(Debug)]
pub struct Kept {
    /// What it came to.
    pub report: RecordReport,
    /// How the program ended.
    pub exit: Exit,
    /// Why the file is not complete.
    pub incomplete: Option<String>,
}

/// Why there is no record.
#[derive(Debug, Error)]
pub enum Unrecorded {
    /// The file could not be made; nothing was started.
    #[error("`{path}` could not be written: {error}; name another file by `-o FILE`")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The program could not be started or read.
    #[error(transparent)]
    Program(#[from] RecordError),
}

/// Runs the program, and keeps what is seen of it.
pub fn record_to_file(request: &Request) -> Result<Kept, Unrecorded> {
    let (path, file) = open(request)?;
    let fail = |error| Unrecorded::File {
        path: path.display().to_string(),
        error,
    };
    let rows = Rows::begin(Whole::new(file), &header(request));
    let rows = rows.and_then(|mut rows| rows.flush().map(|()| rows));
    let mut keeper = Keeper {
        rows: rows.map_err(fail)?,
        failed: None,
        tally: Tally::new(request.limit),
        curve: Vec::new(),
    };
    let options = Options {
        argv: request.argv.clone(),
        interval: request.interval,
        marker: request.marker.clone(),
        live: request.live,
    };
    let recorded = match record::record(&options, &mut |seen| keeper.keep(&seen)) {
        Ok(recorded) => recorded,
        Err(error) => {
            // There is nothing in it.
            if request.file.is_none() {
                let _ = std::fs::remove_file(&path);
            }
            return Err(error.into());
        }
    };
    let ending = Ending {
        reason: recorded.reason,
        iterations: recorded.time.as_millis() as u64,
        exit: recorded.exit.to_string(),
        micros: recorded.time.as_micros() as u64,
        limits: CaseLimits {
            memory: request.limit,
            peak: None,
        },
        ..Ending::default()
    };
    keeper.written(|rows| rows.end(&ending).and_then(|()| rows.flush()));
    let report = RecordReport {
        kind: "record",
        command: words(&request.argv),
        file: keeper.failed.is_none().then(|| path.display().to_string()),
        exit: recorded.exit.to_string(),
        code: match recorded.exit {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        },
        seconds: recorded.time.as_secs_f64(),
        interval: request.interval.as_millis() as u64,
        tally: keeper.tally,
        left: recorded.left,
        processor: recorded.used.as_secs_f64(),
        own_processor: recorded.own.as_secs_f64(),
    };
    let incomplete = keeper.failed.map(|error| {
        format!(
            "`{}` is not complete: {error}; what was written before can be read",
            path.display()
        )
    });
    Ok(Kept {
        report,
        exit: recorded.exit,
        incomplete,
    })
}

/// Ends this process as the program ended; comes back with a code where that is not by a signal.
pub fn pass_on(exit: Exit) -> i32 {
    end_as(exit)
}

/// A file that ends with a whole line even where the disk is full.
struct Whole {
    file: File,
    /// What is not yet written.
    waiting: Vec<u8>,
    /// Bytes that are.
    length: u64,
}

impl Whole {
    fn new(file: File) -> Self {
        Self {
            file,
            waiting: Vec::new(),
            length: 0,
        }
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// All that waits, or nothing of it.
    fn flush(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let written = self.file.write_all(&waiting);
        if written.is_ok() {
            self.length += waiting.len() as u64;
        } else {
            // A pipe or a device can not be cut, and has nobody who reads it later.
            let _ = self.file.set_len(self.length);
        }
        written
    }
}

struct Keeper {
    rows: Rows<Whole>,
    failed: Option<io::Error>,
    tally: Tally,
    curve: Vec<u64>,
}

impl Keeper {
    fn keep(&mut self, seen: &Seen<'_>) -> Option<String> {
        match *seen {
            Seen::Process(part) => {
                self.tally.process(part);
                self.written(|rows| rows.process(part));
                None
            }
            Seen::Phase(phase) => {
                self.tally.phase(phase);
                self.written(|rows| rows.phase(phase).and_then(|()| rows.flush()));
                None
            }
            Seen::Row(row, width) => {
                self.count(row);
                self.written(|rows| {
                    rows.sample(&row.sample, &row.each)?;
                    rows.flush()
                });
                let held = row.get(Metric::Pss).filter(|_| width > 0)?;
                Some(self.line(row.sample.at, held, width))
            }
        }
    }

    fn count(&mut self, row: &Row) {
        self.tally.sample(&Counted {
            at: row.sample.at,
            sum: row.get(Metric::Pss),
            peak: row.get(Metric::Peak).unwrap_or(0),
            at_most: row.at_most,
            charged: row.charged,
            charged_at_most: row.charged_at_most,
            each: &row.each,
        });
    }

    fn line(&mut self, at: u64, now: u64, width: usize) -> String {
        self.curve.push(now);
        let excess = self.curve.len().saturating_sub(CURVE);
        self.curve.drain(..excess);
        record_line(&self.tally, at, now, &self.curve, width)
    }

    /// Writes, as long as that goes well: the program is not to suffer from a full disk.
    fn written(&mut self, write: impl FnOnce(&mut Rows<Whole>) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = write(&mut self.rows).err();
        }
    }
}

fn header(request: &Request) -> Header {
    let command = words(&request.argv);
    let machine = machine::environment();
    Header {
        case: name(&request.argv),
        process: 1,
        axis: Axis::Seconds,
        driver: Driver::Clock,
        anon_granularity: machine.page,
        environment: Environment {
            runtime: command.first().cloned().unwrap_or_default(),
            ..machine
        },
        recording: Some(Recording {
            command,
            interval: request.interval.as_millis() as u64,
            started: machine::now(),
            marker: request.marker.as_ref().map(ToString::to_string),
        }),
        ..Header::default()
    }
}

fn words(argv: &[OsString]) -> Vec<String> {
    argv.iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// What the program is called: its file, and that of its script.
fn name(argv: &[OsString]) -> String {
    let base = |word: &OsString| {
        let name = Path::new(word).file_name().unwrap_or(OsStr::new("program"));
        let letter = |c: char| {
            if c.is_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        };
        let name: String = name
            .to_string_lossy()
            .chars()
            .map(letter)
            .take(40)
            .collect();
        name
    };
    let script = argv.get(1).filter(|word| {
        !word.to_string_lossy().starts_with('-') && Path::new(word).extension().is_some()
    });
    argv.iter()
        .take(1)
        .chain(script)
        .map(base)
        .collect::<Vec<_>>()
        .join("-")
}

/// The file that is named, or a new one among the records.
fn open(request: &Request) -> Result<(PathBuf, File), Unrecorded> {
    let fail = |path: &Path, error| Unrecorded::File {
        path: path.display().to_string(),
        error,
    };
    let mut how = OpenOptions::new();
    how.write(true).mode(0o600);
    if let Some(path) = &request.file {
        let file = how.create(true).truncate(true).open(path);
        return Ok((path.clone(), file.map_err(|error| fail(path, error))?));
    }
    let folder = Artifacts::place().join("records");
    let made = Artifacts::open(Artifacts::place()).and_then(|_| {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
    });
    made.map_err(|error| fail(&folder, error))?;
    let name = name(&request.argv);
    for number in 1..NAMES {
        let path = folder.join(format!("{name}-{number}.jsonl"));
        match how.create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(fail(&path, error)),
        }
    }
    Err(fail(&folder, io::ErrorKind::AlreadyExists.into()))
}
