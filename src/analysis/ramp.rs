//! A ramp: the last readings of independent processes against the counts that they were run with.

use crate::stats::{least_squares, pair_slopes, student_upper};
use crate::trace::{Axis, Metric, Trace};

use super::ramp_words as words;
use super::series::scale_of;
use super::verdict::{Finding, Interval, Policy, Shape, Status, Verdict, VerdictKind};

/// Where the judged counts begin, as a share of the largest: a fill that ends before is no leak.
const UPPER: f64 = 0.6;
/// Cells of the judged counts; each process draws its count within its cell, so that
/// no rhythm of the program is met.
const UPPER_CELLS: usize = 5;
/// Cells below, which tell whether growth slows down.
const LOWER_CELLS: [(f64, f64); 3] = [(0.15, 0.25), (0.35, 0.45), (0.5, 0.6)];
/// The tolerance of a peak: it counts mapped files too, which come in strides of 64 KiB.
const PEAK: f64 = 128.0;
/// Processes that a verdict needs above and below.
const LEAST_UPPER: usize = 8;
const LEAST_LOWER: usize = 4;
/// Standard deviations of S that prove growth: 5·10⁻⁴, one-sided.
const Z_LEAK: f64 = 3.290_526_731_491_9;
/// The same for the interval and for *stable*: 2.5 %, one-sided.
const Z_INTERVAL: f64 = 1.959_963_984_540_054;
/// The upper 1 % quantile of the normal distribution: the power of the detection limit is 99 %.
const Z99: f64 = 2.326_347_874_040_840_8;
/// The late-to-early ratio that a logarithm with t0 up to a quarter of the largest count shows over these
/// cells is 0.59 on average and 0.63 at most, that of a line is 1.
const SLOWEST: f64 = 0.65;
/// Level of the proof that growth does not slow down like that.
const STEADY: f64 = 1e-3;
/// Granules that the judged counts must grow by, from the first cell to the last.
const GRANULES: f64 = 8.0;
/// One cell may rise by this share of the growth, and fall by half of it: more is a step or a wave.
const RISE: f64 = 0.6;
const FALL: f64 = 0.5;
/// Late growth above this many times the early one is called accelerating.
const ACCELERATING: f64 = 1.5;
/// The measured power at the computed limit is 0.9 and more at this many times it.
const LIMIT_MARGIN: f64 = 1.5;

/// The counts that processes are run with: `each` in each cell, `draw` telling from 0 to below 1
/// where in it. The largest is always there.
pub fn ramp_counts(largest: u64, each: u32, draw: &mut dyn FnMut() -> f64) -> Vec<u64> {
    let width = (1.0 - UPPER) / UPPER_CELLS as f64;
    let upper = (0..UPPER_CELLS).map(|k| {
        let from = UPPER + k as f64 * width;
        (from, from + width)
    });
    let mut counts: Vec<u64> = LOWER_CELLS
        .into_iter()
        .chain(upper)
        .flat_map(|cell| (0..each).map(move |_| cell))
        .map(|(from, to)| {
            let share = from + (to - from) * draw();
            ((share * largest as f64).ceil() as u64).clamp(1, largest)
        })
        .collect();
    if let Some(last) = counts.last_mut() {
        *last = largest;
    }
    counts
}

/// What one metric says.
struct Judged {
    finding: Finding,
    /// Whether the lower end of the slope's interval is above the tolerance.
    grows: bool,
}

