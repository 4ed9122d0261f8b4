//! The traces of a case on their way to a drawing: a plot a metric, a line a process.

use serde::Serialize;

use super::super::event::VerdictReport;
use super::super::explain::words;
use super::super::{ramp, text};
use super::thinned::Thinned;
use crate::analysis::{Finding, Status, VerdictKind};
use crate::trace::{Axis, Driver, Metric, Role, Series, Trace, Unit};

/// All that is drawn of a case.
#[derive(Debug, Serialize)]
pub(super) struct Plots {
    axis: Axis,
    /// The lines, by their places; those of all metrics are named alike.
    lines: Vec<String>,
    /// A metric each, the one that is shown at first first.
    metrics: Vec<Plot>,
    /// Places that a reader looks for.
    marks: Vec<Mark>,
}

/// One metric.
#[derive(Debug, Serialize)]
struct Plot {
    name: &'static str,
    words: &'static str,
    unit: &'static str,
    /// What its growth may be, by one place of the axis, and still be none: less is not drawn as a ramp.
    tolerance: f64,
    /// The readings of each line; none where it has none of this metric.
    series: Vec<Option<Thinned>>,
    fit: Option<Fit>,
}

/// The slope that was judged, and the part of the curve that it was judged on.
#[derive(Debug, Serialize)]
struct Fit {
    from: u64,
    to: u64,
    /// At the end, mean of the processes.
    level: f64,
    /// By one place of the axis, with both ends of its interval.
    slopes: [f64; 3],
    words: String,
}

#[derive(Debug, Serialize)]
struct Mark {
    at: u64,
    words: String,
}

impl Plots {
    /// The drawing of recorded traces; where there are none, that of the curve which the result holds.
    pub(super) fn new(verdict: &VerdictReport, traces: &[Trace]) -> Self {
        let traces: Vec<&Trace> = traces.iter().collect();
        let is_ramp = traces.iter().any(|t| t.header.driver == Driver::Ramp);
        let lines = if is_ramp {
            vec!["all processes".to_owned()]
        } else {
            traces.iter().map(|trace| name(trace)).collect()
        };
        let series_of = |metric| -> Vec<Option<Series>> {
            if is_ramp {
                let ends = ramp::as_series(&traces, metric);
                return vec![ends.filter(|series| !series.is_empty())];
            }
            traces.iter().map(|t| t.get(metric).cloned()).collect()
        };
        let metrics = in_order(verdict)
            .into_iter()
            .map(|metric| (metric, series_of(metric)))
            .filter(|(_, series)| series.iter().any(Option::is_some))
            .map(|(metric, series)| Plot::new(metric, &series, verdict))
            .collect();
        Self {
            axis: verdict.axis,
            lines,
            metrics,
            marks: marks(verdict),
        }
    }
}

/// All metrics, the one that speaks for the verdict first.
fn in_order(verdict: &VerdictReport) -> Vec<Metric> {
    let first = match verdict.verdict {
        Some(VerdictKind::Spike) => Some(Metric::Peak),
        _ => verdict.metric,
    };
    let first = first.unwrap_or(Metric::Anon);
    let others = Metric::ALL.into_iter().filter(|metric| *metric != first);
    std::iter::once(first).chain(others).collect()
}

fn name(trace: &Trace) -> String {
    let number = trace.header.process;
    match trace.header.role {
        Role::Judged => format!("process {number}"),
        Role::Beside => format!("process {number}, not collected and not judged"),
    }
}

impl Plot {
    fn new(metric: Metric, series: &[Option<Series>], verdict: &VerdictReport) -> Self {
        let finding = verdict.findings.iter().find(|f| f.metric == metric);
        Self {
            name: metric.name(),
            words: words(metric),
            unit: match metric.unit() {
                Unit::Bytes => "bytes",
                Unit::Count => "count",
            },
            tolerance: finding.map_or(0.0, |finding| tolerated(finding, verdict.axis)),
            series: series
                .iter()
                .map(|series| series.as_ref().map(Thinned::new))
                .collect(),
            fit: finding.and_then(|finding| Fit::new(finding, verdict.axis)),
        }
    }
}

fn tolerated(finding: &Finding, axis: Axis) -> f64 {
    let is_level = finding.metric.unit() == Unit::Bytes && finding.status != Status::Leak;
    if is_level && finding.tolerance.is_finite() {
        finding.tolerance / axis.places()
    } else {
        0.0
    }
}

impl Fit {
    fn new(finding: &Finding, axis: Axis) -> Option<Self> {
        let slope = finding.slope;
        let known = [slope.estimate, slope.low, slope.high, finding.level];
        known.iter().all(|number| number.is_finite()).then(|| Self {
            from: finding.tail_start,
            to: finding.iterations,
            level: finding.level,
            slopes: [slope.estimate, slope.low, slope.high].map(|s| s / axis.places()),
            words: text::slope(&slope, finding.metric, axis),
        })
    }
}

fn marks(verdict: &VerdictReport) -> Vec<Mark> {
    let axis = verdict.axis;
    let began = verdict.began.map(|at| Mark {
        at,
        words: format!("it grows from {}", text::place(at, axis)),
    });
    let spike = verdict.spikes.as_ref().map(|spikes| Mark {
        at: spikes.at,
        words: format!("highest at {}", text::place(spikes.at, axis)),
    });
    began.into_iter().chain(spike).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Header;

    fn trace(process: u32, driver: Driver) -> Trace {
        let mut trace = Trace::new(Header {
            process,
            driver,
            ..Header::default()
        });
        let last = u64::from(process) * 10;
        trace.push(Metric::Anon, last, 4096);
        trace.push(Metric::Fds, last, 3);
        trace
    }

    fn drawn(traces: &[Trace], metric: Option<Metric>) -> serde_json::Value {
        let verdict = VerdictReport {
            metric,
            ..VerdictReport::default()
        };
        serde_json::to_value(Plots::new(&verdict, traces)).unwrap()
    }

    #[test]
    fn the_deciding_metric_is_drawn_first_with_a_line_a_process() {
        let traces = [trace(1, Driver::Step), trace(2, Driver::Step)];
        let plots = drawn(&traces, Some(Metric::Fds));
        assert_eq!(
            plots["lines"],
            serde_json::json!(["process 1", "process 2"])
        );
        let names = ["fds", "anon"].map(serde_json::Value::from);
        for (plot, name) in plots["metrics"].as_array().unwrap().iter().zip(names) {
            assert_eq!(plot["name"], name);
            assert_eq!(plot["series"].as_array().unwrap().len(), 2);
        }
    }

    #[test]
    fn the_processes_of_a_ramp_are_one_line() {
        let traces = [trace(2, Driver::Ramp), trace(1, Driver::Ramp)];
        let plots = drawn(&traces, None);
        assert_eq!(plots["lines"], serde_json::json!(["all processes"]));
        assert_eq!(
            plots["metrics"][0]["series"][0]["at"],
            serde_json::json!([10, 10, 1])
        );
    }
}
