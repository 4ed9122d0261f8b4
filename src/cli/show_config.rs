//! `memcase show-config`: each value that holds, and where it comes from.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use clap::ArgMatches;
use serde::Serialize;

use super::CliError;
use super::args::ShowConfigArgs;
use super::select::select;
use super::settings::Holds;
use crate::case::Case;
use crate::config::{
    self, Chain, Effective, Inconclusive, Key, MaxFail, NoTests, Origin, RunIgnored, Value,
};
use crate::outcome::ExitCode;
use crate::report::EVENT_VERSION;
use crate::runner::horizon::{Horizon, Settings, under_ci};

/// All of it, as `--json` tells it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    version: u32,
    file: Option<&'a Path>,
    /// The chosen profile first, then those behind it.
    profiles: Vec<&'a str>,
    settings: Vec<Effective>,
    groups: Vec<ShownGroup<'a>>,
    cases: Vec<ShownCase<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ShownGroup<'a> {
    name: &'a str,
    max_threads: usize,
}

#[derive(Serialize)]
struct ShownCase<'a> {
    id: &'a str,
    settings: Vec<Effective>,
}

/// `memcase show-config`.
pub(super) fn show_config(
    args: &ShowConfigArgs,
    matches: &ArgMatches,
) -> Result<ExitCode, CliError> {
    let holds = Holds::read(&args.flags, matches)?;
    let chain = holds.chain()?;
    let cases = if args.selection.is_empty() {
        Vec::new()
    } else {
        select(&args.selection)?.cases
    };
    let of_run = |key| with_default(key, chain.of_run(key, &holds.given), &holds);
    let settings: Result<Vec<Effective>, CliError> = Key::OF_RUN.into_iter().map(of_run).collect();
    let shown = Shown {
        kind: "config",
        version: EVENT_VERSION,
        file: holds.config.file.as_deref(),
        profiles: chain.names(),
        settings: settings?,
        groups: holds
            .config
            .groups
            .iter()
            .map(|(name, group)| ShownGroup {
                name,
                max_threads: group.max_threads,
            })
            .collect(),
        cases: cases
            .iter()
            .map(|case| of_case(case, &chain, &holds))
            .collect(),
    };
    let mut out = io::stdout().lock();
    let text = if args.json {
        serde_json::to_string(&shown).map_err(|error| CliError::Output(error.into()))? + "\n"
    } else {
        text(&shown)
    };
    out.write_all(text.as_bytes()).map_err(CliError::Output)?;
    Ok(ExitCode::AsClaimed)
}

/// What holds for the run where nobody said anything.
fn with_default(key: Key, found: Effective, holds: &Holds) -> Result<Effective, CliError> {
    let value = match key {
        Key::Mode => Some(Value::Mode(holds.mode()?)),
        Key::MaxFail => Some(Value::MaxFail(MaxFail::ALL)),
        Key::NoTests => Some(Value::NoTests(NoTests::default())),
        Key::Inconclusive => Some(Value::Inconclusive(Inconclusive::default())),
        Key::RunIgnored => Some(Value::RunIgnored(RunIgnored::default())),
        _ => None,
    };
    // The services that run checks set it, and nobody who wrote it thought of memcase.
    let origin = match found.origin {
        Origin::Default if key == Key::Mode && under_ci() => Origin::Environment { variable: "CI" },
        other => other,
    };
    Ok(Effective {
        key: found.key,
        value: found.value.or(value),
        origin,
    })
}

fn of_case<'c>(case: &'c Case, chain: &Chain<'_>, holds: &Holds) -> ShownCase<'c> {
    let mut run = case.clone();
    let mut settings: Vec<Effective> = Vec::new();
    for key in Key::OF_CASE {
        let found = chain.of_case(key, case, &holds.given);
        if let Some(value) = &found.value {
            config::set(key, value, &mut run);
        }
        settings.push(found);
    }
    let horizon = Horizon::of(&run, &Settings::default());
    for (key, found) in Key::OF_CASE.into_iter().zip(&mut settings) {
        if found.origin == Origin::Default {
            found.value = match key {
                Key::Retries => Some(Value::Count(0)),
                Key::Processes => Some(Value::Count(horizon.processes.into())),
                Key::Iterations => Some(Value::Count(horizon.last())),
                Key::Time => Some(Value::Span(horizon.time)),
                Key::Timeout => Some(Value::Span(horizon.timeout)),
                _ => None,
            };
        }
    }
    ShownCase {
        id: &case.id.0,
        settings,
    }
}

fn text(shown: &Shown<'_>) -> String {
    let file = shown.file.map_or_else(
        || "none was found".to_owned(),
        |file| file.display().to_string(),
    );
    let mut text = format!("configuration  {file}\n");
    let mut names = shown.profiles.iter();
    let profile = names.next().copied().unwrap_or_default();
    let _ = write!(text, "profile        {profile}");
    for name in names {
        let _ = write!(text, ", which inherits from {name}");
    }
    text.push('\n');
    for group in &shown.groups {
        let _ = writeln!(
            text,
            "group          {}: at most {} at a time",
            group.name, group.max_threads
        );
    }
    text.push('\n');
    rows(&shown.settings, &mut text);
    for case in &shown.cases {
        let _ = writeln!(text, "\ncase {}", case.id);
        rows(&case.settings, &mut text);
    }
    text
}

fn rows(settings: &[Effective], text: &mut String) {
    for Effective { key, value, origin } in settings {
        let value = match value {
            Some(value) => value.to_string(),
            None => "-".to_owned(),
        };
        let _ = writeln!(text, "  {key:<19} {value:<14} {origin}");
    }
}
