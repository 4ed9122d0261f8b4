//! What may be typed about baselines.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::baseline::Update;

/// What `memcase run` does with baselines.
#[derive(Debug, Args)]
pub(super) struct BaselineFlags {
    /// What is done with results that have no baseline, or are not as it
    #[arg(long, value_name = "HOW", env = "MEMCASE_UPDATE", default_value = "auto", value_parser = update(), hide_possible_values = true, long_help = UPDATE_HELP)]
    pub(super) update: Update,
    /// What is done with baselines whose case is gone: warn, reject, delete, ignore
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        hide_possible_values = true
    )]
    pub(super) unreferenced: Unreferenced,
}

const UPDATE_HELP: &str = "What is done with results that have no baseline, or are not as it:\n\
    auto    results that differ from their baseline are left pending; no baseline is begun, and under CI nothing is written\n\
    new     results without a baseline are left pending too\n\
    always  both are written in place\n\
    unseen  results without a baseline are written in place, others left pending\n\
    no      nothing is written\n\
    force   everything is written in place";

fn update() -> impl TypedValueParser<Value = Update> {
    let words = Update::WORDS.map(PossibleValue::new);
    let words = words.into_iter().map(|word| match word.get_name() {
        "always" => word.alias("1"),
        _ => word,
    });
    PossibleValuesParser::new(words)
        .try_map(|word| Update::from_word(&word).ok_or("not a word of `--update`"))
}

/// The words of `--unreferenced`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Unreferenced {
    /// Say nothing of them
    #[default]
    Ignore,
    /// Name them
    Warn,
    /// Name them and fail
    #[value(alias = "error")]
    Reject,
    /// Remove them
    Delete,
}

/// Which waiting results are meant.
#[derive(Debug, Args)]
pub(super) struct PendingArgs {
    /// Files and folders with cases (default: cases/); other words are parts of ids
    #[arg(value_name = "PATH|FILTER")]
    pub(super) words: Vec<String>,
    /// Filters are whole ids
    #[arg(long)]
    pub(super) exact: bool,
}

/// `memcase pending`.
#[derive(Debug, Args)]
pub(super) struct PendingListArgs {
    #[command(flatten)]
    pub(super) which: PendingArgs,
    /// One waiting result a line, as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `memcase compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The earlier result: a `result.json`, or a folder of results as a run keeps it
    #[arg(value_name = "BEFORE")]
    pub(super) before: PathBuf,
    /// The later one
    #[arg(value_name = "NOW")]
    pub(super) now: PathBuf,
    /// One case a line, as JSON
    #[arg(long)]
    pub(super) json: bool,
}
