//! From traces and what they show to the scene.

use super::run::{PlotError, Run, Wish, axis_of, metric_of, word};
use super::scene::{Curve, Fit, Form, Place, Scale, Scene};
use super::ticks::Quantity;
use super::{marks, parts};
use crate::analysis::{Finding, VerdictKind};
use crate::report::{explain, limits, ramp, text};
use crate::stats::median;
use crate::trace::{Axis, Metric, Role, Series, Trace, Unit};

/// More processes than this share one colour and one line of the legend.
const APART: usize = 6;
/// The room about the readings, as a share of their range.
const ROOM: f64 = 0.06;

/// One run on the axes that were chosen.
pub(super) struct Placed<'a, 'b> {
    pub(super) run: &'b Run<'a>,
    /// What is drawn of it.
    pub(super) metric: Metric,
    /// Milliseconds of an iteration, where iterations are drawn over time; else 1.
    pub(super) pace: f64,
    /// Whether iterations are drawn over time.
    timed: bool,
    /// Its colour, where there are several runs.
    pub(super) colour: Option<usize>,
}

/// The scene of some runs.
pub fn scene(runs: &[Run], wish: &Wish) -> Result<Scene, PlotError> {
    let metric = metric_of(runs, wish)?;
    let axis = axis_of(runs, wish)?;
    let mut placed = Vec::new();
    for (k, run) in runs.iter().enumerate() {
        placed.push(Placed {
            run,
            metric,
            pace: pace(run, axis)?,
            timed: run.axis() != axis,
            colour: (runs.len() > 1).then_some(k),
        });
    }
    let curves: Vec<Curve> = placed.iter().flat_map(Placed::curves).collect();
    let fits: Vec<Fit> = placed.iter().filter_map(Placed::fit).collect();
    let quantity = match metric.unit() {
        Unit::Bytes => Quantity::Bytes,
        Unit::Count => Quantity::Count,
    };
    let (x, y) = (along(axis, &curves), up(quantity, metric, &placed, &curves));
    let mut scene = Scene {
        title: title(runs, metric, wish),
        lines: placed
            .iter()
            .flat_map(|one| lines(one, runs.len()))
            .collect(),
        cut: None,
        moments: placed
            .iter()
            .filter_map(marks::began)
            .chain(placed.iter().flat_map(parts::phases))
            .collect(),
        limits: Vec::new(),
        notes: placed.iter().flat_map(marks::notes).collect(),
        x,
        y,
        curves,
        fits,
    };
    if let [one] = placed.as_slice() {
        scene.cut = marks::cut(one);
    }
    marks::limits(&placed, &mut scene);
    Ok(scene)
}

/// How many of the axis an iteration takes.
fn pace(run: &Run, axis: Axis) -> Result<f64, PlotError> {
    if run.axis() == axis {
        return Ok(1.0);
    }
    let seconds = limits::seconds_an_iteration(&run.traces).filter(|_| !run.is_ramp());
    let seconds = seconds.ok_or_else(|| PlotError::NoTime(run.name.clone()))?;
    Ok(seconds * 1000.0)
}

fn title(runs: &[Run], metric: Metric, wish: &Wish) -> String {
    let title = match (&wish.title, runs) {
        (Some(title), _) => title.clone(),
        (None, [run]) => run.name.clone(),
        (None, runs) => format!("{} of {} runs", explain::words(metric), runs.len()),
    };
    text::printable(&title)
}

/// What stands below the title: of one run its verdict and its facts, of several a line each.
fn lines(placed: &Placed, runs: usize) -> Vec<String> {
    let run = placed.run;
    let verdict = &run.verdict;
    let kind = verdict.verdict.map_or("not judged", VerdictKind::name);
    let figures = explain::figures(verdict, false);
    let judged = verdict.spikes.is_some()
        || verdict
            .findings
            .iter()
            .any(|finding| Some(finding.metric) == verdict.metric);
    let said = if figures.is_empty() || !judged {
        let length = text::length(verdict.iterations, verdict.axis);
        format!("not judged: too few samples in {length}")
    } else {
        format!("{kind}: {figures}")
    };
    if runs > 1 {
        return vec![text::printable(&format!("{}: {said}", run.name))];
    }
    let mut facts = vec![
        parts::counted(placed),
        text::length(verdict.iterations, verdict.axis),
    ];
    let runtime = run.traces.first().map(|t| &t.header.environment.runtime);
    facts.extend(runtime.filter(|runtime| !runtime.is_empty()).cloned());
    if placed.timed {
        let each = text::about(placed.pace * 1e3);
        facts.push(format!("an iteration drawn as its mean, {each} µs"));
    }
    vec![said, text::printable(&facts.join(" · "))]
}

