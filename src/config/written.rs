//! The configuration as it is written: every key with its type, nothing judged yet.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::value::{Inconclusive, Mode, NoTests, RunIgnored};
use crate::case::WrittenLimits;

/// How cases are run.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "memcase.toml, version 1")]
pub(super) struct WrittenConfig {
    /// Profiles by their names. `default` and `ci` are always there; `--profile` chooses one.
    pub(super) profile: Option<BTreeMap<String, WrittenProfile>>,
    /// Groups of cases that may not all run at the same time, by their names.
    pub(super) groups: Option<BTreeMap<String, WrittenGroup>>,
}

/// Settings of a run, and of all its cases.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct WrittenProfile {
    /// The profile whose settings hold where this one says nothing. Default: `default`.
    #[schemars(example = &"ci")]
    pub(super) inherits: Option<String>,
    /// How long a leak is confirmed. Default: `strict` where `CI` is set and in the profile `ci`, else
    /// `normal`.
    #[schemars(example = &"strict")]
    pub(super) mode: Option<Mode>,
    /// Cases in flight. Default: the number of cores, at least 2.
    #[schemars(range(min = 1, max = 65_535), example = 4)]
    pub(super) test_threads: Option<u64>,
    /// After how many cases that fail or can not be measured the run ends: a number, `"2:immediate"`, or
    /// `"all"`. Default: all are run.
    #[schemars(schema_with = "max_fail", example = 1)]
    pub(super) max_fail: Option<serde_json::Value>,
    /// Whether the run ends at the first case that fails: the same as `max-fail = 1`.
    #[schemars(example = true)]
    pub(super) fail_fast: Option<bool>,
    /// What follows where no case is selected. Default: `fail`, exit code 4.
    #[schemars(example = &"warn")]
    pub(super) no_tests: Option<NoTests>,
    /// What follows from a case that is not decided. Default: `exit-3`.
    #[schemars(example = &"fail")]
    pub(super) inconclusive: Option<Inconclusive>,
    /// Whether cases that say `ignore` are run. Default: `default`, they are not.
    #[schemars(example = &"all")]
    pub(super) run_ignored: Option<RunIgnored>,
    /// Further tries of a case that fails or can not be measured. Default: 0.
    #[schemars(range(min = 0, max = 100), example = 1)]
    pub(super) retries: Option<u64>,
    /// Bounds of memory, handles and time, in place of those of the cases.
    pub(super) limits: Option<WrittenLimits>,
    /// How cases are measured, in place of what they say.
    pub(super) measure: Option<WrittenBudget>,
    /// Settings of some cases; the first that matches and says something holds.
    pub(super) overrides: Option<Vec<WrittenOverride>>,
}

/// Settings of the cases that a filter selects.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct WrittenOverride {
    /// Which cases are meant, as a filter expression.
    #[schemars(required, example = &"tag(slow)")]
    pub(super) filter: Option<String>,
    /// Further tries of a case that fails or can not be measured.
    #[schemars(range(min = 0, max = 100), example = 1)]
    pub(super) retries: Option<u64>,
    /// The group that they run in.
    #[schemars(example = &"db")]
    pub(super) group: Option<String>,
    /// Bounds of memory, handles and time, in place of those of the cases.
    pub(super) limits: Option<WrittenLimits>,
    /// How they are measured, in place of what they say.
    pub(super) measure: Option<WrittenBudget>,
}

/// How much is measured.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct WrittenBudget {
    /// Fresh processes.
    #[schemars(range(min = 1, max = 100), example = 3)]
    pub(super) processes: Option<u64>,
    /// The horizon: iterations of each process.
    #[schemars(range(min = 1, max = 1_000_000_000), example = 5000)]
    pub(super) iterations: Option<u64>,
    /// The time budget of a case.
    #[schemars(example = &"30 s")]
    pub(super) time: Option<String>,
}

/// Cases that may not all run at the same time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct WrittenGroup {
    /// How many of its cases run at the same time.
    #[schemars(required, range(min = 1, max = 65_535), example = 1)]
    pub(super) max_threads: Option<u64>,
}

fn max_fail(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": ["integer", "string"], "minimum": 1})
}
