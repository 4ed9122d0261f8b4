//! What one metric looks like, once it is judged: slope with its interval, form, and what could have been seen.

use crate::stats::{
    Excursions, Increments, excursions, increments, ordinary_least_squares, student_upper,
    theil_sen,
};

use super::rule::{
    A_POOL, A_STEADY, B_ALONE, B_STEADY, Call, FALL, GRANULES, Panel, QUANTILES, Route, Scale,
    Tail, isolated_step, mean_and_sd, take_out_step,
};
use super::verdict::Interval;

/// The upper 1 % quantile of the normal distribution: the power of the detection limit is 99 %.
const Z99: f64 = 2.326_347_874_040_840_8;
/// Index of the tail that describes an undecided metric: the later half.
const HALF: usize = 2;
/// Late growth above this many times the early one is called accelerating.
const ACCELERATING: f64 = 1.5;
/// The measured power at the computed limit is 0.66 to 1; at this many times it, 0.90 to 1.
const LIMIT_MARGIN: f64 = 1.5;

/// What one metric looks like; slopes by sample, levels in its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// In words; descriptive, without an error rate of its own.
    pub shape: String,
    /// The same, spikes left out of sight: the form of the floor.
    pub floor: String,
    /// The tail that was looked at: blocks, samples in a block, quantile that stands for a block.
    pub blocks: usize,
    /// Samples in a block.
    pub length: usize,
    /// The quantile that stands for a block.
    pub quantile: f64,
    /// Index of the tail's first sample.
    pub tail_start: usize,
    /// Mean Theil–Sen slope of the leaking processes (of all, if none leaks), 95 % interval.
    pub slope: Interval,
    /// Slope of each process.
    pub slopes: Vec<f64>,
    /// Mean share of variance explained by the line through the levels.
    pub r2: f64,
    /// Standard error of the mean slope from within the processes.
    pub se_within: f64,
    /// First and last level of the tail of each process.
    pub ends: Vec<(f64, f64)>,
    /// Stable: growth of this much or more is excluded (97.5 %).
    pub excluded_above: Option<f64>,
    /// Greatest height above the local base in any process.
    pub peak_over_base: f64,
    /// Excursions in the process that has the most, where they are rare enough to be spikes.
    pub spikes: usize,
    /// Whether a stable metric has spikes.
    pub spiky: bool,
}

/// Describes a metric for which the rule made this call.
pub fn describe(panel: &Panel<'_>, call: &Call) -> Description {
    let (index, leaking, stepped) = match call {
        Call::Leak {
            tail, processes, ..
        } => (*tail, processes.clone(), false),
        Call::Stable { tail, stepped } => (*tail, Vec::new(), *stepped),
        Call::Undecided => (HALF, Vec::new(), false),
    };
    let tail = &panel.tails[index];
    let (quantile, mut found) = panel.steadiest(tail, tail.rho);
    let (quantile, mut levels) = if let Call::Stable { .. } = call {
        let quantile = panel.fit(index, false).quantile;
        found = panel.increments(tail, quantile, tail.rho);
        (quantile, tail_levels(tail, quantile))
    } else {
        (quantile, tail_levels(tail, quantile))
    };
    let mut took_step = false;
    if stepped {
        for (w, found) in levels.iter_mut().zip(&mut found) {
            if isolated_step(w).is_some() {
                took_step = true;
                *w = take_out_step(w);
                *found = increments(w, tail.blocks, tail.rho, panel.scale.granularity);
            }
        }
    }
    let who: Vec<usize> = if leaking.is_empty() {
        (0..levels.len()).collect()
    } else {
        leaking.clone()
    };
    let estimate = estimate_slope(&levels, &found, &who, tail, panel.scale);
    let peaks: Vec<Option<Excursions>> = panel
        .samples
        .iter()
        .map(|y| excursions(y, panel.scale.granularity))
        .collect();
    let peaks: Vec<Excursions> = peaks.into_iter().flatten().collect();
    let spikes: Vec<&Excursions> = peaks
        .iter()
        .filter(|e| e.count >= 1 && e.duty <= 0.5)
        .collect();
    let length = tail.length as f64;
    let slopes = levels.iter().map(|w| theil_sen(w) / length).collect();
    let mut description = Description {
        shape: String::new(),
        floor: String::new(),
        blocks: tail.blocks,
        length: tail.length,
        quantile: QUANTILES[quantile],
        tail_start: panel.len() - tail.blocks * tail.length,
        slope: estimate.slope,
        slopes,
        r2: estimate.r2,
        se_within: estimate.se_within,
        ends: levels.iter().map(|w| (w[0], w[tail.blocks - 1])).collect(),
        excluded_above: None,
        peak_over_base: peaks
            .iter()
            .map(|e| e.highest)
            .fold(f64::NEG_INFINITY, f64::max),
        spikes: spikes.iter().map(|e| e.count).max().unwrap_or(0),
        spiky: false,
    };
    match call {
        Call::Leak { route, .. } => {
            description.floor = leak_shape(*route, &levels, &leaking, tail, panel);
        }
        Call::Stable { stepped, .. } => {
            description.excluded_above = Some(panel.excluded_above(*stepped));
            let saw = 2 * peaks.iter().filter(|e| e.sawtooth).count() >= panel.processes();
            description.spiky = 2 * spikes.len() >= panel.processes() && !saw;
            let floor = if saw {
                "sawtooth"
            } else if took_step {
                "one-time step"
            } else {
                stable_shape(panel, &levels, &description)
            };
            floor.clone_into(&mut description.floor);
            if description.spiky {
                spike_shape(&spikes).clone_into(&mut description.shape);
            }
        }
        Call::Undecided => {
            description.floor = undecided_shape(panel, &description, &peaks).to_owned();
        }
    }
    if description.shape.is_empty() {
        description.shape.clone_from(&description.floor);
    }
    description
}