impl Placed<'_, '_> {
    /// The metric between the peaks.
    pub(super) fn floor(&self) -> Metric {
        match self.metric {
            Metric::Peak if self.run.metrics().contains(&Metric::Anon) => Metric::Anon,
            Metric::Peak => Metric::Pss,
            other => other,
        }
    }

    /// A place of its traces on the axis.
    pub(super) fn x(&self, at: u64) -> f64 {
        at as f64 * self.pace
    }

    pub(super) fn points(&self, series: &Series) -> Vec<Place> {
        let pairs = series.at.iter().zip(&series.values);
        pairs.map(|(&at, &y)| (self.x(at), y as f64)).collect()
    }

    /// What was judged of the metric that is drawn, or of the floor below its peaks.
    pub(super) fn finding(&self) -> Option<&Finding> {
        let of = |metric| {
            let mut findings = self.run.verdict.findings.iter();
            findings.find(move |finding| finding.metric == metric)
        };
        of(self.metric).or_else(|| of(self.floor()))
    }

    fn curves(&self) -> Vec<Curve> {
        if self.run.is_ramp() {
            return self.ramp().into_iter().collect();
        }
        let judged = self.run.judged();
        let together = self.colour.is_some() || judged.len() > APART;
        let mut curves: Vec<Curve> = Vec::new();
        let mut floors: Vec<Curve> = Vec::new();
        for (k, trace) in judged.iter().enumerate() {
            let process = match &self.colour {
                Some(_) => self.run.name.clone(),
                None if together => format!("{} processes", judged.len()),
                None if !parts::of(self).is_empty() => "all processes".to_owned(),
                None => format!("process {}", trace.header.process.max(1)),
            };
            let colour = self.colour.unwrap_or(if together { 0 } else { k });
            let named = |name, curve| Curve {
                name: (!together || k == 0).then_some(name),
                ..curve
            };
            let curve = |form, metric| {
                let points = trace.get(metric).map(|series| self.points(series));
                Curve {
                    name: None,
                    colour,
                    form,
                    points: points.unwrap_or_default(),
                }
            };
            if self.metric == Metric::Peak {
                curves.push(named(process, curve(Form::Peaks, Metric::Peak)));
                floors.push(curve(Form::Beside, self.floor()));
            } else {
                curves.push(named(process, curve(Form::Samples, self.metric)));
            }
        }
        floors.retain(|floor| !floor.points.is_empty());
        if let Some(floor) = floors.first_mut().filter(|_| self.colour.is_none()) {
            floor.name = Some(format!(
                "between the peaks ({})",
                explain::words(self.floor())
            ));
        }
        curves.append(&mut floors);
        curves.extend(parts::curves(self));
        let beside = self.run.traces.iter().filter(|trace| {
            trace.header.role == Role::Beside && !judged.iter().any(|j| std::ptr::eq(*j, **trace))
        });
        for trace in beside.filter(|_| self.colour.is_none() && self.metric != Metric::Peak) {
            if let Some(series) = trace.get(self.metric) {
                curves.push(Curve {
                    name: Some("without forced collections".to_owned()),
                    colour: if together { 1 } else { judged.len() },
                    form: Form::Beside,
                    points: self.points(series),
                });
            }
        }
        curves
    }

    fn ramp(&self) -> Option<Curve> {
        let series = ramp::as_series(&self.run.traces, self.metric)?;
        let name = match self.colour {
            Some(_) => self.run.name.clone(),
            None => "one process each, at its end".to_owned(),
        };
        Some(Curve {
            name: Some(name),
            colour: self.colour.unwrap_or(0),
            form: Form::Points,
            points: self.points(&series),
        })
    }

