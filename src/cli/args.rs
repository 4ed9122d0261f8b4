//! What may be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::baseline_args::{BaselineFlags, CompareArgs, PendingArgs, PendingListArgs};
use super::debug::DebugArgs;
use super::doctor::DoctorArgs;
use super::flags::{Flags, words};
use super::merge::MergeArgs;
use super::plot::PlotArgs;
use super::record::RecordArgs;
use super::report::PageArgs;
use super::reports::ReportArgs;
use super::sides::SideFlags;
use super::watch::WatchArgs;
use crate::case::Language;
use crate::runner::tracers::Tracer;

/// The test runner for memory leaks.
#[derive(Debug, Parser)]
#[command(
    name = "memcase",
    version,
    about = "The test runner for memory leaks: small cases, fresh processes, a statistical verdict.",
    after_help = "Without a command, `run` is meant: `memcase cases/`.\n\n\
        Exit codes: 0 as claimed, 1 a case failed, 2 wrong arguments or case file, 3 inconclusive,\n\
        4 no case selected, 5 a case could not be measured, 70 a bug in memcase, 130 interrupted."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run cases and say leak, spike or stable of each (the default command)
    Run(RunArgs),
    /// Run cases, and tell why each one grows: which line, which objects, who keeps them
    Explain(RunArgs),
    /// Run cases again when their files change, in fast mode first, and say what became of each
    Watch(WatchArgs),
    /// Run a case until its memory crosses a line, and hand it over to a debugger in this terminal
    Debug(DebugArgs),
    /// List the cases, and what is missing to run them; runs nothing
    List(ListArgs),
    /// Decide from recorded traces
    Judge(JudgeArgs),
    /// Look at results that wait to become baselines, one by one
    Review(PendingArgs),
    /// Make waiting results baselines
    Accept(PendingArgs),
    /// Throw waiting results away
    Reject(PendingArgs),
    /// List results that wait to become baselines
    Pending(PendingListArgs),
    /// Compare two results, or folders of results
    Compare(CompareArgs),
    /// Write a first case, with comments, that runs as it is
    New(NewArgs),
    /// Put the results of several runs together, with the exit code of one
    Merge(MergeArgs),
    /// Draw traces, results or records: in the terminal, as SVG or as PNG
    Plot(PlotArgs),
    /// Write the results of runs as one HTML page, with their curves
    Report(PageArgs),
    /// Record the memory of any program over time, its child processes included
    Record(RecordArgs),
    /// Say what this machine can measure, and how to make it measure more
    Doctor(DoctorArgs),
    /// Print the JSON Schema of case files
    Schema(SchemaArgs),
    /// Show which settings hold, for the run and for the selected cases, and where each comes from
    ShowConfig(ShowConfigArgs),
    /// Show or remove the environments that were built for `requires`
    Env(EnvArgs),
}

/// Which cases are meant.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Files and folders with cases (default: cases/); other words are parts of ids
    #[arg(value_name = "PATH|FILTER")]
    pub(super) words: Vec<String>,
    /// Parts of ids, whatever files there are; a case with any of them is selected
    #[arg(last = true, value_name = "FILTER")]
    pub(super) filters: Vec<String>,
    /// Only cases that this expression selects: 'tag(slow) & !lang(node)' (see docs/filters.md)
    #[arg(
        short = 'E',
        long = "filterset",
        alias = "filter-expr",
        value_name = "EXPRESSION"
    )]
    pub(super) filterset: Vec<String>,
    /// Only one part of what is selected: hash:1/4, slice:1/4, or auto for what an array job or parallel job says
    #[arg(long, value_name = "PART", env = "MEMCASE_PARTITION")]
    pub(super) partition: Option<String>,
    /// Only cases whose last result, as it was kept, is not as claimed
    #[arg(long)]
    pub(super) rerun_failed: bool,
    /// Filters are whole ids
    #[arg(long)]
    pub(super) exact: bool,
    /// Leave out cases with this in their id
    #[arg(long, value_name = "FILTER")]
    pub(super) skip: Vec<String>,
    /// Only cases with this tag
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Vec<String>,
    /// Only cases in this language
    #[arg(long, value_name = "LANGUAGE", value_parser = language())]
    pub(super) language: Vec<Language>,
}

impl Selection {
    /// Whether nothing is said of cases.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
            && self.filters.is_empty()
            && self.filterset.is_empty()
            && self.skip.is_empty()
            && self.tag.is_empty()
            && self.language.is_empty()
            && self.partition.is_none()
            && !self.rerun_failed
    }
}

