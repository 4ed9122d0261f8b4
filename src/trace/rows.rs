//! The lines of a trace as they are written, one after the other: a run that is cut off has all lines before.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::model::{Ending, Header, Sample, TRACE_VERSION};
use super::record::{Part, Phase, Share};

#[derive(Serialize, Deserialize)]
pub(super) struct HeaderLine {
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) header: Header,
}

/// Writes a trace line by line.
#[derive(Debug)]
pub struct Rows<W: Write> {
    out: W,
}

impl<W: Write> Rows<W> {
    /// Writes the first line.
    pub fn begin(mut out: W, header: &Header) -> io::Result<Self> {
        let version = TRACE_VERSION;
        let header = header.clone();
        let line = serde_json::json!({"trace": HeaderLine { version, header }});
        writeln!(out, "{line}")?;
        Ok(Self { out })
    }

    /// What is known of a process, now or anew.
    pub fn process(&mut self, part: &Part) -> io::Result<()> {
        writeln!(self.out, "{}", serde_json::json!({ "process": part }))
    }

    /// A phase begins.
    pub fn phase(&mut self, phase: &Phase) -> io::Result<()> {
        writeln!(self.out, "{}", serde_json::json!({ "phase": phase }))
    }

    /// The readings of one moment, in sum and of each process.
    pub fn sample(&mut self, sample: &Sample, each: &[Share]) -> io::Result<()> {
        write!(self.out, "{{\"i\":{}", sample.at)?;
        for (metric, value) in &sample.values {
            write!(self.out, ",\"{}\":{value}", metric.name())?;
        }
        for (k, share) in each.iter().enumerate() {
            let before = if k == 0 { ",\"each\":{" } else { "," };
            let Share { process, pss, peak } = share;
            write!(self.out, "{before}\"{process}\":[{pss},{peak}]")?;
        }
        let after = if each.is_empty() { "}" } else { "}}" };
        writeln!(self.out, "{after}")
    }

    /// The last line.
    pub fn end(&mut self, ending: &Ending) -> io::Result<()> {
        writeln!(self.out, "{}", serde_json::json!({ "end": ending }))
    }

    /// Hands over what was written so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
