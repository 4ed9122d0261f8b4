//! The case file as it is written: every key with its type, nothing judged yet.
//!
//! The JSON Schema comes from these types, and `check` holds every file against that
//! schema, so a key is declared here and nowhere else.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::trace::{Driver, Metric};

use super::model::{Claim, Language};
use super::service::StopSignal;

/// One claim about one target. Several documents in one file are several cases.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "memcase case file, version 1")]
pub(crate) struct WrittenCase {
    /// The last part of the case's id. Default: the file's name without extension.
    /// Required where a file holds several documents.
    #[schemars(example = &"first-call")]
    pub(crate) name: Option<String>,
    /// What the case is about, for people.
    #[schemars(example = &"functools.lru_cache on a method keeps every instance alive")]
    pub(crate) description: Option<String>,
    /// Where the case comes from: an issue, a page, a commit.
    #[schemars(example = &"python/cpython#64058")]
    pub(crate) source: Option<String>,
    /// Words to select cases by.
    #[schemars(example = ["slow", "pandas"])]
    pub(crate) tags: Option<Vec<String>>,
    /// Why the case is not run, unless `--run-ignored` asks for it.
    #[schemars(example = &"needs a database")]
    pub(crate) ignore: Option<String>,
    /// Names with lists of values: the case is run for each combination, and `${name}` in any text is
    /// replaced by the value. `$${name}` stands for `${name}`.
    #[schemars(example = serde_json::json!({"version": ["2.0.3", "2.2.1"]}), schema_with = "matrix")]
    pub(crate) matrix: Option<serde_json::Value>,
    /// What is run.
    #[schemars(required)]
    pub(crate) target: Option<WrittenTarget>,
    /// What the measurement should show: `stable` (default), `leak` or `spike`, or a
    /// mapping that says more.
    #[schemars(example = &"leak")]
    pub(crate) expect: Option<WrittenExpect>,
    /// Bounds of memory, handles and time.
    pub(crate) limits: Option<WrittenLimits>,
    /// How the case is measured; the defaults are right for nearly all cases.
    pub(crate) measure: Option<WrittenMeasure>,
}

/// What is run, and in which surroundings.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenTarget {
    /// The language of the snippet or file.
    #[schemars(example = &"python")]
    pub(crate) language: Option<Language>,
    /// File-level code of a compiled language: includes, imports, declarations, functions.
    #[schemars(example = &"#include <stdlib.h>\n")]
    pub(crate) prelude: Option<String>,
    /// Code run once in each process, before the first iteration. `run` sees its names.
    #[schemars(example = &"import json\n")]
    pub(crate) setup: Option<String>,
    /// Code run once in each iteration. The iteration's number, from 0, is `iteration`.
    #[schemars(example = &"json.loads('[1, 2, 3]')\n")]
    pub(crate) run: Option<String>,
    /// Code run once in each process, after the last iteration.
    #[schemars(example = &"connection.close()\n")]
    pub(crate) teardown: Option<String>,
    /// In place of inline code: a file beside the case with functions `setup`, `run`
    /// and `teardown`.
    #[schemars(example = &"parser.py")]
    pub(crate) file: Option<String>,
    /// Arguments for the interpreter or compiler.
    #[schemars(example = ["-O2", "-lz"], schema_with = "list_of_words")]
    pub(crate) flags: Option<Vec<String>>,
    /// Packages, in the language's own notation.
    #[schemars(example = ["pandas==2.0.3"])]
    pub(crate) requires: Option<Vec<String>>,
    /// Path or name of the interpreter or compiler. Default: found on PATH, an active
    /// virtualenv first.
    #[schemars(example = &"python3.12")]
    pub(crate) interpreter: Option<String>,
    /// Any program, as a list of its name and arguments; with `shell: true`, one line for
    /// `sh -c`. It speaks the step protocol, takes `{iterations}`, or is measured by clock.
    #[schemars(example = ["./target/release/server", "--step"])]
    #[schemars(schema_with = "command")]
    pub(crate) command: Option<WrittenCommand>,
    /// Whether `command` goes through `sh -c`. Default: false.
    #[schemars(example = true)]
    pub(crate) shell: Option<bool>,
    /// In place of code or a command: a long-lived program, and how it is exercised.
    pub(crate) service: Option<WrittenService>,
    /// Variables of the environment; null removes one.
    #[schemars(example = serde_json::json!({"LC_ALL": "C", "DEBUG": null}))]
    #[schemars(schema_with = "environment")]
    pub(crate) env: Option<BTreeMap<String, Option<String>>>,
    /// Whether the surrounding environment is left out. Default: false.
    #[schemars(example = true)]
    pub(crate) clean_env: Option<bool>,
    /// Working directory, relative to the case file. Default: the case file's folder.
    #[schemars(example = &"data")]
    pub(crate) cwd: Option<String>,
    /// Text given on standard input. Default: nothing.
    #[schemars(example = &"one line\n")]
    pub(crate) stdin: Option<String>,
}

