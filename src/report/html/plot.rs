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
    /// In the middle of that part, mean of the processes.
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
        let lines: Vec<Line> = if is_ramp {
            vec![Line::of_all()]
        } else {
            traces.iter().map(|trace| Line::of(trace)).collect()
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
            .map(|(metric, series)| Plot::new(metric, &series, &lines, verdict))
            .collect();
        Self {
            axis: verdict.axis,
            lines: lines.into_iter().map(|line| line.name).collect(),
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

/// What a line of a plot is of.
struct Line {
    name: String,
    role: Role,
    /// None where it is of all.
    process: Option<u32>,
}

impl Line {
    fn of(trace: &Trace) -> Self {
        let (number, role) = (trace.header.process, trace.header.role);
        Self {
            name: match role {
                Role::Judged => format!("process {number}"),
                Role::Beside => format!("process {number}, not collected and not judged"),
            },
            role,
            process: Some(number),
        }
    }

    /// That of a ramp, which has a point a process.
    fn of_all() -> Self {
        Self {
            name: "all processes".to_owned(),
            role: Role::Judged,
            process: None,
        }
    }

    /// Whether its slope is in that of the finding: where some leak it is theirs.
    fn speaks(&self, finding: &Finding) -> bool {
        let leaks = |process: u32| finding.leaking.is_empty() || finding.leaking.contains(&process);
        self.role == Role::Judged && self.process.is_none_or(leaks)
    }
}

impl Plot {
    fn new(
        metric: Metric,
        series: &[Option<Series>],
        lines: &[Line],
        verdict: &VerdictReport,
    ) -> Self {
        let finding = verdict.findings.iter().find(|f| f.metric == metric);
        let fit = |finding: &Finding| {
            let all = series.iter().zip(lines);
            let speaking = all.filter(|(_, line)| line.speaks(finding));
            let speaking: Vec<&Series> = speaking.filter_map(|(s, _)| s.as_ref()).collect();
            Fit::new(finding, &speaking, verdict.axis)
        };
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
            fit: finding.and_then(fit),
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
    fn new(finding: &Finding, series: &[&Series], axis: Axis) -> Option<Self> {
        let slope = finding.slope;
        let slopes = [slope.estimate, slope.low, slope.high].map(|slope| slope / axis.places());
        let (from, to) = (finding.tail_start, finding.iterations);
        let middle = f64::midpoint(from as f64, to as f64);
        let levels: Vec<f64> = series
            .iter()
            .filter_map(|series| level(series, (from, to), middle, slopes[0]))
            .collect();
        let level = levels.iter().sum::<f64>() / levels.len() as f64;
        let is_known = level.is_finite() && slopes.iter().all(|slope| slope.is_finite());
        (is_known && from < to).then(|| Self {
            from,
            to,
            level,
            slopes,
            words: text::slope(&slope, finding.metric, axis),
        })
    }
}

/// Where a line of this slope through the readings passes the middle: half of them are above it.
fn level(series: &Series, (from, to): (u64, u64), middle: f64, slope: f64) -> Option<f64> {
    let readings = series.at.iter().zip(&series.values);
    let mut left: Vec<f64> = readings
        .filter(|(at, _)| (from..=to).contains(*at))
        .map(|(&at, &value)| value as f64 - slope * (at as f64 - middle))
        .collect();
    left.sort_by(f64::total_cmp);
    let half = left.len() / 2;
    let below = if left.len().is_multiple_of(2) {
        half.checked_sub(1)?
    } else {
        half
    };
    Some(f64::midpoint(*left.get(below)?, *left.get(half)?))
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
    fn the_judged_slope_is_drawn_through_the_readings() {
        let mut series = Series::default();
        for at in 0..=100 {
            series.push(at, 1_000 + 64 * at);
        }
        assert_eq!(
            level(&series, (20, 100), 60.0, 64.0),
            Some(1_000.0 + 64.0 * 60.0)
        );
        assert_eq!(level(&series, (200, 300), 250.0, 64.0), None);
        assert_eq!(level(&Series::default(), (0, 10), 5.0, 1.0), None);
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
