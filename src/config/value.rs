//! What a setting is set to, and how that is written.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::units::{Bytes, Rate};

/// What a setting is set to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An amount of memory.
    Bytes(Bytes),
    /// A growth.
    Rate(Rate),
    /// A number.
    Count(u64),
    /// A span of time.
    Span(Duration),
    /// A name.
    Word(String),
    /// How long a leak is confirmed.
    Mode(Mode),
    /// After how many failures the run ends.
    MaxFail(MaxFail),
    /// What follows where no case is selected.
    NoTests(NoTests),
    /// What follows from a case that is not decided.
    Inconclusive(Inconclusive),
    /// Whether cases that say `ignore` are run.
    RunIgnored(RunIgnored),
}

/// How long a leak is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Only over the whole horizon: the default where `CI` is set.
    Strict,
    /// Later than it could be said, while that is cheap: the default elsewhere.
    #[default]
    Normal,
    /// Said as soon as it may be.
    Fast,
}

/// What follows where no case is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoTests {
    /// Exit code 4: the default.
    #[default]
    Fail,
    /// A warning, and exit code 0.
    Warn,
    /// Exit code 0.
    Pass,
}

/// What follows from a case that is not decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inconclusive {
    /// Exit code 3, where no case failed: the default.
    #[default]
    #[serde(rename = "exit-3")]
    Exit3,
    /// As if the case had passed.
    Pass,
    /// As if the case had failed.
    Fail,
}

/// Whether cases that say `ignore` are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunIgnored {
    /// They are not: the default.
    #[default]
    Default,
    /// Only they are.
    IgnoredOnly,
    /// All cases are.
    All,
}

/// After how many failures the run ends, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MaxFail {
    /// So many cases that fail or break; none is all.
    pub cases: Option<u32>,
    /// Whether cases that are being measured are ended as well.
    pub immediate: bool,
}

impl MaxFail {
    /// Ends at the first.
    pub const FIRST: Self = Self {
        cases: Some(1),
        immediate: false,
    };
    /// Never ends.
    pub const ALL: Self = Self {
        cases: None,
        immediate: false,
    };

    /// Reads `2`, `2:immediate`, `2:wait` or `all`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no count of failures; write `1`, `1:immediate`, `1:wait` or `all`")
        };
        if text == "all" {
            return Ok(Self::ALL);
        }
        let (count, how) = text.split_once(':').unwrap_or((text, "wait"));
        let count: u32 = count.parse().map_err(|_| wrong())?;
        let immediate = match how {
            "immediate" => true,
            "wait" => false,
            _ => return Err(wrong()),
        };
        (count > 0)
            .then_some(Self {
                cases: Some(count),
                immediate,
            })
            .ok_or_else(wrong)
    }
}

impl fmt::Display for MaxFail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.cases, self.immediate) {
            (None, _) => f.write_str("all"),
            (Some(count), true) => write!(f, "{count}:immediate"),
            (Some(count), false) => write!(f, "{count}"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::Rate(rate) => f.write_str(rate.to_string().trim_start_matches('+')),
            Self::Count(count) => count.fmt(f),
            Self::Span(span) => f.write_str(&written(*span)),
            Self::Word(word) => f.write_str(word),
            Self::MaxFail(max) => max.fmt(f),
            Self::Mode(mode) => f.write_str(match mode {
                Mode::Strict => "strict",
                Mode::Normal => "normal",
                Mode::Fast => "fast",
            }),
            Self::NoTests(no_tests) => f.write_str(match no_tests {
                NoTests::Fail => "fail",
                NoTests::Warn => "warn",
                NoTests::Pass => "pass",
            }),
            Self::Inconclusive(inconclusive) => f.write_str(match inconclusive {
                Inconclusive::Exit3 => "exit-3",
                Inconclusive::Pass => "pass",
                Inconclusive::Fail => "fail",
            }),
            Self::RunIgnored(run) => f.write_str(match run {
                RunIgnored::Default => "default",
                RunIgnored::IgnoredOnly => "ignored-only",
                RunIgnored::All => "all",
            }),
        }
    }
}

impl Serialize for Value {
    /// A count as a number, everything else as it is written.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => to.serialize_u64(*count),
            other => to.collect_str(other),
        }
    }
}

/// A span in its largest whole unit, as the configuration and case files have it.
fn written(span: Duration) -> String {
    let millis = span.as_millis();
    let units = [(3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let unit = units
        .iter()
        .find(|(size, _)| millis > 0 && millis.is_multiple_of(*size));
    let (size, name) = unit.copied().unwrap_or((1, "ms"));
    format!("{} {name}", millis / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_failures_is_a_number_and_how_it_ends() {
        for (text, cases, immediate) in [
            ("1", Some(1), false),
            ("3:wait", Some(3), false),
            ("2:immediate", Some(2), true),
            ("all", None, false),
        ] {
            assert_eq!(
                MaxFail::parse(text),
                Ok(MaxFail { cases, immediate }),
                "{text}"
            );
        }
        for text in ["", "0", "-1", "1:now", "all:immediate", "none"] {
            assert!(MaxFail::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_written_in_their_largest_whole_unit() {
        for (millis, text) in [
            (500, "500 ms"),
            (1_500, "1500 ms"),
            (30_000, "30 s"),
            (90_000, "90 s"),
            (120_000, "2 min"),
            (3_600_000, "1 h"),
        ] {
            assert_eq!(written(Duration::from_millis(millis)), text);
        }
    }
}