/// A command: a list, or one line for the shell.
// the structure is checked against the schema first, so the poor messages of an
// untagged enum reach nobody
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum WrittenCommand {
    /// Name and arguments.
    List(Vec<String>),
    /// A line for `sh -c`.
    Line(String),
}

/// A long-lived program, and how it is exercised.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenService {
    /// The program, as a list of its name and arguments; with `shell: true`, one line for
    /// `sh -c`. `{port}` is a free TCP port, another one for each process; it is in the
    /// variable `MEMCASE_PORT` too.
    #[schemars(example = ["python3", "server.py", "{port}"], schema_with = "command")]
    pub(crate) command: Option<WrittenCommand>,
    /// Whether `command` goes through `sh -c`. Default: false.
    #[schemars(example = true)]
    pub(crate) shell: Option<bool>,
    /// When it can be exercised. Default: when the port of the request's URL is open, or `{port}`.
    #[schemars(example = serde_json::json!({"port": "{port}"}))]
    pub(crate) ready: Option<WrittenReady>,
    /// What is asked of it once in each iteration.
    #[schemars(example = serde_json::json!({"url": "http://127.0.0.1:{port}/"}))]
    pub(crate) request: Option<WrittenRequest>,
    /// How it is told to end: a signal, or a command. Default: SIGTERM.
    #[schemars(example = &"SIGINT")]
    pub(crate) stop: Option<WrittenStop>,
}

/// When a service can be exercised: one of the three.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenReady {
    /// Once this TCP port of the loopback is open.
    #[schemars(example = &"{port}", schema_with = "word")]
    pub(crate) port: Option<String>,
    /// Once this URL is answered with a status of 200 to 299.
    #[schemars(example = &"http://127.0.0.1:{port}/health")]
    pub(crate) url: Option<String>,
    /// Once a line of its output matches this regular expression.
    #[schemars(example = &"^listening on ")]
    pub(crate) output: Option<String>,
}

/// What is asked of a service in an iteration: HTTP requests by memcase, or a command.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenRequest {
    /// Where the HTTP request goes. The iteration's number, from 0, is `{iteration}`.
    #[schemars(example = &"http://127.0.0.1:{port}/items?page={iteration}")]
    pub(crate) url: Option<String>,
    /// The HTTP method. Default: GET, and POST where there is a body.
    #[schemars(example = &"PUT")]
    pub(crate) method: Option<String>,
    /// Header fields.
    #[schemars(example = serde_json::json!({"Content-Type": "application/json"}))]
    #[schemars(schema_with = "fields")]
    pub(crate) headers: Option<BTreeMap<String, String>>,
    /// What is sent behind the header.
    #[schemars(example = &"{\"item\": {iteration}}")]
    pub(crate) body: Option<String>,
    /// The status of the answer; another one breaks the case. Default: any of 200 to 299.
    #[schemars(range(min = 100, max = 599), example = 201)]
    pub(crate) status: Option<u16>,
    /// HTTP requests in one iteration. Default: 1.
    #[schemars(range(min = 1, max = 100_000), example = 10)]
    pub(crate) repeat: Option<u32>,
    /// How many of them are on their way at the same time. Default: 1.
    #[schemars(range(min = 1, max = 256), example = 2)]
    pub(crate) parallel: Option<u32>,
    /// In place of HTTP: a program that is run to its end in each iteration, and succeeds. It
    /// is not measured.
    #[schemars(example = ["redis-cli", "-p", "{port}", "incr", "n"], schema_with = "list_of_some")]
    pub(crate) command: Option<Vec<String>>,
}

/// How a service is told to end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum WrittenStop {
    /// A signal to all its processes.
    Signal(StopSignal),
    /// A program that tells it.
    Table(WrittenStopCommand),
}

/// A program that tells a service to end.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenStopCommand {
    /// The program, as a list of its name and arguments.
    #[schemars(example = ["nginx", "-s", "quit"], schema_with = "list_of_some")]
    pub(crate) command: Option<Vec<String>>,
}

/// The claim: a word, or a mapping that says more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum WrittenExpect {
    /// The claim alone.
    Word(Claim),
    /// The claim with its bounds.
    Table(Box<WrittenClaim>),
}

/// The claim with its bounds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenClaim {
    /// No growth above the tolerance, and no spike.
    #[schemars(example = serde_json::json!({}))]
    pub(crate) stable: Option<Nothing>,
    /// Growth that does not level off.
    #[schemars(example = serde_json::json!({"slope": "1 KiB..2 KiB"}))]
    pub(crate) leak: Option<WrittenLeak>,
    /// A peak far above the base that is given back.
    #[schemars(example = serde_json::json!({}))]
    pub(crate) spike: Option<Nothing>,
    /// Whether growth that only a forced collection gives back is fine. Default: refused.
    #[schemars(example = &"allowed")]
    pub(crate) cyclic_garbage: Option<Permission>,
}