fn tail_levels(tail: &Tail, quantile: usize) -> Vec<Vec<f64>> {
    tail.levels
        .iter()
        .map(|l| l.tail(quantile).to_vec())
        .collect()
}

struct Estimate {
    slope: Interval,
    r2: f64,
    se_within: f64,
}

/// Mean Theil–Sen slope; the interval takes the larger of the error from within the processes and
/// that between them, and adds the granularity over the tail.
fn estimate_slope(
    levels: &[Vec<f64>],
    found: &[Increments],
    who: &[usize],
    tail: &Tail,
    scale: Scale,
) -> Estimate {
    let (k, blocks, length) = (who.len(), tail.blocks, tail.length as f64);
    let slopes: Vec<f64> = who
        .iter()
        .map(|&p| theil_sen(&levels[p]) / length)
        .collect();
    let (mean, sd) = mean_and_sd(&slopes);
    let (mut by_lines, mut by_increments, mut r2) = (0.0, 0.0, 0.0);
    for &p in who {
        let line = ordinary_least_squares(&levels[p]);
        by_lines += line.variance(blocks) / (length * length);
        by_increments += (found[p].se / length).powi(2);
        r2 += line.r2() / k as f64;
    }
    let variance = f64::min(by_lines, by_increments);
    let mut half = student_upper(0.025, (k * (blocks - 2)) as f64) * variance.sqrt() / k as f64;
    if k >= 2 {
        half = half.max(student_upper(0.025, (k - 1) as f64) * sd / (k as f64).sqrt());
    }
    half += scale.granularity / ((blocks - 1) as f64 * length);
    Estimate {
        slope: Interval {
            estimate: mean,
            low: mean - half,
            high: mean + half,
        },
        r2,
        se_within: (variance / k as f64).sqrt(),
    }
}

fn leak_shape(
    route: Route,
    levels: &[Vec<f64>],
    leaking: &[usize],
    tail: &Tail,
    panel: &Panel<'_>,
) -> String {
    let excess = |rho: f64| -> f64 {
        leaking
            .iter()
            .map(|&p| increments(&levels[p], tail.blocks, rho, panel.scale.granularity).late_excess)
            .sum()
    };
    let late = excess(0.0);
    let early = late - excess(1.0);
    let form = if route == Route::Doubling {
        "amortised-doubling"
    } else if late > ACCELERATING * early.max(1e-9) {
        "accelerating"
    } else {
        "linear"
    };
    if leaking.len() < panel.processes() {
        format!(
            "{form} in {} of {} processes",
            leaking.len(),
            panel.processes()
        )
    } else {
        form.to_owned()
    }
}

fn spike_shape(spikes: &[&Excursions]) -> &'static str {
    let periodic = spikes.iter().filter(|e| e.period.is_some()).count();
    if periodic > 0 && 2 * periodic >= spikes.len() {
        "periodic spikes"
    } else if spikes.iter().all(|e| e.count == 1) {
        "one spike"
    } else {
        "irregular spikes"
    }
}