/// `memcase run`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that is typed by itself"
)]
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Only list what is selected
    #[arg(long)]
    pub(super) list: bool,
    /// How the report looks
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: RunFormat,
    /// One character a case; the same as --format terse
    #[arg(short, long, conflicts_with = "format")]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) flags: Flags,
    /// Draw each case that is not as claimed, below its explanation
    #[arg(long)]
    pub(super) plot: bool,
    /// Run all of it so many times, one after the other
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) stress_count: Option<u32>,
    /// Run a case that leaks once more, under the tracer of its language, to tell why
    #[arg(long)]
    pub(super) explain: bool,
    /// With an explanation, what each line of the case adds, with all that it calls
    #[arg(long)]
    pub(super) lines: bool,
    /// With an explanation, keep the heap dump of a Java case, or the last heap snapshot of one for Node.js
    #[arg(long)]
    pub(super) keep_dump: bool,
    /// With an explanation, whose tracer follows native memory; auto asks memray or heaptrack too, where memcase's tell little
    #[arg(long, value_name = "WHOSE", value_parser = words(&Tracer::ALL), default_value = "auto")]
    pub(super) tracer: Tracer,
    #[command(flatten)]
    pub(super) baselines: BaselineFlags,
    #[command(flatten)]
    pub(super) sides: SideFlags,
    #[command(flatten)]
    pub(super) reports: ReportArgs,
    /// When to colour words
    #[arg(long, value_enum, default_value_t)]
    pub(super) color: Color,
}

/// `memcase list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// How the list looks
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ListFormat,
}

/// `memcase judge`.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// Traces of one case, or its folder of artifacts
    #[arg(required = true, value_name = "TRACE|FOLDER")]
    pub(super) traces: Vec<PathBuf>,
    /// Draw the traces below the verdict
    #[arg(long)]
    pub(super) plot: bool,
    /// How the verdict looks
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: JudgeFormat,
}

/// `memcase new`.
#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// Name of the case: the file's name without extension; may hold folders
    pub(super) name: String,
    /// The language it is written in
    #[arg(long, short, value_name = "LANGUAGE", default_value = "python", value_parser = language())]
    pub(super) language: Language,
    /// Folder of the cases
    #[arg(long, value_name = "FOLDER", default_value = "cases")]
    pub(super) path: PathBuf,
}

/// `memcase schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// That of the configuration, memcase.toml, in place of it
    #[arg(long)]
    pub(super) config: bool,
}

/// `memcase show-config`.
#[derive(Debug, Args)]
pub(super) struct ShowConfigArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) flags: Flags,
    /// As one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `memcase env`.
#[derive(Debug, Args)]
pub(super) struct EnvArgs {
    #[command(subcommand)]
    pub(super) command: EnvCommand,
}

/// What may be done with environments.
#[derive(Debug, Subcommand)]
pub(super) enum EnvCommand {
    /// List them
    List,
    /// Remove all that no run is building now
    Clean,
}

/// Formats of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum RunFormat {
    /// One line a case, failures explained
    #[default]
    Pretty,
    /// One character a case
    Terse,
    /// One event a line, as JSON
    Json,
    /// `JUnit`'s XML, when the run has ended
    Junit,
}

/// Formats of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ListFormat {
    /// For people
    #[default]
    Human,
    /// `id: test`, as libtest has it
    Terse,
    /// One case a line, as JSON
    Json,
}

/// Formats of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum JudgeFormat {
    /// For people
    #[default]
    Human,
    /// One line of JSON
    Json,
}

/// When words are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` or `CLICOLOR=0` is set; anywhere with `CLICOLOR_FORCE`
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn language() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::name)).try_map(|name| {
        Language::ALL
            .into_iter()
            .find(|language| language.name() == name)
            .ok_or("not a language of memcase")
    })
}

/// `30s`, `2m`, `500ms`, `1.5h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("write a number and a unit: 500ms, 30s, 2m or 1h".to_owned()),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * factor).ok())
        .filter(|span| *span > Duration::ZERO)
        .ok_or_else(|| "write a number above zero and a unit: 500ms, 30s, 2m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [
            ("500ms", 0.5),
            ("30s", 30.0),
            ("2m", 120.0),
            ("1.5 h", 5400.0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)));
        }
        for text in ["", "30", "s", "-1s", "0s", "1e9999h", "2 weeks"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
