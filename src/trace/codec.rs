//! Traces as JSON Lines: a header, one line a quiescent point, an ending; gzip where it pays.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde_json::{Map, Value};
use thiserror::Error;

use super::model::{Ending, Metric, Sample, TRACE_VERSION, Trace};
use super::record::{Part, Phase, Share, know, read_each, share};
use super::rows::{HeaderLine, Rows};

/// Traces longer than this many readings are compressed.
const COMPRESS_ABOVE: usize = 4_000;
/// A longer line is not a trace of ours; reading stops there.
const MAX_LINE: usize = 1 << 20;
/// A larger iteration is not one of a real run.
const MAX_ITERATION: u64 = 1_000_000_000_000;
/// A larger reading is not one of a real machine; up to here `f64` holds each exactly.
pub(super) const MAX_READING: u64 = 1 << 53;
/// More decompressed bytes than this are refused.
const MAX_BYTES: u64 = 1 << 30;

/// Why a trace could not be read.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The file could not be read.
    #[error("the trace could not be read: {0}")]
    Io(#[from] io::Error),
    /// A line is not what the format says.
    #[error("line {line} of the trace is not valid: {reason}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Another version of the format.
    #[error(
        "the trace has format version {0}, and this memcase reads version {TRACE_VERSION}; use the memcase that wrote it"
    )]
    Version(u64),
    /// Nothing in it.
    #[error("the trace is empty")]
    Empty,
}

/// Writes a trace; compressed when it is long. Returns whether it was compressed.
pub fn write(trace: &Trace, mut out: impl Write) -> io::Result<bool> {
    let readings: usize = trace.series.values().map(super::Series::len).sum();
    if readings > COMPRESS_ABOVE {
        let mut gz = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
        write_lines(trace, &mut gz)?;
        gz.finish()?;
        Ok(true)
    } else {
        write_lines(trace, &mut out)?;
        Ok(false)
    }
}

fn write_lines(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    let mut rows = Rows::begin(out, &trace.header)?;
    for part in &trace.processes {
        rows.process(part)?;
    }
    let mut phases = trace.phases.iter().peekable();
    let mut cursor: Vec<(Metric, usize)> = trace.series.keys().map(|&m| (m, 0)).collect();
    let mut each = vec![0; trace.processes.len()];
    loop {
        let next = cursor
            .iter()
            .filter_map(|(m, k)| trace.series[m].at.get(*k).copied())
            .min();
        let Some(at) = next else { break };
        while let Some(phase) = phases.next_if(|phase| phase.at < at) {
            rows.phase(phase)?;
        }
        let mut values = Vec::with_capacity(cursor.len());
        for (metric, k) in &mut cursor {
            let series = &trace.series[metric];
            if series.at.get(*k) == Some(&at) {
                values.push((*metric, series.values[*k]));
                *k += 1;
            }
        }
        let shares: Vec<Share> = trace
            .processes
            .iter()
            .zip(&mut each)
            .filter_map(|(part, k)| share(part, at, k))
            .collect();
        rows.sample(&Sample { at, values }, &shares)?;
    }
    for phase in phases {
        rows.phase(phase)?;
    }
    match &trace.ending {
        Some(ending) => rows.end(ending),
        None => Ok(()),
    }
}

/// Reads a trace, compressed or not.
pub fn read(input: impl Read) -> Result<Trace, TraceError> {
    let mut input = BufReader::new(input);
    if input.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        read_lines(BufReader::new(
            flate2::bufread::GzDecoder::new(input).take(MAX_BYTES),
        ))
    } else {
        read_lines(input.take(MAX_BYTES))
    }
}

fn read_lines(mut input: impl BufRead) -> Result<Trace, TraceError> {
    let mut trace: Option<Trace> = None;
    let mut buffer = Vec::new();
    let mut number = 0;
    loop {
        buffer.clear();
        let got = input
            .by_ref()
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut buffer)?;
        if got == 0 {
            break;
        }
        number += 1;
        let fail = |reason: String| TraceError::Line {
            line: number,
            reason,
        };
        if got > MAX_LINE {
            return Err(fail("it is longer than 1 MiB".to_owned()));
        }
        if buffer.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value: Map<String, Value> = match (serde_json::from_slice(&buffer), &mut trace) {
            (Ok(value), _) => value,
            // Whoever wrote it was stopped in the middle, by a full disk or for good; what is before it is whole.
            (Err(error), Some(trace)) if error.is_eof() && buffer.last() != Some(&b'\n') => {
                trace.cut = Some(number);
                break;
            }
            (Err(error), _) => return Err(fail(error.to_string())),
        };
        match &mut trace {
            None => trace = Some(read_header(value, number)?),
            Some(trace) => read_row(value, trace).map_err(fail)?,
        }
    }
    trace.ok_or(TraceError::Empty)
}