/// Decides from the processes of a ramp.
pub fn judge(traces: &[&Trace], policy: &Policy) -> Verdict {
    let metrics = match policy.only {
        Some(only) => vec![only],
        None => vec![Metric::Anon, Metric::Peak],
    };
    let last = |trace: &Trace| trace.get(Metric::Anon)?.at.last().copied();
    let largest = traces.iter().filter_map(|trace| last(trace)).max();
    let largest = largest.unwrap_or(0);
    let judged: Vec<Judged> = metrics
        .iter()
        .filter_map(|&metric| judge_metric(traces, metric, (largest, policy)))
        .collect();
    let children = highest(traces, Metric::Children);
    let leak = judged.iter().position(|j| j.finding.status == Status::Leak);
    let open = judged
        .iter()
        .position(|j| j.finding.status != Status::Stable);
    let (kind, lead) = match (leak, open) {
        (Some(lead), _) => (VerdictKind::Leak, lead),
        (None, Some(lead)) => (VerdictKind::Inconclusive, lead),
        (None, None) if judged.is_empty() || children > 0 => (VerdictKind::Inconclusive, 0),
        (None, None) => (VerdictKind::Stable, 0),
    };
    let grows = judged.get(lead).is_some_and(|j| j.grows);
    let mut findings: Vec<Finding> = judged.into_iter().map(|j| j.finding).collect();
    if lead < findings.len() {
        findings[..=lead].rotate_right(1);
    }
    let processes = traces.iter().filter(|trace| last(trace).is_some()).count();
    let remedy = (kind == VerdictKind::Inconclusive)
        .then(|| words::remedy(findings.first(), grows, children, (largest, processes)));
    let none = Interval {
        estimate: 0.0,
        low: 0.0,
        high: 0.0,
    };
    let lead = findings.first();
    Verdict {
        kind,
        metric: lead.map_or(Metric::Anon, |f| f.metric),
        shape: lead.map_or_else(
            || Shape("too few processes".to_owned()),
            |f| f.shape.clone(),
        ),
        slope: lead.map_or(none, |f| f.slope),
        detection_limit: lead.map_or(0.0, |f| f.detection_limit),
        axis: Axis::Iterations,
        iterations: largest,
        processes: processes as u32,
        began: None,
        spikes: None,
        peak: highest(traces, Metric::Peak),
        leak: None,
        explanation: Vec::new(),
        garbage: None,
        notes: words::notes(traces, kind, &findings, children),
        findings,
        remedy,
    }
}

fn highest(traces: &[&Trace], metric: Metric) -> u64 {
    traces
        .iter()
        .filter_map(|trace| trace.get(metric))
        .flat_map(|series| series.values.iter().copied())
        .max()
        .unwrap_or(0)
}

/// The counts below and above, with their readings.
struct Points {
    early: Vec<(f64, f64)>,
    late: Vec<(f64, f64)>,
    /// The least reading of each upper cell, and where it is: what disturbs a process adds memory.
    cells: Vec<(f64, f64)>,
}

impl Points {
    fn new(traces: &[&Trace], metric: Metric, largest: u64) -> Self {
        let largest = largest as f64;
        let all = traces.iter().filter_map(|trace| {
            let series = trace.get(metric)?;
            Some((*series.at.last()? as f64, *series.values.last()? as f64))
        });
        let (late, early): (Vec<_>, Vec<_>) = all.partition(|(x, _)| *x >= UPPER * largest);
        let cell_of = |x: f64| {
            let share = (x / largest - UPPER) / (1.0 - UPPER);
            ((share * UPPER_CELLS as f64) as usize).min(UPPER_CELLS - 1)
        };
        let cells = (0..UPPER_CELLS)
            .filter_map(|cell| {
                let inside = late.iter().filter(|(x, _)| cell_of(*x) == cell);
                inside.copied().min_by(|a, b| a.1.total_cmp(&b.1))
            })
            .collect();
        Self { early, late, cells }
    }

    fn growth(&self) -> f64 {
        match (self.cells.first(), self.cells.last()) {
            (Some(first), Some(last)) => last.1 - first.1,
            _ => 0.0,
        }
    }

    /// From the place of the first upper cell to that of the last.
    fn reach(&self) -> f64 {
        match (self.cells.first(), self.cells.last()) {
            (Some(first), Some(last)) => last.0 - first.0,
            _ => 0.0,
        }
    }

    /// Whether the growth is spread over the cells: no step makes most of it, and no fall takes
    /// much of it back.
    fn is_spread(&self) -> bool {
        let growth = self.growth();
        let steps = self.cells.windows(2).map(|pair| pair[1].1 - pair[0].1);
        steps.clone().fold(0.0, f64::max) <= RISE * growth
            && -steps.fold(0.0, f64::min) <= FALL * growth
    }
}

/// A slope by ranks with a standard error, which some odd processes do not spoil.
struct Slope {
    estimate: f64,
    se: f64,
    df: f64,
}

impl Slope {
    /// None without two places.
    fn new(points: &[(f64, f64)], granularity: f64) -> Option<Self> {
        let pairs = pair_slopes(points);
        let estimate = pairs.estimate()?;
        let line = least_squares(points);
        // One standard deviation of S to each side: the inner pairs, that odd ones do not reach.
        let half = (pairs.upper(1.0) - pairs.lower(1.0)) / 2.0;
        // The variance of the difference of two rounded readings, at least.
        let least = (granularity.powi(2) / 6.0 / line.spread).sqrt();
        (line.spread > 0.0).then_some(Self {
            estimate,
            se: half.max(least),
            df: points.len() as f64 - 2.0,
        })
    }
}

