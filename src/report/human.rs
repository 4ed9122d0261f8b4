//! The report for people: libtest's lines with the verdict beside each, the bars above.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::baseline;
use super::event::{CaseReport, Event, Summary};
use super::explain::headline;
use super::transcript::{Piece, Transcript};
use super::{Live, Reporter, why};
use crate::config::Inconclusive;
use crate::outcome::OutcomeKind;

/// How the report is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// One character a case instead of one line.
    pub terse: bool,
    /// Whether words are coloured.
    pub colour: bool,
}

/// Prints libtest's lines with the verdict beside each.
pub struct Human {
    layout: Layout,
    live: Option<Live>,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    closed: Option<std::io::ErrorKind>,
    transcript: Transcript,
    /// Lines of cases that have ended and whose libtest line is still to come.
    ended: BTreeMap<String, (OutcomeKind, String)>,
    /// Marks of the terse format that stand for libtest's `F`.
    marks: VecDeque<OutcomeKind>,
    summary: Summary,
    inconclusive: Inconclusive,
    /// Why cases that libtest calls ignored are not run.
    ignored: BTreeMap<String, String>,
    baselines: baseline::Notices,
    /// Explanations of cases whose failure is not told, as they did not fail.
    explained: String,
}

impl Human {
    /// Prints to `out`, and to `err` what a person should see while it is built. Bars, if
    /// there are any, are taken away while a line is printed.
    pub fn new(
        layout: Layout,
        live: Option<Live>,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            layout,
            live,
            state: Mutex::new(State {
                out,
                err,
                closed: None,
                transcript: Transcript::new(layout.terse),
                ended: BTreeMap::new(),
                marks: VecDeque::new(),
                summary: Summary::default(),
                inconclusive: Inconclusive::default(),
                ignored: BTreeMap::new(),
                baselines: baseline::Notices::default(),
                explained: String::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, report: &CaseReport) {
        let mut state = self.lock();
        state.summary.count(report);
        state.baselines.add(report);
        if report.outcome == OutcomeKind::Passed && report.why.is_some() {
            let explained = format!("\n---- {} ----\n{}", report.id, why::alone(report));
            state.explained.push_str(&explained);
        }
        match report.outcome {
            OutcomeKind::Passed | OutcomeKind::Skipped => {}
            OutcomeKind::Inconclusive if state.inconclusive == Inconclusive::Pass => {}
            other => state.marks.push_back(other),
        }
        let (label, figures) = headline(report);
        let mut line = if label.is_empty() {
            figures
        } else {
            format!("{label:<15}  {figures}")
        };
        if report.flaky {
            line = format!("flaky, try {}  {line}", report.attempts.len());
        }
        state
            .ended
            .insert(report.id.clone(), (report.outcome, line));
    }

    fn print(&self, state: &mut State, text: &str) {
        if text.is_empty() || state.closed.is_some() {
            return;
        }
        let mut write = || {
            state.out.write_all(text.as_bytes())?;
            state.out.flush()
        };
        let written = match &self.live {
            Some(live) => live.suspend(write),
            None => write(),
        };
        if let Err(error) = written {
            state.closed = Some(error.kind());
        }
    }
}

impl Reporter for Human {
    fn event(&self, event: &Event) {
        if let Some(live) = &self.live {
            live.event(event);
        } else if let Event::EnvBuilding { id, message } = event {
            let line = format!("{id}: {}\n", super::text::printable(message));
            // A sign of life that cannot be shown is no reason to stop.
            let _ = self.lock().err.write_all(line.as_bytes());
        }
        match event {
            Event::Case(report) => self.ended(report),
            Event::CaseTried {
                id,
                attempt,
                of,
                result,
            } if !self.layout.terse => {
                let what = format!("try {attempt} of {of}");
                let (word, colour) = word(result.outcome);
                let word = paint(self.layout, colour, word);
                let reason = super::text::printable(&result.reason);
                self.print(
                    &mut self.lock(),
                    &format!("{what} {id} ... {word}: {reason}\n"),
                );
            }
            Event::RunStarted {
                ignored,
                stress,
                inconclusive,
                ..
            } => {
                let mut state = self.lock();
                state.transcript = Transcript::new(self.layout.terse);
                state.summary = Summary::default();
                state.ignored.clone_from(ignored);
                state.inconclusive = *inconclusive;
                if let (run, of @ 2..) = *stress {
                    self.print(&mut state, &format!("\nrun {run} of {of}\n"));
                }
            }
            _ => {}
        }
    }

    fn libtest(&self, bytes: &[u8]) {
        let mut state = self.lock();
        let mut transcript = std::mem::take(&mut state.transcript);
        let mut text = String::new();
        transcript.feed(bytes, |piece| {
            render(self.layout, &mut state, &piece, &mut text);
        });
        state.transcript = transcript;
        self.print(&mut state, &text);
    }

    fn closed(&self) -> Option<std::io::ErrorKind> {
        self.lock().closed
    }
}

const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";

fn paint(layout: Layout, colour: &str, word: &str) -> String {
    if layout.colour {
        format!("\u{1b}[{colour}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}

/// The word that stands in libtest's place, and its colour.
fn word(outcome: OutcomeKind) -> (&'static str, &'static str) {
    match outcome {
        OutcomeKind::Passed => ("ok", GREEN),
        OutcomeKind::Failed => ("FAILED", RED),
        OutcomeKind::Inconclusive => ("inconclusive", YELLOW),
        OutcomeKind::Broken => ("BROKEN", RED),
        OutcomeKind::Skipped => ("ignored", YELLOW),
    }
}

fn render(layout: Layout, state: &mut State, piece: &Piece<'_>, text: &mut String) {
    match piece {
        Piece::Plain(line) | Piece::Title(line) => {
            text.push_str(line);
            text.push('\n');
        }
        Piece::Test {
            padded,
            id,
            word: theirs,
        } => {
            let _ = write!(text, "test {padded} ... ");
            match state.ended.remove(*id) {
                Some((outcome, line)) if outcome != OutcomeKind::Skipped => {
                    let (word, colour) = word(outcome);
                    let gap = " ".repeat(7usize.saturating_sub(word.len()));
                    let _ = write!(text, "{}{gap} {line}", paint(layout, colour, word));
                    text.truncate(text.trim_end().len());
                }
                _ => {
                    text.push_str(&paint(layout, YELLOW, theirs));
                    if let Some(reason) = state.ignored.get(*id) {
                        let _ = write!(text, ", {}", super::text::printable(reason));
                    }
                }
            }
            text.push('\n');
        }
        Piece::Mark(mark) => text.push_str(&mark_of(layout, state, *mark)),
        Piece::Result { word, rest } => {
            if !state.explained.is_empty() {
                let explained = std::mem::take(&mut state.explained);
                let _ = writeln!(text, "explained:\n{explained}");
            }
            *text += &state.baselines.text();
            if let Some(line) = counts(&state.summary, state.inconclusive) {
                *text += &line;
            }
            let (word, colour) = match *word {
                // libtest counts what was not run as no fault.
                "ok" if state.summary.skipped > 0 => ("interrupted", YELLOW),
                "ok" => ("ok", GREEN),
                word => (word, RED),
            };
            let _ = writeln!(text, "test result: {}{rest}", paint(layout, colour, word));
        }
    }
}

fn mark_of(layout: Layout, state: &mut State, mark: char) -> String {
    match mark {
        '.' => paint(layout, GREEN, "."),
        'F' => match state.marks.pop_front() {
            Some(OutcomeKind::Inconclusive) => paint(layout, YELLOW, "?"),
            Some(OutcomeKind::Broken) => paint(layout, RED, "B"),
            _ => paint(layout, RED, "F"),
        },
        other => paint(layout, YELLOW, &other.to_string()),
    }
}

/// libtest knows only passed and failed: what it counts as one of them, told apart.
fn counts(summary: &Summary, inconclusive: Inconclusive) -> Option<String> {
    let mut text = String::new();
    if summary.flaky > 0 {
        let _ = writeln!(
            text,
            "flaky: {} (failed, and passed when tried again; counted as passed below)",
            summary.flaky
        );
    }
    if summary.inconclusive + summary.broken > 0 {
        let below = match inconclusive {
            Inconclusive::Pass => "the inconclusive counted as passed below, the others as failed",
            Inconclusive::Exit3 | Inconclusive::Fail => "all counted as failed below",
        };
        let _ = writeln!(
            text,
            "not as claimed: {}; inconclusive: {}; broken: {} ({below})",
            summary.failed, summary.inconclusive, summary.broken
        );
    }
    (!text.is_empty()).then_some(text)
}