fn read_header(mut value: Map<String, Value>, line: usize) -> Result<Trace, TraceError> {
    let Some(header) = value.remove("trace") else {
        return Err(TraceError::Line {
            line,
            reason: "a trace starts with a `trace` line".to_owned(),
        });
    };
    match header.get("version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(TRACE_VERSION) => {}
        Some(version) => return Err(TraceError::Version(version)),
        None => {
            return Err(TraceError::Line {
                line,
                reason: "`version` is missing".to_owned(),
            });
        }
    }
    let header: HeaderLine = serde_json::from_value(header).map_err(|error| TraceError::Line {
        line,
        reason: error.to_string(),
    })?;
    Ok(Trace::new(header.header))
}

fn read_row(mut value: Map<String, Value>, trace: &mut Trace) -> Result<(), String> {
    if trace.ending.is_some() {
        return Err("nothing may follow the `end` line".to_owned());
    }
    if let Some(end) = value.remove("end") {
        let ending: Ending = serde_json::from_value(end).map_err(|error| error.to_string())?;
        trace.ending = Some(ending);
        return Ok(());
    }
    if let Some(phase) = value.remove("phase") {
        let phase: Phase = serde_json::from_value(phase).map_err(|error| error.to_string())?;
        if trace.phases.last().is_some_and(|last| last.at > phase.at) {
            return Err(format!("the phase goes back to {}", phase.at));
        }
        trace.phases.push(phase);
        return Ok(());
    }
    if let Some(part) = value.remove("process") {
        let part: Part = serde_json::from_value(part).map_err(|error| error.to_string())?;
        return know(part, trace);
    }
    let at = value
        .remove("i")
        .and_then(|at| at.as_u64())
        .ok_or("`i`, the number of iterations completed, is missing")?;
    if at > MAX_ITERATION {
        return Err(format!("`i` is {at}, and no run gets that far"));
    }
    let each = value.remove("each");
    for (name, reading) in value {
        let metric = Metric::ALL
            .into_iter()
            .find(|metric| metric.name() == name)
            .ok_or_else(|| format!("`{name}` is not a metric"))?;
        let reading = reading
            .as_u64()
            .ok_or_else(|| format!("`{name}` is not a whole number"))?;
        if reading > MAX_READING {
            return Err(format!(
                "`{name}` is {reading}, and no machine has that much"
            ));
        }
        let series = trace.series.entry(metric).or_default();
        if series.at.last().is_some_and(|&last| last >= at) {
            return Err(format!("`i` goes back to {at}"));
        }
        series.push(at, reading);
    }
    match each {
        Some(each) => read_each(each, at, trace),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Header, Series, StopReason};
    use super::super::tree::{CaseLimits, Enforcer, Member, MemoryStop};
    use super::*;

    fn trace(n: u64) -> Trace {
        let mut trace = Trace::new(Header {
            case: "a/b".to_owned(),
            process: 2,
            ..Header::default()
        });
        for i in 0..=n {
            trace.push(Metric::Anon, i, 4096 * i);
            if i % 8 == 0 {
                trace.push(Metric::Live, i, 16 * i);
            }
        }
        trace.ending = Some(Ending {
            inventory: None,
            reason: StopReason::Horizon,
            iterations: n,
            exit: "exit code 0".to_owned(),
            micros: 5,
            settled_anon: Some(7),
            settled_live: None,
            looks: vec![n],
            leak_from: n,
            tolerances: [(Metric::Anon, 64)].into(),
            only: None,
            members: vec![Member::default()],
            limits: CaseLimits::default(),
            memory: Some(MemoryStop {
                limit: 1,
                by: Enforcer::Cgroup,
                oom_kills: Some((0, 1)),
                highest: 2,
                survived: true,
            }),
        });
        trace
    }

    #[test]
    fn a_trace_comes_back_as_it_was_written() {
        for (n, compressed) in [(20, false), (9_000, true)] {
            let mut bytes = Vec::new();
            assert_eq!(write(&trace(n), &mut bytes).unwrap(), compressed);
            assert_eq!(read(&bytes[..]).unwrap(), trace(n));
        }
    }

    #[test]
    fn processes_and_phases_of_a_record_come_back_and_a_cut_keeps_what_is_before_it() {
        let mut whole = trace(20);
        for process in 0..2 {
            let mut part = Part {
                process,
                pid: 70 + process,
                command: format!("worker {process}"),
                from: 3 * u64::from(process),
                to: (process > 0).then_some(9),
                ..Part::default()
            };
            for at in part.from..=part.to.unwrap_or(20) {
                for (metric, value) in [(Metric::Pss, at * 100), (Metric::Peak, at * 101)] {
                    part.series.entry(metric).or_default().push(at, value);
                }
            }
            whole.processes.push(part);
        }
        for (at, name) in [(0, "load"), (7, "serve \"all\""), (99, "end")] {
            let name = name.to_owned();
            whole.phases.push(Phase { at, name });
        }
        let mut bytes = Vec::new();
        write(&whole, &mut bytes).unwrap();
        assert_eq!(read(&bytes[..]).unwrap(), whole);
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let second = lines
            .iter()
            .position(|line| line.contains("serve"))
            .unwrap();
        let cut = read(lines[..=second].join("\n").as_bytes()).unwrap();
        assert!(cut.ending.is_none() && cut.processes.len() == 2);
        assert_eq!(cut.phases, whole.phases[..2]);
        for (from, to, expected) in [
            ("\"each\":{\"0\"", "\"each\":{\"5\"", "process `5`"),
            ("\"process\":1,", "\"process\":7,", "process 7 comes before"),
            ("\"at\":99", "\"at\":1", "goes back to 1"),
        ] {
            assert!(text.contains(from), "{from}");
            let error = read(text.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_last_line_that_is_cut_is_left_out_wherever_the_cut_is() {
        let mut bytes = Vec::new();
        write(&trace(5), &mut bytes).unwrap();
        let first = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for length in first..bytes.len() {
            let kept = &bytes[..length];
            let cut = read(kept).unwrap();
            let whole = kept.iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
            let before = read(&kept[..whole]).unwrap();
            if cut.cut.is_some() {
                assert_eq!(cut.series, before.series);
                assert_eq!(cut.cut, Some(kept.split(|&byte| byte == b'\n').count()));
            } else {
                // Nothing is missing, or only the end of the line.
                let last = &kept[whole..];
                assert!(last.is_empty() || last.ends_with(b"}"));
            }
        }
        let header = read(&bytes[..first - 5]).unwrap_err().to_string();
        assert!(header.contains("line 1"), "{header}");
        let text = String::from_utf8(bytes).unwrap();
        let inside = read(text.replacen("\"i\":2,", "\"i\n", 1).as_bytes()).unwrap_err();
        assert!(inside.to_string().contains("line 4"), "{inside}");
    }

    #[test]
    fn strides_are_seen_only_where_readings_are_even() {
        let even = Series {
            at: vec![0, 8, 16, 24],
            values: vec![0; 4],
        };
        assert_eq!(even.stride(), Some(8));
        let odd = Series {
            at: vec![0, 8, 17],
            values: vec![0; 3],
        };
        assert_eq!(odd.stride(), None);
    }

    #[test]
    fn what_is_not_a_trace_is_refused_with_its_line() {
        for (text, expected) in [
            ("", "empty"),
            ("{}", "line 1"),
            ("{\"trace\":{\"version\":9}}", "version 9"),
            ("nonsense", "line 1"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let mut bytes = Vec::new();
        write(&trace(3), &mut bytes).unwrap();
        let whole = String::from_utf8(bytes).unwrap();
        for (from, to, expected) in [
            ("\"i\":2", "\"i\":1", "goes back"),
            ("\"i\":2,\"anon\"", "\"i\":2,\"wrong\"", "not a metric"),
            ("8192", "\"x\"", "whole number"),
            ("8192", "9007199254740993", "no machine"),
        ] {
            let error = read(whole.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
