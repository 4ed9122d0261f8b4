//! Reports of runs that are over, read back from their events.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::VerdictReport;
use super::event::{CaseReport, EVENT_VERSION, Summary};
use crate::case::Claim;
use crate::config::Inconclusive;
use crate::outcome::OutcomeKind;

/// How a run began.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Started {
    /// The version of memcase.
    #[serde(default)]
    pub memcase: Option<String>,
    /// Ids of the selected cases, in order.
    pub cases: Vec<String>,
    /// Cases that the filters left out.
    pub filtered_out: usize,
    /// The part of the machine, where several shared the cases: `slice:1/4`.
    #[serde(default)]
    pub partition: Option<String>,
    /// Cases that say `ignore` and were not run, with their reasons.
    #[serde(default)]
    pub ignored: BTreeMap<String, String>,
    /// What follows from a case that is not decided.
    #[serde(default)]
    pub inconclusive: Inconclusive,
    /// Whether a leak is only confirmed at the horizon.
    #[serde(default)]
    pub strict: bool,
}

/// What a line of events tells of the result of a run.
#[derive(Debug)]
pub enum Told {
    /// A run began.
    Started(Started),
    /// A case ended.
    Case(Box<CaseReport>),
    /// A run ended.
    Finished(Summary),
    /// Something that is no result.
    Other,
}

/// Reads one event.
pub fn told(line: &str) -> Result<Told, String> {
    let event: Value =
        serde_json::from_str(line).map_err(|error| format!("it is not JSON: {error}"))?;
    let version = event.get("version").and_then(Value::as_u64);
    match version {
        None => return Err("it is no event of memcase: it has no `version`".to_owned()),
        Some(version) if version > u64::from(EVENT_VERSION) => {
            return Err(format!(
                "its format has version {version}, and this memcase reads up to {EVENT_VERSION}; use a newer one"
            ));
        }
        Some(_) => {}
    }
    let kind = event
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let kind = kind.to_owned();
    let told = match kind.as_str() {
        "run-started" => Started::deserialize(event).map(Told::Started),
        "case" => CaseReport::deserialize(event).map(|report| Told::Case(Box::new(report))),
        "run-finished" => Summary::deserialize(event).map(Told::Finished),
        _ => Ok(Told::Other),
    };
    told.map_err(|error| format!("its event `{kind}` is not complete: {error}"))
}

impl CaseReport {
    /// The report of a case whose run was killed, as `source` tells.
    pub fn lost(id: String, source: PathBuf) -> Self {
        Self {
            id,
            outcome: OutcomeKind::Skipped,
            expected: Claim::default(),
            reason: "its run ended before it did".to_owned(),
            side: None,
            baseline: None,
            fit: None,
            flaky: false,
            attempts: Vec::new(),
            limit: None,
            verdict: VerdictReport::default(),
            why: None,
            seconds: 0.0,
            file: source,
            line: 1,
            tags: Vec::new(),
            language: None,
            runtime: None,
            output: None,
            folder: None,
            traces: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_event_of_this_version_is_refused_with_the_reason() {
        for (line, says) in [
            ("nonsense", "not JSON"),
            ("{}", "no `version`"),
            (r#"{"version":99,"type":"case"}"#, "version 99"),
            (r#"{"version":1,"type":"case"}"#, "`case` is not complete"),
        ] {
            let error = told(line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
        let other = told(r#"{"version":1,"type":"of-a-later-memcase"}"#);
        assert!(matches!(other, Ok(Told::Other)));
    }
}
