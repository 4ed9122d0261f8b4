//! From what was written to what is meant: one document into one validated `Case`.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use super::driver;
use super::duration;
use super::error::printable;
use super::marks::{Mark, Node};
use super::model::{Case, CaseId, Claim, Code, Expectation, Limits, MeasureSettings};
use super::report::{Report, key_mark, value_mark, walk};
use super::written::{
    Permission, WrittenCase, WrittenClaim, WrittenCommand, WrittenExpect, WrittenLimits,
    WrittenMeasure,
};
use crate::trace::Metric;
use crate::units::{Bytes, Per, Rate};

/// What the text of one document is lowered with.
pub(crate) struct Lower<'l, 'r> {
    pub(crate) file: &'l Path,
    pub(crate) root: &'l Node,
    pub(crate) report: &'l mut Report<'r>,
    /// Whether a file that a case names is there.
    pub(crate) exists: fn(&Path) -> bool,
}

impl Lower<'_, '_> {
    /// The case, or none where a mistake leaves it without meaning.
    pub(crate) fn case(&mut self, written: WrittenCase, id: CaseId) -> Option<Case> {
        let before = self.report.count();
        let tags = self.tags(written.tags.unwrap_or_default());
        let ignore = self.text("ignore", written.ignore);
        let limits = written.limits.unwrap_or_default();
        let settings = written.measure.unwrap_or_default();
        let command = written
            .target
            .as_ref()
            .and_then(|target| target.command.as_ref());
        let service = written.target.as_ref().is_some_and(|t| t.service.is_some());
        let measure = self.measure(&settings, command);
        let per = measure.axis().per();
        let expect = self.expectation(written.expect, per);
        if service {
            self.refuse_drivers(&settings, measure.driver);
        } else {
            self.drives(&settings, &limits, command, (&measure, expect.claim));
        }
        let limits = self.limits(&limits, per);
        let target = if let Some(target) = written.target {
            self.target(target)
        } else {
            self.missing(
                "target",
                self.root.mark,
                "is missing, so there is nothing to run",
                "add `target:`, and below it `language:` and `run:`, or `command:`, or `service:`",
            );
            None
        };
        (self.report.count() == before).then_some(())?;
        Some(Case {
            id,
            file: self.file.to_path_buf(),
            line: self.root.mark.line,
            description: written.description,
            source: written.source,
            tags,
            ignore,
            target: target?,
            expect,
            limits,
            measure,
        })
    }

    pub(crate) fn wrong(&mut self, path: &str, message: impl Into<String>, help: &str) {
        let mark = value_mark(self.root, path);
        self.add(mark, path, message.into(), help);
    }

    pub(crate) fn wrong_key(&mut self, path: &str, message: impl Into<String>, help: &str) {
        let mark = key_mark(self.root, path);
        self.add(mark, path, message.into(), help);
    }

    pub(crate) fn missing(&mut self, path: &str, mark: Mark, message: &str, help: &str) {
        if !self.report.doubts(path) {
            self.report
                .add(mark, Some(path), message, Some(help.to_owned()));
        }
    }