fn stable_shape(panel: &Panel<'_>, levels: &[Vec<f64>], found: &Description) -> &'static str {
    let Scale {
        tolerance,
        granularity,
    } = panel.scale;
    let k = levels.len() as f64;
    let early = (panel.len() / 50).max(1);
    let first: f64 = panel
        .samples
        .iter()
        .map(|y| y[..early].iter().copied().fold(f64::INFINITY, f64::min))
        .sum::<f64>()
        / k;
    let last: f64 = levels.iter().filter_map(|w| w.last()).sum::<f64>() / k;
    if found.slope.high < -tolerance {
        "shrinking"
    } else if found.slope.low > 0.1 * tolerance {
        "drift below the tolerance"
    } else if last - first >= (16.0 * granularity).max(3.0 * found.peak_over_base) {
        "warm-up then plateau"
    } else {
        "flat"
    }
}

fn undecided_shape(
    panel: &Panel<'_>,
    description: &Description,
    peaks: &[Excursions],
) -> &'static str {
    let tail = &panel.tails[0];
    let (quantile, found) = panel.steadiest(tail, tail.rho);
    let growth = found.iter().map(|i| i.mean).sum::<f64>()
        / found.iter().map(|i| i.se * i.se).sum::<f64>().sqrt();
    let steady: Vec<Increments> = tail
        .levels
        .iter()
        .map(|l| increments(l.tail(quantile), tail.blocks, 1.0, panel.scale.granularity))
        .collect();
    let slowing = steady.iter().map(|i| i.late_excess).sum::<f64>()
        / steady
            .iter()
            .map(|i| i.late_excess_se * i.late_excess_se)
            .sum::<f64>()
            .sqrt();
    let critical = student_upper(0.05, (panel.processes() * found[0].df) as f64);
    let steps = tail
        .levels
        .iter()
        .filter(|l| isolated_step(l.tail(quantile)).is_some())
        .count();
    if 2 * steps >= panel.processes() {
        "late step"
    } else if growth >= critical && slowing <= -critical {
        "growing but slowing"
    } else if description.slope.low > panel.scale.tolerance {
        "growing, steadiness not proven"
    } else if description.slope.low > 0.0 {
        "slow growth near the tolerance"
    } else if peaks.iter().any(|e| e.duty > 0.0) && peaks.iter().any(|e| e.sawtooth) {
        "long sawtooth"
    } else {
        "noisy"
    }
}

/// The smallest linear slope that the leak rule finds in this much noise with 99 % power, by sample.
///
/// Best of the tails; for each the largest of what growth, steadiness, granularity and falls demand.
pub fn detection_limit(panel: &Panel<'_>) -> f64 {
    let Scale {
        tolerance,
        granularity,
    } = panel.scale;
    let k = panel.processes();
    let best = panel.tails.iter().map(|tail| {
        let (_, found) = panel.steadiest(tail, tail.rho);
        let (blocks, length) = (tail.blocks as f64, tail.length as f64);
        let count = blocks - 1.0;
        // a leak brings quantisation noise of its own: increments vary by g²/4 at least
        let least = granularity * granularity * 0.25 * (count / (count - 2.0)).powi(2);
        let factor = |i: &Increments| (least / (i.se * i.se * count)).max(1.0);
        let pooled = |se: &dyn Fn(&Increments) -> f64| {
            found
                .iter()
                .map(|i| se(i) * se(i) * factor(i))
                .sum::<f64>()
                .sqrt()
                / k as f64
        };
        let own = found[0].df as f64;
        let all = (k as f64 * own).min(59.0);
        let (growth, steady) = if k == 1 {
            (student_upper(B_ALONE, own), student_upper(B_STEADY, own))
        } else {
            (student_upper(A_POOL, all), student_upper(A_STEADY, all))
        };
        let drop = found.iter().map(|i| i.drop).fold(0.0, f64::max);
        let span = count * length;
        (tolerance + (growth + Z99) * pooled(&|i| i.se) / length)
            .max((steady + Z99) * pooled(&|i| i.late_excess_se) / ((1.0 - tail.rho) * length))
            .max((GRANULES + 1.0) * granularity / span)
            .max(drop / FALL / span)
    });
    LIMIT_MARGIN * best.fold(f64::INFINITY, f64::min)
}
