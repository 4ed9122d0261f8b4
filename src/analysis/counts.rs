//! Counts (descriptors, threads, children): exact, so that a rise in every block is proof.

use crate::stats::{Line, ordinary_least_squares, student_upper, theil_sen};
use crate::trace::Axis;

use super::rule::mean_and_sd;
use super::series::Aligned;
use super::verdict::{Finding, Interval, Shape, Status};

/// Blocks a run is cut into.
const BLOCKS: usize = 8;
/// Iterations that a block spans at least; on other axes, samples.
const LEAST_SPAN: u64 = 2;
/// Rises from sample to sample at least, over all processes.
const LEAST_RISES: usize = 8;

/// Judges a count: a leak if the least of every block is above that of the block before, in
/// every process, and the growth is more than the case allows. Stable if most processes do not
/// grow over the later half. None with too few samples for the blocks.
pub(super) fn judge(aligned: &Aligned) -> Option<Finding> {
    let length = aligned.len() / BLOCKS;
    let each = match aligned.axis {
        Axis::Iterations => aligned.stride,
        Axis::Seconds | Axis::Lines => 1,
    };
    if length as u64 * each < LEAST_SPAN {
        return None;
    }
    let tail_start = aligned.len() - length * BLOCKS;
    let minima: Vec<Vec<f64>> = aligned
        .samples
        .iter()
        .map(|y| {
            y[tail_start..]
                .chunks_exact(length)
                .map(|block| block.iter().copied().fold(f64::INFINITY, f64::min))
                .collect()
        })
        .collect();
    let growth = |w: &[f64]| w[BLOCKS - 1] - w[0];
    let rises: usize = aligned
        .samples
        .iter()
        .map(|y| y.windows(2).filter(|pair| pair[1] > pair[0]).count())
        .sum();
    let every_block = minima
        .iter()
        .all(|w| w.windows(2).all(|pair| pair[1] > pair[0]));
    let allowed = minima.iter().any(|w| growth(w) <= aligned.tolerance);
    let late = minima
        .iter()
        .filter(|w| w[BLOCKS - 1] > w[BLOCKS / 2] && growth(w) > aligned.tolerance)
        .count();
    let (status, shape) = if every_block && !allowed && rises >= LEAST_RISES {
        (Status::Leak, "rising in every block")
    } else if 2 * late <= minima.len() {
        let shape = if minima.iter().any(|w| growth(w) > 0.0) {
            "warm-up then plateau"
        } else {
            "flat"
        };
        (Status::Stable, shape)
    } else {
        (Status::Unsettled, "rising at times")
    };
    let step = length as f64 * aligned.unit();
    let slopes: Vec<f64> = minima.iter().map(|w| theil_sen(w) / step).collect();
    let (mean, sd) = mean_and_sd(&slopes);
    let k = slopes.len();
    let resolution = 1.0 / ((BLOCKS - 1) as f64 * step);
    let between = if k >= 2 {
        student_upper(0.025, (k - 1) as f64) * sd / (k as f64).sqrt()
    } else {
        0.0
    };
    let lines: Vec<Line> = minima.iter().map(|w| ordinary_least_squares(w)).collect();
    let variance: f64 = lines.iter().map(|l| l.variance(BLOCKS)).sum::<f64>() / (step * step);
    Some(Finding {
        metric: aligned.metric,
        status,
        shape: Shape(shape.to_owned()),
        slope: Interval {
            estimate: mean,
            low: mean - between - resolution,
            high: mean + between + resolution,
        },
        slopes,
        se_within: variance.sqrt() / k as f64,
        r2: lines.iter().map(Line::r2).sum::<f64>() / k as f64,
        tolerance: aligned.tolerance,
        detection_limit: 1.0 / step,
        excluded_above: None,
        iterations: aligned.iterations(),
        tail_start: tail_start as u64 * aligned.stride,
        leaking: match status {
            Status::Leak => (1..=k as u32).collect(),
            Status::Stable | Status::Unsettled => Vec::new(),
        },
        level: minima.iter().map(|w| w[BLOCKS - 1]).sum::<f64>() / k as f64,
        route: (status == Status::Leak).then(|| "blocks".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::verdict::Policy;
    use crate::trace::{Header, Metric, Trace};

    fn finding(n: u64, allowed: f64, count: impl Fn(u64, u64) -> u64) -> Option<Finding> {
        let traces: Vec<Trace> = (0..3)
            .map(|k| {
                let mut trace = Trace::new(Header::default());
                for at in 0..=n {
                    trace.push(Metric::Fds, at, count(k, at));
                }
                trace
            })
            .collect();
        let traces: Vec<&Trace> = traces.iter().collect();
        let policy = Policy {
            tolerances: [(Metric::Fds, allowed)].into(),
            ..Policy::default()
        };
        judge(&Aligned::new(&traces, Metric::Fds, n, &policy)?)
    }

    #[test]
    fn a_descriptor_lost_in_every_iteration_is_a_leak_with_its_slope() {
        let got = finding(240, 0.0, |_, at| 5 + at).unwrap();
        assert_eq!((got.status, got.slope.estimate), (Status::Leak, 1.0));
        assert_eq!(got.leaking, [1, 2, 3]);
    }

    #[test]
    fn one_process_that_does_not_rise_acquits() {
        let got = finding(240, 0.0, |k, at| if k == 0 { 5 } else { 5 + at }).unwrap();
        assert_ne!(got.status, Status::Leak);
    }

    #[test]
    fn a_pool_that_is_full_before_half_of_the_run_is_stable() {
        let got = finding(240, 0.0, |_, at| 5 + at.min(100)).unwrap();
        assert_eq!(got.status, Status::Stable);
        assert_eq!(finding(240, 0.0, |_, _| 5).unwrap().shape.0, "flat");
    }

    #[test]
    fn growth_that_the_case_allows_is_stable() {
        assert_eq!(
            finding(240, 300.0, |_, at| 5 + at).unwrap().status,
            Status::Stable
        );
    }

    #[test]
    fn a_count_that_is_read_now_and_then_is_judged_by_what_was_read() {
        // One of the processes is read at every 16th iteration.
        let judged = |n, count: fn(u64) -> u64| {
            let traces = [1, 16].map(|stride| {
                let mut trace = Trace::new(Header::default());
                for at in (0..=n).step_by(stride) {
                    trace.push(Metric::Fds, at, count(at));
                }
                trace
            });
            let traces: Vec<&Trace> = traces.iter().collect();
            judge(&Aligned::new(&traces, Metric::Fds, n, &Policy::default())?)
        };
        assert_eq!(judged(200, |at| at).unwrap().status, Status::Leak);
        assert_eq!(judged(200, |_| 5).unwrap().status, Status::Stable);
        assert_eq!(judged(200, |at| at.min(90)).unwrap().status, Status::Stable);
        assert!(judged(100, |at| at).is_none());
    }

    #[test]
    fn too_few_samples_tell_nothing() {
        assert!(finding(15, 0.0, |_, at| at).is_none());
        assert!(finding(16, 0.0, |_, at| at).is_some());
    }
}