/// Late growth in excess of what a logarithm would show, with its standard error.
struct Steadiness {
    excess: f64,
    se: f64,
    critical: f64,
}

impl Steadiness {
    fn new(early: &Slope, late: &Slope) -> Self {
        let (late_part, early_part) = (late.se.powi(2), (SLOWEST * early.se).powi(2));
        let sum = late_part + early_part;
        // Welch and Satterthwaite
        let df = sum.powi(2) / (late_part.powi(2) / late.df + early_part.powi(2) / early.df);
        Self {
            excess: late.estimate - SLOWEST * early.estimate,
            se: sum.sqrt(),
            critical: student_upper(STEADY, df),
        }
    }
}

fn judge_metric(
    traces: &[&Trace],
    metric: Metric,
    (largest, policy): (u64, &Policy),
) -> Option<Judged> {
    let (default, granularity) = scale_of(traces, metric, largest);
    let default = if metric == Metric::Peak {
        PEAK
    } else {
        default
    };
    let tolerance = policy.tolerances.get(&metric).copied().unwrap_or(default);
    let points = Points::new(traces, metric, largest);
    if points.late.len() < LEAST_UPPER || points.early.len() < LEAST_LOWER {
        return None;
    }
    let pairs = pair_slopes(&points.late);
    let estimate = pairs.estimate()?;
    let late = Slope::new(&points.late, granularity)?;
    let early = Slope::new(&points.early, granularity)?;
    let steady = Steadiness::new(&early, &late);
    let resolution = granularity / points.reach().max(1.0);
    let low = pairs.lower(Z_INTERVAL) - resolution;
    let high = pairs.upper(Z_INTERVAL) + resolution;
    // A slope below zero can not buy a *stable*.
    let excluded = estimate.max(0.0) + (high - estimate);
    let persists = steady.excess / steady.se >= steady.critical;
    let proven = pairs.lower(Z_LEAK) > tolerance
        && points.growth() >= GRANULES * granularity
        && persists
        && points.is_spread();
    let status = if proven {
        Status::Leak
    } else if excluded < tolerance {
        Status::Stable
    } else {
        Status::Unsettled
    };
    let shape = match status {
        Status::Leak if late.estimate > ACCELERATING * early.estimate => "accelerating",
        Status::Leak => "linear",
        Status::Stable if early.estimate > tolerance.max(late.estimate) => "warm-up then plateau",
        Status::Stable => "flat",
        Status::Unsettled if low <= tolerance => "not settled",
        Status::Unsettled if !points.is_spread() => "growing by a step or in waves",
        Status::Unsettled if !persists => "growing, perhaps slowing",
        Status::Unsettled => "growing near the tolerance",
    };
    let limit = [
        tolerance + (Z_LEAK + Z99) * late.se,
        (steady.critical + Z99) * steady.se / (1.0 - SLOWEST),
        (GRANULES + 1.0) * resolution,
    ]
    .into_iter()
    .fold(tolerance, f64::max);
    let finding = Finding {
        metric,
        status,
        shape: Shape(shape.to_owned()),
        slope: Interval {
            estimate,
            low,
            high,
        },
        slopes: vec![estimate],
        se_within: late.se,
        r2: least_squares(&points.late).r2(),
        tolerance,
        detection_limit: LIMIT_MARGIN * limit,
        excluded_above: (status == Status::Stable).then_some(excluded),
        iterations: largest,
        tail_start: (UPPER * largest as f64) as u64,
        leaking: Vec::new(),
        level: points.cells.last().map_or(0.0, |(_, level)| *level),
        route: (status != Status::Unsettled).then(|| "ramp".to_owned()),
    };
    Some(Judged {
        grows: low > tolerance,
        finding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_count_is_run_and_every_cell_has_its_processes() {
        let mut state = 0.0;
        let mut draw = || {
            state = (state + 0.377) % 1.0;
            state
        };
        let counts = ramp_counts(5000, 3, &mut draw);
        assert_eq!(counts.len(), 24);
        assert_eq!(counts.iter().max(), Some(&5000));
        let upper = counts.iter().filter(|&&count| count >= 3000).count();
        assert_eq!(upper, 15);
        assert!(counts.iter().all(|&count| count >= 750));
        assert!(ramp_counts(1, 2, &mut draw).iter().all(|&count| count == 1));
    }
}