    /// The line through the middle of what was judged.
    fn fit(&self) -> Option<Fit> {
        let finding = self.finding()?;
        let places = self.run.verdict.axis.places() * self.pace;
        let slope = finding.slope.estimate / places;
        // Where growth began within what was judged, the line is that of the growth.
        let began = self.run.verdict.began.unwrap_or(0);
        let (from, to) = (finding.tail_start.max(began), finding.iterations);
        if !slope.is_finite() || to <= from {
            return None;
        }
        let middle = f64::midpoint(self.x(from), self.x(to));
        let level = self.level_at(finding, (from, to), (middle, slope))?;
        let (low, high) = (finding.slope.low / places, finding.slope.high / places);
        let said = text::slope(&finding.slope, finding.metric, self.run.verdict.axis);
        Some(Fit {
            name: if finding.metric == self.metric {
                format!("fit {said}")
            } else {
                format!("fit of {} {said}", explain::words(finding.metric))
            },
            colour: self.colour,
            middle: (middle, level),
            reach: (self.x(from), self.x(to)),
            slope,
            interval: (low.is_finite() && high.is_finite()).then_some((low, high)),
        })
    }

    /// Where the line is in the middle: through the median of what the readings leave of it, mean of the
    /// processes whose slope it is.
    fn level_at(
        &self,
        finding: &Finding,
        (from, to): (u64, u64),
        (middle, slope): Place,
    ) -> Option<f64> {
        let judged = self.run.judged();
        let left = |series: &Series| {
            let mut left: Vec<f64> = self
                .points(series)
                .into_iter()
                .zip(&series.at)
                .filter(|(_, at)| (from..=to).contains(*at))
                .map(|((x, y), _)| y - slope * (x - middle))
                .collect();
            (!left.is_empty()).then(|| median(&mut left))
        };
        let levels: Vec<f64> = if let Some(series) = ramp::as_series(&judged, finding.metric) {
            left(&series).into_iter().collect()
        } else {
            let of = |trace: &&Trace| {
                let process = trace.header.process;
                finding.leaking.is_empty() || finding.leaking.contains(&process)
            };
            let leaking = judged.iter().filter(|trace| of(trace));
            leaking
                .filter_map(|trace| left(trace.get(finding.metric)?))
                .collect()
        };
        let mean = levels.iter().sum::<f64>() / levels.len() as f64;
        mean.is_finite().then_some(mean)
    }
}

fn along(axis: Axis, curves: &[Curve]) -> Scale {
    let all = || curves.iter().flat_map(|curve| &curve.points).map(|p| p.0);
    let high = all().fold(0.0, f64::max);
    let low = all().fold(f64::INFINITY, f64::min).min(high);
    // What starts late is no reason to leave the start out, unless most of it would be empty.
    let low = if low > 0.5 * high && low < high {
        low
    } else {
        0.0
    };
    Scale {
        quantity: match axis {
            Axis::Seconds => Quantity::Milliseconds,
            Axis::Iterations | Axis::Lines => Quantity::Along,
        },
        name: word(axis).to_owned(),
        low,
        // The last reading is not upon the edge.
        high: if high > 0.0 {
            high + 0.012 * (high - low)
        } else {
            1.0
        },
    }
}

/// The readings with some room; growth that counts as none shall look like none.
fn up(quantity: Quantity, metric: Metric, placed: &[Placed], curves: &[Curve]) -> Scale {
    let all = || curves.iter().flat_map(|curve| &curve.points).map(|p| p.1);
    let (mut low, mut high) = (
        all().fold(f64::INFINITY, f64::min),
        all().fold(0.0, f64::max),
    );
    low = low.min(high);
    let allowed = placed
        .iter()
        .filter(|one| one.run.verdict.verdict != Some(VerdictKind::Leak))
        .filter_map(|one| {
            let places = one.run.verdict.axis.places();
            let finding = one.finding()?;
            Some(finding.tolerance * one.run.verdict.iterations as f64 / places)
        })
        .filter(|allowed| allowed.is_finite())
        .fold(0.0, f64::max);
    let least = match quantity {
        Quantity::Bytes => 64.0,
        _ => 4.0,
    };
    let wanted = (high - low).max(allowed).max(least);
    let middle = f64::midpoint(low, high);
    if high - low < wanted {
        (low, high) = (middle - wanted / 2.0, middle + wanted / 2.0);
    }
    let room = ROOM * (high - low);
    let (mut bottom, mut top) = (low - room, high + room);
    if bottom < 0.25 * top {
        bottom = 0.0;
        top = top.max(wanted);
    }
    Scale {
        quantity,
        name: explain::words(metric).to_owned(),
        low: bottom,
        high: top,
    }
}
