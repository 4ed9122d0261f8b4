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
                " (at most {}, had its processes been highest at once)",
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
            let _ = writeln!(
                text,
                "  {:>9}  {:>8}  {} {}",
                Bytes(part.peak.bytes).to_string(),
                duration(Duration::from_millis(part.peak.at)),
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
        let _ = match &self.tally.over {
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
                    "  limit {limit}: it would have been killed: it held {} that can not be given up{most}",
                    self.moment(over.held)
                )
            }
        };
    }
}

/// A record while it runs, in so many columns.
pub fn record_line(tally: &Tally, at: u64, now: u64, curve: &[u64], width: usize) -> String {
    let start = curve.len().saturating_sub(CURVE);
    let mut line = format!(
        "{} {}, peak {}",
        sparkline(&curve[start..], CURVE, 0.0),
        Bytes(now),
        Bytes(tally.peak.bytes)
    );
    let running = tally.processes.values().filter(|part| part.to.is_none());
    let running = running.count();
    if running > 1 {
        let _ = write!(line, ", {running} processes");
    }
    let _ = write!(line, ", {}", duration(Duration::from_millis(at)));
    if let Some(phase) = tally.phases.last().filter(|phase| !phase.name.is_empty()) {
        let _ = write!(line, ", {}", shortened(&phase.name, NAME));
    }
    // A full line would begin the next.
    line.chars().take(width.saturating_sub(1)).collect()
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
mod tests {
    use super::*;
    use crate::analysis::Counted;
    use crate::trace::{Part, Phase, Share};

    fn tally() -> Tally {
        let mut tally = Tally::new(Some(100 << 20));
        for (process, command) in [(0, "python train.py"), (1, "worker")] {
            tally.process(&Part {
                process,
                pid: 40 + process,
                command: command.to_owned(),
                ..Part::default()
            });
        }
        let share = |process, pss: u64, peak: u64| Share {
            process,
            pss: pss << 20,
            peak: peak << 20,
        };
        let rows = [
            (0, 10, 10, vec![share(0, 10, 10)]),
            (100, 30, 40, vec![share(0, 10, 20), share(1, 20, 20)]),
            (200, 30, 140, vec![share(0, 10, 10), share(1, 20, 130)]),
        ];
        for (at, sum, peak, each) in rows {
            if at == 200 {
                let name = "load".to_owned();
                tally.phase(&Phase { at: 100, name });
            }
            tally.sample(&Counted {
                at,
                sum: Some(sum << 20),
                peak: peak << 20,
                at_most: peak << 20,
                charged: peak << 20,
                each: &each,
            });
        }
        tally
    }

    #[test]
    fn the_summary_says_how_high_when_in_which_phase_and_by_whom() {
        let report = RecordReport {
            kind: "record",
            command: vec!["python".to_owned(), "train.py".to_owned()],
            file: Some("a b.jsonl".to_owned()),
            exit: "exit code 0".to_owned(),
            code: 0,
            seconds: 0.25,
            interval: 100,
            tally: tally(),
            left: 1,
            processor: 0.2,
            own_processor: 0.001,
        };
        let expected = [
            "recorded 0.2 s of `python train.py`: 3 samples, 2 processes, exit code 0",
            "  peak  140 MiB at 0.2 s in phase \"load\"",
            "  mean  25.0 MiB, last 30.0 MiB",
            "  phase          from        for       peak     growth",
            "  (before)      0.0 s      0.1 s   40.0 MiB  +20.0 MiB",
            "  load          0.1 s      0.1 s    140 MiB        0 B",
            "       peak        at  process",
            "    130 MiB     0.2 s  41 worker",
            "   20.0 MiB     0.1 s  40 python train.py",
            "  limit 100 MiB: it would have been killed: it held 140 MiB at 0.2 s in phase \"load\" that can not be given up; most was held by 41 worker",
            "  1 process of it lives on",
            "  memcase itself took 0.40 % of a core",
            "plot it by: memcase plot 'a b.jsonl'",
        ];
        let text = report.text();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_live_line_fits_its_terminal() {
        let line = record_line(&tally(), 12_000, 30 << 20, &[1, 2, 3], 200);
        assert_eq!(line, "▁▅█ 30.0 MiB, peak 140 MiB, 2 processes, 12 s, load");
        assert_eq!(record_line(&tally(), 0, 0, &[], 20).chars().count(), 19);
        assert_eq!(record_line(&tally(), 0, 0, &[], 0), "");
    }

    #[test]
    fn a_path_can_be_typed_as_it_is_shown() {
        assert_eq!(quoted("a/b-1.jsonl"), "a/b-1.jsonl");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
