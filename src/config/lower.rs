//! From what was written to what is meant: values with their units, filters, profiles that inherit.

use std::time::Duration;

use super::key::Key;
use super::model::{Config, DEFAULT_PROFILE, Group, Override, Place, Profile, Settings};
use super::value::{MaxFail, Value};
use super::written::{WrittenBudget, WrittenConfig, WrittenGroup, WrittenOverride, WrittenProfile};
use crate::case::{
    Mark, Node, Report, WrittenLimits, key_mark, nearest, parse_duration, printable, value_mark,
};
use crate::filter::Filter;
use crate::units::{Bytes, Per, Rate};

/// The configuration; what is wrong is told to the report and left out.
pub(super) fn lower(written: WrittenConfig, root: &Node, report: &mut Report<'_>) -> Config {
    let mut lower = Lower { root, report };
    let mut config = Config::default();
    for (name, group) in written.groups.unwrap_or_default() {
        if let Some(group) = lower.group(&name, &group) {
            config.groups.insert(name, group);
        }
    }
    for (name, profile) in written.profile.unwrap_or_default() {
        if !lower.name("profile", &name) {
            continue;
        }
        let profile = lower.profile(&name, profile, &config);
        let own = config.profiles.entry(name).or_default();
        own.inherits = profile.inherits.or_else(|| own.inherits.take());
        own.settings.extend(profile.settings);
        own.overrides = profile.overrides;
    }
    lower.inheritance(&config);
    config
}

struct Lower<'l, 'r> {
    root: &'l Node,
    report: &'l mut Report<'r>,
}

const BYTES: &str = "write a number and a unit: `\"512 MiB\"`, `\"64 KiB\"`, `\"10 MB\"`";
const SPAN: &str = "write a number and a unit: `\"500 ms\"`, `\"60 s\"`, `\"2 min\"`, `\"1 h\"`";
const SLOPE: &str = "write a growth: `\"64 B\"` in one iteration, `\"1 KiB/s\"`, `\"64 B/line\"`";

impl Lower<'_, '_> {
    fn wrong(&mut self, path: &str, message: impl Into<String>, help: &str) {
        let mark = value_mark(self.root, path);
        self.add(mark, path, message, help);
    }

    fn add(&mut self, mark: Mark, path: &str, message: impl Into<String>, help: &str) {
        let shown = shown(path);
        self.report
            .add(mark, Some(&shown), message, help.to_owned());
    }

    fn place(&self, path: &str) -> Place {
        let Mark { line, column, .. } = value_mark(self.root, path);
        Place { line, column }
    }

    /// Whether a profile or a group may be called so.
    fn name(&mut self, table: &str, name: &str) -> bool {
        let good = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
        let is_good = !name.is_empty() && name.len() <= 100 && name.chars().all(good);
        if !is_good {
            let path = format!("{table}.{}", printable(name, 60));
            let mark = key_mark(self.root, &path);
            let message = format!("`{}` cannot be a name", printable(name, 60));
            self.add(mark, &path, message, "use letters, digits, `-` and `_`");
        }
        is_good
    }

    fn group(&mut self, name: &str, group: &WrittenGroup) -> Option<Group> {
        if !self.name("groups", name) {
            return None;
        }
        let path = format!("groups.{name}");
        if group.max_threads.is_none() && !self.report.doubts(&format!("{path}.max-threads")) {
            let mark = key_mark(self.root, &path);
            let message = "does not say how many of its cases run at the same time";
            self.add(mark, &path, message, "write `max-threads = 1`");
        }
        Some(Group {
            max_threads: group.max_threads? as usize,
        })
    }

    fn profile(&mut self, name: &str, written: WrittenProfile, config: &Config) -> Profile {
        let path = format!("profile.{name}");
        let mut settings = self.of_cases(&path, written.limits, written.measure, written.retries);
        let max_fail = self.max_fail(&path, written.max_fail, written.fail_fast);
        for (key, value) in [
            (Key::Mode, written.mode.map(Value::Mode)),
            (Key::TestThreads, written.test_threads.map(Value::Count)),
            (Key::NoTests, written.no_tests.map(Value::NoTests)),
            (
                Key::Inconclusive,
                written.inconclusive.map(Value::Inconclusive),
            ),
            (Key::RunIgnored, written.run_ignored.map(Value::RunIgnored)),
        ] {
            self.put(&mut settings, key, value, &format!("{path}.{key}"));
        }
        if let Some((value, key)) = max_fail {
            let value = Some(Value::MaxFail(value));
            self.put(&mut settings, Key::MaxFail, value, &format!("{path}.{key}"));
        }
        let overrides = written
            .overrides
            .unwrap_or_default()
            .into_iter()
            .enumerate();
        let overrides = overrides
            .filter_map(|(k, one)| self.one(&format!("{path}.overrides.{k}"), one, config))
            .collect();
        Profile {
            inherits: written.inherits,
            settings,
            overrides,
        }
    }