    pub(crate) fn add(&mut self, mark: Mark, path: &str, message: String, help: &str) {
        // `tags.1` names an element of a list to the person as `tags[1]`
        let shown = match path.rsplit_once('.') {
            Some((list, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{list}[{index}]")
            }
            _ => path.to_owned(),
        };
        self.report
            .add(mark, Some(&shown), message, Some(help.to_owned()));
    }

    fn tags(&mut self, tags: Vec<String>) -> Vec<String> {
        for (index, tag) in tags.iter().enumerate() {
            if !is_name(tag) {
                self.wrong(
                    &format!("tags.{index}"),
                    format!("`{}` cannot be a tag", printable(tag, 60)),
                    NAME_HELP,
                );
            }
        }
        tags
    }

    pub(crate) fn code(&mut self, path: &str, text: Option<String>) -> Option<Code> {
        let text = text?;
        let content = &walk(self.root, path).1.content;
        let line = content.text_line;
        if text.trim().is_empty() {
            self.wrong_key(
                path,
                "is empty",
                "write code below it, indented, after a `|`; or remove the key",
            );
        } else if content.joined {
            let key = path.rsplit('.').next().unwrap_or(path);
            self.wrong(
                path,
                "stands on several lines, and YAML joins them into one",
                &format!("write `{key}: |` and the code below it, indented; that keeps the lines"),
            );
        }
        Some(Code { text, line })
    }

    pub(crate) fn text(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = text?;
        if text.trim().is_empty() {
            self.wrong_key(path, "is empty", "give it a value or remove the key");
            return None;
        }
        Some(text)
    }

    fn expectation(&mut self, written: Option<WrittenExpect>, per: Per) -> Expectation {
        let table = match written {
            None => return Expectation::default(),
            Some(WrittenExpect::Word(claim)) => {
                return Expectation {
                    claim,
                    ..Expectation::default()
                };
            }
            Some(WrittenExpect::Table(table)) => *table,
        };
        let WrittenClaim {
            stable,
            leak,
            spike,
            cyclic_garbage,
        } = table;
        let claims: Vec<Claim> = [
            (Claim::Stable, stable.is_some()),
            (Claim::Leak, leak.is_some()),
            (Claim::Spike, spike.is_some()),
        ]
        .into_iter()
        .filter_map(|(claim, present)| present.then_some(claim))
        .collect();
        if claims.len() > 1 {
            self.wrong_key(
                "expect",
                "makes more than one claim",
                "keep one of `stable`, `leak` and `spike`",
            );
        }
        Expectation {
            claim: claims.first().copied().unwrap_or_default(),
            slope: leak
                .and_then(|leak| leak.slope)
                .and_then(|range| self.range(&range, per)),
            cyclic_garbage_allowed: cyclic_garbage == Some(Permission::Allowed),
        }
    }

    fn range(&mut self, text: &str, per: Per) -> Option<(Rate, Rate)> {
        const PATH: &str = "expect.leak.slope";
        const HELP: &str = "write the lowest and the highest growth: `slope: 1 KiB..2 KiB`";
        let Some((low, high)) = text.split_once("..") else {
            self.wrong(
                PATH,
                format!("`{}` is not a range", printable(text, 60)),
                HELP,
            );
            return None;
        };
        let low = self.rate(PATH, low, HELP, per)?;
        let high = self.rate(PATH, high, HELP, per)?;
        if low.bytes < 0.0 || low.bytes >= high.bytes {
            self.wrong(PATH, "does not run from a lower to a higher growth", HELP);
            return None;
        }
        Some((low, high))
    }

    fn parsed<T, E: Display>(&mut self, path: &str, parsed: Result<T, E>, help: &str) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                let said = error.to_string();
                // the first half says what is wrong, the second what to write
                let message = said
                    .split_once("; ")
                    .map_or(said.as_str(), |(first, _)| first);
                self.wrong(path, message, help);
                None
            }
        }
    }

    /// A rate that is counted as the case is measured.
    fn rate(&mut self, path: &str, text: &str, help: &str, per: Per) -> Option<Rate> {
        let rate = self.parsed(path, Rate::parse(&printable(text, 60), per), help)?;
        if rate.per != per {
            let (found, needed) = (rate.per.symbol(), per.symbol());
            self.wrong(
                path,
                format!("is counted by `/{found}`, and the case is measured by `/{needed}`"),
                &format!("write `/{needed}`, or nothing, behind the number and its unit"),
            );
            return None;
        }
        Some(rate)
    }

    fn bytes(&mut self, path: &str, text: Option<&str>) -> Option<Bytes> {
        self.parsed(
            path,
            printable(text?, 60).parse(),
            "write a number and a unit: `512 MiB`, `64 KiB`, `10 MB`",
        )
    }

    fn duration(&mut self, path: &str, text: Option<&str>) -> Option<Duration> {
        match duration::parse(text?) {
            Ok(duration) => Some(duration),
            Err(message) => {
                self.wrong(
                    path,
                    message,
                    "write a number and a unit: `500 ms`, `60 s`, `2 min`, `1 h`",
                );
                None
            }
        }
    }

    /// A cap below what any program needs to start would only ever say that it is too small.
    fn memory(&mut self, text: Option<&str>) -> Option<Bytes> {
        const PATH: &str = "limits.memory";
        let text = text?;
        let bytes = self.bytes(PATH, Some(text))?;
        if bytes.0 < 1 << 20 {
            self.wrong(
                PATH,
                format!("`{}` is less than any program needs", printable(text, 60)),
                "write at least `1 MiB`; an interpreter alone takes 10 to 60 MiB",
            );
            return None;
        }
        Some(bytes)
    }

    fn limits(&mut self, written: &WrittenLimits, per: Per) -> Limits {
        const SLOPE: &str = "limits.slope";
        let help = match per {
            Per::Iteration => "write a growth in one iteration: `64 B`, `1 KiB`",
            Per::Second => "write a growth in one second: `1 KiB/s`",
            Per::Line => "write a growth by line of progress: `64 B/line`",
        };
        let mut slope = written
            .slope
            .as_deref()
            .and_then(|text| self.rate(SLOPE, text, help, per));
        if slope.is_some_and(|slope| slope.bytes < 0.0) {
            self.wrong(SLOPE, "cannot be negative", help);
            slope = None;
        }
        Limits {
            slope,
            peak: self.bytes("limits.peak", written.peak.as_deref()),
            spike: self.bytes("limits.spike", written.spike.as_deref()),
            memory: self.memory(written.memory.as_deref()),
            garbage: self.bytes("limits.garbage", written.garbage.as_deref()),
            fds: written.fds,
            threads: written.threads,
            children: written.children,
            timeout: self.duration("limits.timeout", written.timeout.as_deref()),
        }
    }

    fn measure(
        &mut self,
        written: &WrittenMeasure,
        command: Option<&WrittenCommand>,
    ) -> MeasureSettings {
        if let Some(metric @ (Metric::Pss | Metric::Swap)) = written.metric {
            self.wrong(
                "measure.metric",
                format!("`{}` is read too rarely to decide", metric.name()),
                "it is in the traces; let `live` or `anon` decide",
            );
        }
        MeasureSettings {
            processes: written.processes,
            iterations: written.iterations,
            time: self.duration("measure.time", written.time.as_deref()),
            metric: written.metric,
            collect: written.collect,
            trim: written.trim,
            batch: written.batch,
            driver: driver::of(written, command),
            progress: written.progress.clone(),
            children: written.children,
            disturbed: written.disturbed == Some(Permission::Allowed),
        }
    }
}

/// What a name may be made of.
pub(crate) const NAME_HELP: &str =
    "use up to 100 letters, digits, `-`, `_`, `.` and `+`, beginning with a letter or a digit";

/// Whether a text can be a part of a case's id, or a tag.
pub fn is_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
}
