//! Two fits of one case: whether memory changed, by intervals.

use serde::{Deserialize, Serialize};

use super::fit::{Fit, Level, Slope, Surroundings};
use super::reference::Reference;
use super::words;
use crate::analysis::Interval;
use crate::stats::{Change, Mean, student_upper};
use crate::trace::{Axis, Driver, Metric, Unit};

/// The chance of calling a case higher that has not changed, over all that is compared of it; and
/// as much for lower.
const TAIL: f64 = 0.025;
/// The largest difference of a base or a peak that counts as none: bytes, and a share of the old.
const LEVEL_MARGIN: (f64, f64) = ((4 << 20) as f64, 0.1);
/// Things more over a run that count as none, where the case allows no other number.
const COUNT_MARGIN: f64 = 8.0;
/// Over time and lines two runs are as long where they differ by no more than this factor.
const AS_LONG: f64 = 1.25;

/// What became of a case since its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComparisonKind {
    /// All differences are proven to be within what counts as none.
    Unchanged,
    /// Something is proven to be less, and nothing to be more.
    Improved,
    /// Something is proven to be more.
    Regressed,
    /// The two were not measured alike, so that nothing follows.
    Incomparable,
    /// Neither is proven.
    Inconclusive,
}

impl ComparisonKind {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Improved => "improved",
            Self::Regressed => "regressed",
            Self::Incomparable => "incomparable",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// The slope of a metric.
    Slope(Metric),
    /// What a process holds at the end.
    Base,
    /// The highest resident bytes.
    Peak,
}

/// One statistic, before and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What is compared.
    pub of: Statistic,
    /// What became of it.
    pub kind: ComparisonKind,
    /// The baseline's, with its 95 % interval.
    pub before: Interval,
    /// This run's, likewise.
    pub now: Interval,
    /// Now less before, with the 95 % interval of Welch.
    pub difference: Interval,
    /// The largest difference that counts as none.
    pub margin: f64,
}

/// What became of a case since its baseline, and why that is said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What became of it.
    pub kind: ComparisonKind,
    /// Why, in a sentence.
    pub reason: String,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Reference::is_baseline")]
    pub against: Reference,
    /// What the slopes are counted by.
    pub axis: Axis,
    /// All that was compared, what decides first.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Two that nothing follows from.
    pub fn incomparable(reason: impl Into<String>, axis: Axis) -> Self {
        Self {
            kind: ComparisonKind::Incomparable,
            reason: reason.into(),
            against: Reference::Baseline,
            axis,
            differences: Vec::new(),
        }
    }

    /// The same, with what they are compared with.
    #[must_use]
    pub fn with(self, against: &Reference) -> Self {
        Self {
            against: against.clone(),
            ..self
        }
    }
}

/// Compares a run with the baseline of its case.
///
/// *Regressed* needs an interval above zero and an estimate above half of what counts as none. It is one that
/// holds for all statistics of the case together: the chance that a case which has not changed
/// is called regressed is at most 2.5 %. *Unchanged* needs the whole 95 % interval of every
/// statistic within what counts as none.
pub fn compare(before: &Fit, now: &Fit) -> Comparison {
    compare_with(&Reference::Baseline, before, now)
}

/// The same, where `before` is of another side that was measured beside it: what was asked to differ is
/// no reason against comparing.
pub fn compare_with(against: &Reference, before: &Fit, now: &Fit) -> Comparison {
    if let Some(reason) = why_incomparable(against, before, now) {
        return Comparison::incomparable(reason, now.axis).with(against);
    }
    let length = now.iterations as f64 / now.axis.places();
    let slopes: Vec<(Metric, &Slope, &Slope)> = before
        .slopes
        .iter()
        .filter_map(|(&metric, old)| Some((metric, old, now.slopes.get(&metric)?)))
        .collect();
    let levels: Vec<(Statistic, &Level, &Level)> = [
        (Statistic::Base, &before.base, &now.base),
        (Statistic::Peak, &before.peak, &now.peak),
    ]
    .into_iter()
    .filter_map(|(of, old, new)| Some((of, old.as_ref()?, new.as_ref()?)))
    .collect();
    // Counts are exact, and what is nothing on both sides can not rise: no share of the chance of a
    // mistake is theirs.
    let blurred = slopes.iter().filter(|(metric, old, new)| {
        !is_exact(*metric) && (old.estimate > 0.0 || new.estimate > 0.0)
    });
    let shares = (blurred.count() + levels.len()).max(1) as f64;
    let of_slopes = slopes.into_iter().map(|(metric, old, new)| {
        let (margin, tail) = if is_exact(metric) {
            (new.tolerance.max(COUNT_MARGIN) / length.max(1.0), TAIL)
        } else {
            (new.tolerance, TAIL / shares)
        };
        difference(
            Statistic::Slope(metric),
            (rising(old), rising(new)),
            margin,
            tail,
        )
    });
    let of_levels = levels.into_iter().map(|(of, old, new)| {
        let margin = LEVEL_MARGIN.0.max(LEVEL_MARGIN.1 * old.bytes);
        difference(of, (old.mean(), new.mean()), margin, TAIL / shares)
    });
    let mut differences: Vec<Difference> = of_slopes.chain(of_levels).collect();
    let any = |kind| differences.iter().any(|d| d.kind == kind);
    let kind = if any(ComparisonKind::Regressed) {
        ComparisonKind::Regressed
    } else if any(ComparisonKind::Improved) {
        ComparisonKind::Improved
    } else if any(ComparisonKind::Inconclusive) {
        ComparisonKind::Inconclusive
    } else {
        ComparisonKind::Unchanged
    };
    differences.sort_by_key(|d| d.kind != kind);
    Comparison {
        kind,
        reason: words::reason(kind, &differences, against, now),
        against: against.clone(),
        axis: now.axis,
        differences,
    }
}

