//! What a record tells: a line while it runs, and a summary when it has ended.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::text::{duration, iterations, printable, sparkline};
use crate::analysis::{Highest, PhaseTally, Tally};
use crate::units::{Bytes, three_digits};

/// Phases and processes that are listed.
const LISTED: usize = 12;
/// Characters of a command and of a phase that are shown.
const COMMAND: usize = 60;
const NAME: usize = 28;
/// Bars of the curve in the line of a running record.
const CURVE: usize = 24;

/// What a record has come to.
#[derive(Debug, Clone, Serialize)]
pub struct RecordReport {
    /// `record`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The file with the samples; none where it could not be written.
    pub file: Option<String>,
    /// How the program ended, in words.
    pub exit: String,
    /// Its code, or 128 and the number of the signal.
    pub code: i32,
    /// Seconds that it ran.
    pub seconds: f64,
    /// Milliseconds between two samples.
    pub interval: u64,
    /// Memory.
    #[serde(flatten)]
    pub tally: Tally,
    /// Processes of it that live on.
    pub left: usize,
    /// Seconds on a processor of the program, as far as its processes were waited for, and of memcase.
    pub processor: f64,
    /// See `processor`.
    pub own_processor: f64,
}

impl RecordReport {
    /// The summary for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let tally = &self.tally;
        let _ = writeln!(
            text,
            "recorded {} of `{}`: {} sample{}, {} process{}, {}",
            duration(Duration::from_secs_f64(self.seconds)),
            shortened(&self.command.join(" "), COMMAND),
            iterations(tally.samples),
            if tally.samples == 1 { "" } else { "s" },
            iterations(tally.seen as u64),
            if tally.seen == 1 { "" } else { "es" },
            self.exit
        );
        if tally.samples == 0 {
            text.push_str("  it ended before its memory could be read\n");
            return text;
        }
        let several = tally.at_most > tally.peak.bytes + tally.peak.bytes / 100;
        let at_most = if several {
            format!(
                " (at most {}, had its processes been highest at once and shared nothing new)",
                Bytes(tally.at_most)
            )
        } else {
            String::new()
        };
        let _ = writeln!(text, "  peak  {}{at_most}", self.moment(tally.peak));
        let _ = writeln!(
            text,
            "  mean  {}, last {}",
            Bytes(tally.mean as u64),
            Bytes(tally.last)
        );
        if tally.phases.len() > 1 {
            self.list_phases(&mut text);
        }
        if tally.seen > 1 {
            self.list_processes(&mut text);
        }
        self.tell_limit(&mut text);
        if self.left > 0 {
            let (plural, verb) = if self.left == 1 {
                ("", "lives")
            } else {
                ("es", "live")
            };
            let _ = writeln!(text, "  {} process{plural} of it {verb} on", self.left);
        }
        let share = self.own_processor / self.seconds.max(1e-3) * 100.0;
        let _ = writeln!(
            text,
            "  memcase itself took {} % of a core",
            three_digits(share)
        );
        if let Some(file) = &self.file {
            let file = quoted(file);
            let _ = writeln!(text, "plot it by: memcase plot {file}");
        }
        text
    }

    /// `312 MiB at 4.2 s in phase "load"`.
    fn moment(&self, highest: Highest) -> String {
        let at = duration(Duration::from_millis(highest.at));
        let mut text = format!("{} at {at}", Bytes(highest.bytes));
        if self.tally.phases.len() > 1 {
            match self.tally.phases.get(highest.phase) {
                Some(phase) if highest.phase > 0 => {
                    let _ = write!(text, " in phase \"{}\"", shortened(&phase.name, NAME));
                }
                _ => text.push_str(" before the first phase"),
            }
        }
        text
    }

    fn list_phases(&self, text: &mut String) {
        let all = &self.tally.phases;
        let shown = most(all, |phase| phase.peak);
        let name = |place: usize, phase: &PhaseTally| match place {
            0 => "(before)".to_owned(),
            _ => shortened(&phase.name, NAME),
        };
        let width = shown.iter().map(|&k| name(k, &all[k]).chars().count());
        let width = width.max().unwrap_or(0).max(5);
        let _ = writeln!(
            text,
            "  {:<width$}  {:>9}  {:>9}  {:>9}  {:>9}",
            "phase", "from", "for", "peak", "growth"
        );
        for &k in &shown {
            let phase = &all[k];
            let until = all.get(k + 1).map_or(phase.to, |next| next.from);
            let _ = writeln!(
                text,
                "  {:<width$}  {:>9}  {:>9}  {:>9}  {:>9}",
                name(k, phase),
                duration(Duration::from_millis(phase.from)),
                duration(Duration::from_millis(until.saturating_sub(phase.from))),
                Bytes(phase.peak).to_string(),
                signed(phase.growth())
            );
        }
        left_out(text, all.len() - shown.len(), "phases, which were lower");
    }

    fn list_processes(&self, text: &mut String) {
        let by_peak = self.tally.by_peak();
        let _ = writeln!(text, "  {:>9}  {:>8}  process", "peak", "at");
        for part in by_peak.iter().take(LISTED) {
            let (peak, at) = if part.read {
                let at = duration(Duration::from_millis(part.peak.at));
                (Bytes(part.peak.bytes).to_string(), at)
            } else {
                ("not read".to_owned(), String::new())
            };
            let _ = writeln!(
                text,
                "  {peak:>9}  {at:>8}  {} {}",
                part.pid,
                shortened(&part.command, COMMAND)
            );
        }
        let rest = self.tally.seen - by_peak.len().min(LISTED);
        left_out(text, rest, "processes, which were lower");
    }

    fn tell_limit(&self, text: &mut String) {
        let Some(limit) = self.tally.limit else {
            return;
        };
        let limit = Bytes(limit);
        let (over, would, at_most) = match (&self.tally.over, &self.tally.perhaps_over) {
            (Some(over), _) => (Some(over), "would", ""),
            (None, perhaps) => (perhaps.as_ref(), "may", "at most "),
        };
        let _ = match over {
            None => writeln!(text, "  limit {limit}: it stayed below"),
            Some(over) => {
                let command = self.tally.processes.get(&over.process);
                let most = command.map_or(String::new(), |part| {
                    format!(
                        "; most was held by {} {}",
                        part.pid,
                        shortened(&part.command, COMMAND)
                    )
                });
                writeln!(
                    text,
                    "  limit {limit}: it {would} have been killed: it held {at_most}{} that can not be given up{most}",
                    self.moment(over.held)
                )
            }
        };
    }
}