    fn put(&self, settings: &mut Settings, key: Key, value: Option<Value>, path: &str) {
        if let Some(value) = value {
            settings.insert(key, (value, self.place(path)));
        }
    }

    fn max_fail(
        &mut self,
        path: &str,
        written: Option<serde_json::Value>,
        fail_fast: Option<bool>,
    ) -> Option<(MaxFail, &'static str)> {
        let key = format!("{path}.max-fail");
        match (written, fail_fast) {
            (Some(_), Some(_)) => {
                let message = "stands beside `fail-fast`, which says the same";
                self.wrong(&key, message, "keep one of the two");
                None
            }
            (None, Some(true)) => Some((MaxFail::FIRST, "fail-fast")),
            (None, Some(false)) => Some((MaxFail::ALL, "fail-fast")),
            (None, None) => None,
            (Some(written), None) => {
                let text = written
                    .as_str()
                    .map_or_else(|| written.to_string(), str::to_owned);
                let Ok(max_fail) = MaxFail::parse(&text) else {
                    let message = format!("`{}` is no count of failures", printable(&text, 40));
                    let help = "write `1`, `\"1:immediate\"` or `\"all\"`";
                    self.wrong(&key, message, help);
                    return None;
                };
                Some((max_fail, "max-fail"))
            }
        }
    }

    fn one(&mut self, path: &str, written: WrittenOverride, config: &Config) -> Option<Override> {
        let mut settings = self.of_cases(path, written.limits, written.measure, written.retries);
        if let Some(group) = written.group {
            let path = format!("{path}.group");
            if config.groups.contains_key(&group) {
                self.put(&mut settings, Key::Group, Some(Value::Word(group)), &path);
            } else if !self.report.doubts(&format!("groups.{group}.max-threads")) {
                let names: Vec<&str> = config.groups.keys().map(String::as_str).collect();
                let help = match nearest(&group, &names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("write `[groups.{group}]` and below it `max-threads = 1`"),
                };
                let message = format!("there is no group `{}`", printable(&group, 60));
                self.wrong(&path, message, &help);
            }
        }
        let path = format!("{path}.filter");
        let Some(text) = written.filter else {
            if !self.report.doubts(&shown(&path)) {
                let message = "is missing, so that no case is meant";
                self.wrong(&path, message, "write for example `filter = \"tag(slow)\"`");
            }
            return None;
        };
        let filter = self.filter(&path, &text)?;
        Some(Override { filter, settings })
    }

    /// A filter; its mistakes are shown within the text, where that stands as it is on one line.
    fn filter(&mut self, path: &str, text: &str) -> Option<Filter> {
        match Filter::parse(text) {
            Ok(filter) => Some(filter),
            Err(error) => {
                let mut mark = value_mark(self.root, path);
                if mark.width == text.chars().count() + 2 {
                    let chars = |part: Option<&str>| part.unwrap_or_default().chars().count();
                    mark.column += 1 + chars(text.get(..error.at));
                    mark.width = chars(text.get(error.at..error.at + error.length)).max(1);
                }
                self.add(mark, path, error.message, &error.help);
                None
            }
        }
    }