/// A slope, where one below zero is none: what has shrunk before and shrinks no more does not grow.
fn rising(slope: &Slope) -> Mean {
    let mean = slope.mean();
    Mean {
        value: mean.value.max(0.0),
        ..mean
    }
}

fn is_exact(metric: Metric) -> bool {
    metric.unit() == Unit::Count && metric != Metric::Blocks
}

fn difference(of: Statistic, (old, new): (Mean, Mean), margin: f64, tail: f64) -> Difference {
    let shown = new.above(&old, TAIL);
    let kind = match new.above(&old, tail).change(margin) {
        Change::Higher => ComparisonKind::Regressed,
        Change::Lower => ComparisonKind::Improved,
        Change::Equivalent | Change::Unclear => match shown.change(margin) {
            Change::Equivalent => ComparisonKind::Unchanged,
            Change::Higher | Change::Lower | Change::Unclear => ComparisonKind::Inconclusive,
        },
    };
    Difference {
        of,
        kind,
        before: interval(&old),
        now: interval(&new),
        difference: Interval {
            estimate: shown.difference,
            low: shown.low,
            high: shown.high,
        },
        margin,
    }
}

fn interval(mean: &Mean) -> Interval {
    let half = student_upper(TAIL, mean.df) * mean.se;
    Interval {
        estimate: mean.value,
        low: mean.value - half,
        high: mean.value + half,
    }
}

/// What keeps two fits from being compared, in a sentence.
fn why_incomparable(against: &Reference, before: &Fit, now: &Fit) -> Option<String> {
    let mut differs = surroundings(against, &before.surroundings, &now.surroundings);
    if before.axis != now.axis {
        differs.push("what its samples are plotted against".to_owned());
    } else if !as_long(before, now) {
        differs.push(format!(
            "how long it ran: {}, then {}",
            words::length(now),
            words::length(before)
        ));
    }
    for metric in [Metric::Live, Metric::Anon] {
        let (then, today) = (
            before.slopes.contains_key(&metric),
            now.slopes.contains_key(&metric),
        );
        if then != today && before.processes > 1 && now.processes > 1 {
            let name = metric.name();
            differs.push(if then {
                format!("`{name}`, which is not read any more")
            } else {
                format!("`{name}`, which was not read then")
            });
        }
    }
    if !differs.is_empty() {
        let differs = differs.join("; ");
        let thing = against.thing();
        return Some(format!("this differs from {thing}: {differs}"));
    }
    let alone = before.slopes.is_empty() || now.slopes.is_empty();
    alone.then(|| {
        "a comparison needs two processes at least on both sides, better three (`--processes 3`)"
            .to_owned()
    })
}

/// A slope is compared over the same iterations: what warms up is steeper before.
fn as_long(before: &Fit, now: &Fit) -> bool {
    let ratio = now.iterations as f64 / before.iterations.max(1) as f64;
    if before.axis == Axis::Iterations && before.surroundings.driver == Driver::Step {
        before.iterations == now.iterations
    } else {
        (1.0 / AS_LONG..=AS_LONG).contains(&ratio)
    }
}

fn surroundings(against: &Reference, before: &Surroundings, now: &Surroundings) -> Vec<String> {
    let mut differs = Vec::new();
    let mut check = |what: &str, then: String, today: String| {
        if then != today {
            differs.push(format!("{what} is {today}, and was {then}"));
        }
    };
    check(
        "the platform",
        before.platform.clone(),
        now.platform.clone(),
    );
    if !against.is_of_the_runtime() {
        check("the runtime", before.runtime.clone(), now.runtime.clone());
    }
    check(
        "the allocator",
        before.allocator.clone(),
        now.allocator.clone(),
    );
    let heap = |s: &Surroundings| format!("{:?}", s.heap).to_lowercase();
    check("the heap that is read", heap(before), heap(now));
    check(
        "a page",
        format!("{} B", before.page),
        format!("{} B", now.page),
    );
    check(
        "its driver",
        before.driver.name().to_owned(),
        now.driver.name().to_owned(),
    );
    check(
        "the number of runs between two samples",
        before.batch.to_string(),
        now.batch.to_string(),
    );
    let yes_or_no = |yes: bool| if yes { "on" } else { "off" }.to_owned();
    check(
        "the count of the whole heap",
        yes_or_no(before.complete),
        yes_or_no(now.complete),
    );
    check(
        "forced collection",
        yes_or_no(before.collected),
        yes_or_no(now.collected),
    );
    check(
        "trimming",
        yes_or_no(before.trimmed),
        yes_or_no(now.trimmed),
    );
    if before.target != now.target && !against.is_of_the_code() {
        differs.push("what the case runs was changed since".to_owned());
    }
    differs
}