/// A record while it runs, in so many columns: as many of its numbers as have room whole, and the curve where there
/// is some left.
pub fn record_line(tally: &Tally, at: u64, now: u64, curve: &[u64], width: usize) -> String {
    let running = tally.processes.values().filter(|part| part.to.is_none());
    let running = running.count();
    let phase = tally.phases.last().filter(|phase| !phase.name.is_empty());
    let parts = [
        Some(Bytes(now).to_string()),
        Some(format!("peak {}", Bytes(tally.peak.bytes))),
        (running > 1).then(|| format!("{running} processes")),
        Some(duration(Duration::from_millis(at))),
        phase.map(|phase| shortened(&phase.name, NAME)),
    ];
    // A full line would begin the next.
    let width = width.saturating_sub(1);
    let length = |text: &str| text.chars().count();
    let mut line = String::new();
    for part in parts.into_iter().flatten() {
        let comma = if line.is_empty() { "" } else { ", " };
        if length(&line) + comma.len() + length(&part) > width {
            break;
        }
        let _ = write!(line, "{comma}{part}");
    }
    let start = curve.len().saturating_sub(CURVE);
    let drawn = sparkline(&curve[start..], CURVE, 0.0);
    if line.is_empty() || length(&line) + 1 + length(&drawn) > width {
        return line;
    }
    format!("{drawn} {line}")
}

/// The places of those that are highest, in their order.
fn most<T>(all: &[T], height: impl Fn(&T) -> u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..all.len()).collect();
    places.sort_by_key(|&k| std::cmp::Reverse(height(&all[k])));
    places.truncate(LISTED);
    places.sort_unstable();
    places
}

fn left_out(text: &mut String, count: usize, what: &str) {
    if count > 0 {
        let _ = writeln!(text, "  and {} more {what}", iterations(count as u64));
    }
}

fn signed(bytes: i64) -> String {
    let sign = match bytes {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", Bytes(bytes.unsigned_abs()))
}

/// One line of at most so many characters.
fn shortened(text: &str, most: usize) -> String {
    let line = printable(text).replace(['\n', '\t'], " ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most - 1).chain(['…']).collect()
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