/// An empty mapping.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// How fast a claimed leak grows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenLeak {
    /// The range in which the growth of one iteration lies.
    #[schemars(example = &"1 KiB..2 KiB")]
    pub(crate) slope: Option<String>,
}

/// Whether something is fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Permission {
    /// It does not fail the case.
    Allowed,
    /// It fails the case.
    Refused,
}

/// Bounds of memory, handles and time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenLimits {
    /// The largest growth in one iteration (or second, or line) that counts as none.
    /// Default: by metric.
    #[schemars(example = &"64 B")]
    pub(crate) slope: Option<String>,
    /// The highest resident memory at any time. Default: none.
    #[schemars(example = &"512 MiB")]
    pub(crate) peak: Option<String>,
    /// The highest peak above the base. Default: see the statistics page.
    #[schemars(example = &"64 MiB")]
    pub(crate) spike: Option<String>,
    /// What the target and all its children may hold together, as a container's limit: going
    /// over it ends them and fails the case. Default: none.
    #[schemars(example = &"1 GiB")]
    pub(crate) memory: Option<String>,
    /// What reference cycles may hold before the collector frees them. Default: none, unless the
    /// target switches its collector off.
    #[schemars(example = &"10 MiB")]
    pub(crate) garbage: Option<String>,
    /// How many more descriptors may be open at the end. Default: 0.
    #[schemars(example = 0)]
    pub(crate) fds: Option<u64>,
    /// How many more threads there may be at the end. Default: 0.
    #[schemars(example = 0)]
    pub(crate) threads: Option<u64>,
    /// How many more child processes there may be at the end. Default: 0.
    #[schemars(example = 0)]
    pub(crate) children: Option<u64>,
    /// The wall time of one process. Default: 60 s.
    #[schemars(example = &"60 s")]
    pub(crate) timeout: Option<String>,
}

/// How the case is measured.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WrittenMeasure {
    /// Fresh processes. Default: 3.
    #[schemars(range(min = 1, max = 100), example = 3)]
    pub(crate) processes: Option<u32>,
    /// The horizon: iterations of each process. Default: as many as the evidence needs,
    /// up to 5,000, and up to 20,000 while nothing can be said and time is left.
    #[schemars(range(min = 1, max = 1_000_000_000), example = 5000)]
    pub(crate) iterations: Option<u64>,
    /// The time budget of the case. Default: 30 s.
    #[schemars(example = &"30 s")]
    pub(crate) time: Option<String>,
    /// The one metric that decides. Default: all that there are.
    #[schemars(example = &"anon")]
    pub(crate) metric: Option<Metric>,
    /// Whether garbage collections are forced between iterations. Default: true.
    #[schemars(example = false)]
    pub(crate) collect: Option<bool>,
    /// Whether free memory is given back to the system between iterations. Default: true.
    #[schemars(example = false)]
    pub(crate) trim: Option<bool>,
    /// How often `run` is executed from one sample to the next. Default: chosen by the time that
    /// `run` takes and by what it keeps, from 1 to 64; 1 where `iterations` is set.
    #[schemars(range(min = 1, max = 1_000_000), example = 10)]
    pub(crate) batch: Option<u32>,
    /// How the workload advances. Default: ramp where `{iterations}` stands in the command, clock
    /// where there is `progress`, else step.
    #[schemars(example = &"step")]
    pub(crate) driver: Option<Driver>,
    /// For a command that is measured by clock: the lines of its output that tell progress,
    /// as a regular expression. Growth is then counted by line. Default: by second.
    #[schemars(example = &"^request ")]
    pub(crate) progress: Option<String>,
    /// Whether the memory of child processes is counted in. Default: true, but for a ramp.
    #[schemars(example = false)]
    pub(crate) children: Option<bool>,
    /// Whether a target with a sanitizer, under a debugger or traced is measured all the same. Default: refused.
    #[schemars(example = &"allowed")]
    pub(crate) disturbed: Option<Permission>,
}

fn list_of_words(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "array", "items": {"type": ["string", "number"]}})
}

fn list_of_some(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!(
        {"type": "array", "minItems": 1, "items": {"type": ["string", "number"]}}
    )
}

fn word(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": ["string", "number"]})
}

fn fields(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "additionalProperties": {"type": ["string", "number"]},
    })
}

fn command(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"anyOf": [
        {"type": "array", "minItems": 1, "items": {"type": ["string", "number"]}},
        {"type": "string"},
    ]})
}

fn environment(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "null"]},
    })
}

fn matrix(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "type": "array",
            "minItems": 1,
            "items": {"type": ["string", "number", "boolean"]},
        },
    })
}