    /// What may be said of some cases as well as of all.
    fn of_cases(
        &mut self,
        path: &str,
        limits: Option<WrittenLimits>,
        measure: Option<WrittenBudget>,
        retries: Option<u64>,
    ) -> Settings {
        let mut settings = Settings::new();
        let limits = limits.unwrap_or_default();
        let measure = measure.unwrap_or_default();
        for (key, value) in [
            (Key::Retries, retries),
            (Key::Processes, measure.processes),
            (Key::Iterations, measure.iterations),
            (Key::Fds, limits.fds),
            (Key::Threads, limits.threads),
            (Key::Children, limits.children),
        ] {
            let value = value.map(Value::Count);
            self.put(&mut settings, key, value, &format!("{path}.{key}"));
        }
        for (key, text) in [(Key::Time, measure.time), (Key::Timeout, limits.timeout)] {
            let path = format!("{path}.{key}");
            let value = self.span(&path, text.as_deref()).map(Value::Span);
            self.put(&mut settings, key, value, &path);
        }
        for (key, text) in [
            (Key::Peak, limits.peak),
            (Key::Spike, limits.spike),
            (Key::Memory, limits.memory),
            (Key::Garbage, limits.garbage),
        ] {
            let path = format!("{path}.{key}");
            let value = self.bytes(&path, key, text.as_deref()).map(Value::Bytes);
            self.put(&mut settings, key, value, &path);
        }
        let path = format!("{path}.{}", Key::Slope);
        let slope = self.slope(&path, limits.slope.as_deref()).map(Value::Rate);
        self.put(&mut settings, Key::Slope, slope, &path);
        settings
    }

    fn span(&mut self, path: &str, text: Option<&str>) -> Option<Duration> {
        let parsed = parse_duration(&printable(text?, 60));
        parsed
            .map_err(|message| self.wrong(path, message, SPAN))
            .ok()
    }

    fn bytes(&mut self, path: &str, key: Key, text: Option<&str>) -> Option<Bytes> {
        let text = printable(text?, 60);
        match text.parse::<Bytes>() {
            Ok(bytes) if key == Key::Memory && bytes.0 < 1 << 20 => {
                let message = format!("`{text}` is less than any program needs");
                self.wrong(path, message, "write at least `\"1 MiB\"`");
                None
            }
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.wrong(path, first_half(&error.to_string()), BYTES);
                None
            }
        }
    }

    fn slope(&mut self, path: &str, text: Option<&str>) -> Option<Rate> {
        match Rate::parse(&printable(text?, 60), Per::Iteration) {
            Ok(rate) if rate.bytes < 0.0 => {
                self.wrong(path, "cannot be negative", SLOPE);
                None
            }
            Ok(rate) => Some(rate),
            Err(error) => {
                self.wrong(path, first_half(&error.to_string()), SLOPE);
                None
            }
        }
    }

    /// Each profile inherits from one that is there, and none from itself.
    fn inheritance(&mut self, config: &Config) {
        let names: Vec<&str> = config.profiles.keys().map(String::as_str).collect();
        for (name, profile) in &config.profiles {
            let path = format!("profile.{name}.inherits");
            let Some(parent) = &profile.inherits else {
                continue;
            };
            if name == DEFAULT_PROFILE {
                let message = "the profile `default` inherits from none";
                self.wrong(&path, message, "remove the key: all others inherit from it");
                continue;
            }
            if !config.profiles.contains_key(parent) {
                let help = match nearest(parent, &names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are `{}`", names.join("`, `")),
                };
                let message = format!("there is no profile `{}`", printable(parent, 60));
                self.wrong(&path, message, &help);
                continue;
            }
            let mut above = Some(parent);
            let mut steps = 0;
            while let Some(next) = above.filter(|next| {
                // That `default` inherits is a mistake of its own.
                *next != name && *next != DEFAULT_PROFILE && steps <= names.len()
            }) {
                above = config
                    .profiles
                    .get(next)
                    .and_then(|one| one.inherits.as_ref());
                steps += 1;
            }
            if above == Some(name) {
                let message = format!("`{name}` inherits from itself in the end");
                self.wrong(&path, message, "remove one of the `inherits`");
            }
        }
    }
}

/// What is wrong; the second half of a message says what to write, which stands in the help.
fn first_half(said: &str) -> String {
    said.split_once("; ")
        .map_or(said, |(first, _)| first)
        .to_owned()
}

/// A path as people read it: `profile.ci.overrides[0].filter`.
fn shown(path: &str) -> String {
    let mut text = String::new();
    for (k, part) in path.split('.').enumerate() {
        if k > 0 && part.bytes().all(|byte| byte.is_ascii_digit()) && text.ends_with("overrides") {
            text.extend(["[", part, "]"]);
        } else {
            text += if k > 0 { "." } else { "" };
            text += part;
        }
    }
    text
}
