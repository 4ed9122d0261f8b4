//! What only a recorded program has: the processes it consists of, each with samples of its own, and its phases.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::codec::MAX_READING;
use super::model::{Metric, Series, Trace};

/// How a program was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Milliseconds between two samples.
    pub interval: u64,
    /// Seconds since 1970 at its start.
    pub started: u64,
    /// What lines that begin a phase look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// A stretch of a program's life, until the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Phase {
    /// Where on the axis it begins.
    pub at: u64,
    /// The text of the line by which the program said so.
    pub name: String,
}

/// One of the processes of a recorded program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// 0 is the program itself; those below it are numbered as they came.
    pub process: u32,
    /// Its number in the system.
    pub pid: u32,
    /// Its command line as one line.
    pub command: String,
    /// Where on the axis it was first seen.
    pub from: u64,
    /// Where it was seen to have ended; none while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// Its readings: `pss`, and `peak` since the reading before.
    #[serde(skip)]
    pub series: BTreeMap<Metric, Series>,
}

/// What one process held at a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Which one.
    pub process: u32,
    /// Resident bytes, shared pages divided; 0 when it has ended.
    pub pss: u64,
    /// The highest since the sample before.
    pub peak: u64,
}

impl Share {
    /// Its readings by metric.
    pub(super) fn values(self) -> [(Metric, u64); 2] {
        [(Metric::Pss, self.pss), (Metric::Peak, self.peak)]
    }
}

/// What a process held at a place, if that is where its next reading was made.
pub(super) fn share(part: &Part, at: u64, k: &mut usize) -> Option<Share> {
    let (pss, peak) = (
        part.series.get(&Metric::Pss)?,
        part.series.get(&Metric::Peak)?,
    );
    if pss.at.get(*k) != Some(&at) {
        return None;
    }
    let share = Share {
        process: part.process,
        pss: pss.values[*k],
        peak: *peak.values.get(*k)?,
    };
    *k += 1;
    Some(share)
}

/// Takes in what a line tells of a process: a new one, or more of one that is known.
pub(super) fn know(part: Part, trace: &mut Trace) -> Result<(), String> {
    let (place, known) = (part.process as usize, trace.processes.len());
    match trace.processes.get_mut(place) {
        Some(known) => {
            let series = std::mem::take(&mut known.series);
            *known = Part { series, ..part };
        }
        None if place == known => trace.processes.push(part),
        None => return Err(format!("process {place} comes before those below it")),
    }
    Ok(())
}

/// `"each": {"0": [PSS, PEAK], ...}`.
pub(super) fn read_each(each: Value, at: u64, trace: &mut Trace) -> Result<(), String> {
    let each: Map<String, Value> =
        serde_json::from_value(each).map_err(|error| format!("`each`: {error}"))?;
    for (number, values) in each {
        let (pss, peak): (u64, u64) =
            serde_json::from_value(values).map_err(|error| format!("`each`, {number}: {error}"))?;
        if pss.max(peak) > MAX_READING {
            return Err(format!("`each`, {number}: no machine has that much"));
        }
        let part = number
            .parse()
            .ok()
            .and_then(|place: usize| trace.processes.get_mut(place))
            .ok_or_else(|| format!("`each` tells of process `{number}`, which is not known"))?;
        let share = Share {
            process: part.process,
            pss,
            peak,
        };
        for (metric, value) in share.values() {
            let series = part.series.entry(metric).or_default();
            if series.at.last().is_some_and(|&last| last >= at) {
                return Err(format!("`i` goes back to {at}"));
            }
            series.push(at, value);
        }
    }
    Ok(())
}
