//! Labels and events joined: what each case was, and what memcase said of it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A case and the truth about it.
pub(crate) struct Labelled {
    pub(crate) id: String,
    pub(crate) language: String,
    pub(crate) title: String,
    pub(crate) leaks: bool,
    /// For a leak: the kinds of which one should be named.
    pub(crate) kinds: Vec<String>,
    /// The growth of live bytes that was recorded, in bytes an iteration, where memcase reads the same.
    pub(crate) recorded: Option<f64>,
}

/// The part of memcase's event about a case that is scored.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) outcome: Option<String>,
    pub(crate) verdict: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) shape: Option<String>,
    pub(crate) metric: Option<String>,
    pub(crate) slope: Option<Slope>,
    pub(crate) detection_limit: Option<f64>,
    pub(crate) iterations: Option<u64>,
    pub(crate) seconds: Option<f64>,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) findings: Vec<Finding>,
}

/// What was found of one metric.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Finding {
    metric: String,
    slope: Slope,
}

/// A slope in bytes an iteration.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Slope {
    pub(crate) estimate: f64,
}

/// The event about a case in a line of the output, if it is one.
pub(crate) fn case_event(line: &str) -> Option<Event> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    if value.get("type")? != "case" {
        return None;
    }
    serde_json::from_value(value).ok()
}

/// What memcase said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    Leak,
    Bounded,
    Inconclusive,
    Broken,
}

/// A case, its truth, and what was said.
pub(crate) struct Judged<'a> {
    pub(crate) label: &'a Labelled,
    pub(crate) said: Said,
    pub(crate) event: Event,
}

impl<'a> Judged<'a> {
    /// Joins by id; a case without an event is broken. The last event of a case counts.
    pub(crate) fn join(labelled: &'a [Labelled], events: &str) -> Vec<Self> {
        let mut by_id: BTreeMap<String, Event> = BTreeMap::new();
        for event in events.lines().filter_map(case_event) {
            by_id.insert(event.id.clone(), event);
        }
        let judge = |label: &'a Labelled| {
            let event = by_id.remove(&label.id).unwrap_or_default();
            let said = match event.verdict.as_deref() {
                _ if event.outcome.as_deref() == Some("broken") => Said::Broken,
                Some("leak") => Said::Leak,
                Some("stable" | "spike") => Said::Bounded,
                Some(_) => Said::Inconclusive,
                None => Said::Broken,
            };
            Self { label, said, event }
        };
        labelled.iter().map(judge).collect()
    }

    /// Whether a leak was called one, or a clean program bounded.
    pub(crate) fn is_right(&self) -> bool {
        match self.said {
            Said::Leak => self.label.leaks,
            Said::Bounded => !self.label.leaks,
            Said::Inconclusive | Said::Broken => false,
        }
    }

    /// For a leak that was found: whether what it is made of was named.
    pub(crate) fn names_its_kind(&self) -> Option<bool> {
        let found = self.label.leaks && self.said == Said::Leak;
        found.then(|| {
            let kind = self.event.kind.as_ref();
            kind.is_some_and(|kind| self.label.kinds.contains(kind))
        })
    }

    /// The relative error of the slope of live bytes against what was recorded.
    pub(crate) fn error_of_slope(&self) -> Option<f64> {
        let recorded = self.label.recorded.filter(|slope| slope.abs() >= 1.0)?;
        let live = self.event.findings.iter().find(|f| f.metric == "live")?;
        Some((live.slope.estimate / recorded - 1.0).abs())
    }
}
