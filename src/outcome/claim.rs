//! Whether what the data show is what the case claims.

use serde::{Deserialize, Serialize};

use crate::analysis::{Verdict, VerdictKind};
use crate::case::{Claim, Expectation, Limits};
use crate::trace::{Axis, Metric, Trace, Unit};
use crate::units::{Bytes, Rate};

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// It is as claimed.
    Passed,
    /// It is not as claimed.
    Failed,
    /// The evidence does not tell.
    Inconclusive,
    /// It could not be measured.
    Broken,
    /// It was not run.
    Skipped,
}

impl OutcomeKind {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::Broken => "broken",
            Self::Skipped => "skipped",
        }
    }
}

/// What became of a case, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What became of it.
    pub kind: OutcomeKind,
    /// Why, in a sentence.
    pub reason: String,
}

/// Growth of the things that are counted, over the whole run, in the process where it is largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Open descriptors.
    pub fds: u64,
    /// Threads.
    pub threads: u64,
    /// Child processes.
    pub children: u64,
}

impl Counts {
    /// The growth from the first reading to the last, in the process where it is largest.
    pub fn of(traces: &[&Trace]) -> Self {
        let growth = |metric| {
            traces
                .iter()
                .filter_map(|trace| trace.get(metric))
                .filter_map(|series| {
                    let (first, last) = (series.values.first()?, series.values.last()?);
                    Some(last.saturating_sub(*first))
                })
                .max()
                .unwrap_or(0)
        };
        Self {
            fds: growth(Metric::Fds),
            threads: growth(Metric::Threads),
            children: growth(Metric::Children),
        }
    }
}

impl Outcome {
    /// A case that could not be measured.
    pub fn broken(reason: impl Into<String>) -> Self {
        Self {
            kind: OutcomeKind::Broken,
            reason: reason.into(),
        }
    }

    /// A case that was not run, or not to its end.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self {
            kind: OutcomeKind::Skipped,
            reason: reason.into(),
        }
    }

    fn passed(reason: impl Into<String>) -> Self {
        Self {
            kind: OutcomeKind::Passed,
            reason: reason.into(),
        }
    }

    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self {
            kind: OutcomeKind::Failed,
            reason: reason.into(),
        }
    }

    fn inconclusive(reason: impl Into<String>) -> Self {
        Self {
            kind: OutcomeKind::Inconclusive,
            reason: reason.into(),
        }
    }

    /// Whether the data show what the case claims.
    ///
    /// A limit that was passed fails the case whatever was claimed and whatever the
    /// verdict. Beyond that an inconclusive verdict is neither a pass nor a fail.
    pub fn of(expect: &Expectation, limits: &Limits, verdict: &Verdict, counts: Counts) -> Self {
        if let Some(reason) = limit_passed(limits, verdict, counts) {
            return Self::failed(reason);
        }
        match (expect.claim, verdict.kind) {
            (_, VerdictKind::Inconclusive) => {
                let remedy = verdict.remedy.as_deref().unwrap_or(
                    "more iterations or more time might settle it (`--iterations`, `--time`)",
                );
                Self::inconclusive(format!("not enough evidence for a verdict: {remedy}"))
            }
            (Claim::Stable, VerdictKind::Stable) => Self::passed(format!(
                "no growth above the tolerance over {}",
                match verdict.axis {
                    Axis::Iterations => format!("{} iterations", verdict.iterations),
                    Axis::Lines => format!("{} lines", verdict.iterations),
                    Axis::Seconds =>
                        format!("{:.1} s", verdict.iterations as f64 / verdict.axis.places()),
                }
            )),
            (Claim::Leak, VerdictKind::Leak) => leak_as_claimed(expect, verdict),
            (Claim::Spike, VerdictKind::Spike) => {
                Self::passed("memory spikes and is given back, as claimed")
            }
            (Claim::Stable, VerdictKind::Leak) => {
                Self::failed("it leaks, and the case says that it is stable")
            }
            (Claim::Stable, VerdictKind::Spike) => {
                Self::failed("memory peaks far above its base, and the case says that it is stable")
            }
            (Claim::Leak, VerdictKind::Stable) => Self::failed(
                "the leak that the case claims no longer shows; if it was fixed, write `expect: stable`",
            ),
            (Claim::Leak, VerdictKind::Spike) => Self::failed(
                "the leak that the case claims does not show: memory peaks and is given back",
            ),
            (Claim::Spike, VerdictKind::Leak) => {
                Self::failed("it leaks, and the case says that memory only spikes")
            }
            (Claim::Spike, VerdictKind::Stable) => {
                Self::failed("the spike that the case claims does not show")
            }
        }
    }
}

fn leak_as_claimed(expect: &Expectation, verdict: &Verdict) -> Outcome {
    let Some((low, high)) = expect.slope else {
        return Outcome::passed("it leaks, as claimed");
    };
    if verdict.metric.unit() == Unit::Count {
        return Outcome::failed(format!(
            "what leaks is {}, and the case claims a slope of memory",
            verdict.metric.name()
        ));
    }
    let slope = Rate {
        bytes: verdict.slope.estimate,
        per: verdict.axis.per(),
    };
    if low.bytes <= slope.bytes && slope.bytes <= high.bytes {
        Outcome::passed(format!(
            "it leaks {slope}, within the claimed {low} to {high}"
        ))
    } else {
        Outcome::failed(format!(
            "it leaks {slope}, outside the claimed {low} to {high}"
        ))
    }
}

/// The first limit that was passed, in a sentence.
fn limit_passed(limits: &Limits, verdict: &Verdict, counts: Counts) -> Option<String> {
    if let Some(limit) = limits.peak
        && verdict.peak > limit.0
    {
        let peak = Bytes(verdict.peak);
        return Some(format!("it used {peak}, above `limits.peak` of {limit}"));
    }
    if let (Some(limit), Some(spikes)) = (limits.spike, &verdict.spikes)
        && spikes.above_base > limit.0
    {
        let above = Bytes(spikes.above_base);
        return Some(format!(
            "it peaked {above} above its base, more than `limits.spike` of {limit}"
        ));
    }
    [
        (limits.fds, counts.fds, "descriptors", "fds"),
        (limits.threads, counts.threads, "threads", "threads"),
        (limits.children, counts.children, "children", "children"),
    ]
    .into_iter()
    .find_map(|(limit, growth, things, key)| {
        let limit = limit.filter(|&limit| growth > limit)?;
        Some(format!(
            "its {things} grew by {growth}, more than `limits.{key}` of {limit}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Finding, Interval, Shape, Spikes, Status};

    fn finding(metric: Metric, status: Status) -> Finding {
        Finding {
            metric,
            status,
            shape: Shape("linear".to_owned()),
            slope: interval(64.0),
            slopes: vec![64.0; 3],
            se_within: 0.0,
            r2: 1.0,
            tolerance: 4.0,
            detection_limit: 16.0,
            excluded_above: None,
            iterations: 960,
            tail_start: 384,
            leaking: vec![],
            level: 1e6,
            route: None,
        }
    }

    fn interval(estimate: f64) -> Interval {
        Interval {
            estimate,
            low: estimate - 1.0,
            high: estimate + 1.0,
        }
    }

    fn verdict(kind: VerdictKind) -> Verdict {
        let status = match kind {
            VerdictKind::Leak => Status::Leak,
            VerdictKind::Stable | VerdictKind::Spike => Status::Stable,
            VerdictKind::Inconclusive => Status::Unsettled,
        };
        Verdict {
            kind,
            leak: None,
            explanation: Vec::new(),
            garbage: None,
            metric: Metric::Live,
            shape: Shape("linear".to_owned()),
            slope: interval(64.0),
            detection_limit: 16.0,
            axis: Axis::Iterations,
            iterations: 960,
            processes: 3,
            began: None,
            spikes: None,
            peak: 10 << 20,
            findings: vec![finding(Metric::Live, status)],
            notes: vec![],
            remedy: None,
        }
    }

    fn outcome(claim: Claim, kind: VerdictKind) -> OutcomeKind {
        let expect = Expectation {
            claim,
            ..Expectation::default()
        };
        Outcome::of(
            &expect,
            &Limits::default(),
            &verdict(kind),
            Counts::default(),
        )
        .kind
    }

    #[test]
    fn a_case_passes_only_where_the_verdict_is_the_claim() {
        for claim in [Claim::Stable, Claim::Leak, Claim::Spike] {
            for kind in [VerdictKind::Stable, VerdictKind::Leak, VerdictKind::Spike] {
                let expected = if claim.name() == kind.name() {
                    OutcomeKind::Passed
                } else {
                    OutcomeKind::Failed
                };
                assert_eq!(outcome(claim, kind), expected, "{claim:?} {kind:?}");
            }
        }
    }

    #[test]
    fn an_inconclusive_verdict_is_never_a_pass_nor_a_fail() {
        for claim in [Claim::Stable, Claim::Leak, Claim::Spike] {
            assert_eq!(
                outcome(claim, VerdictKind::Inconclusive),
                OutcomeKind::Inconclusive
            );
        }
    }

    fn rate(bytes: f64) -> Rate {
        Rate {
            bytes,
            ..Rate::default()
        }
    }

    #[test]
    fn a_claimed_slope_must_contain_the_estimate() {
        for (low, high, expected) in [
            (60.0, 70.0, OutcomeKind::Passed),
            (64.0, 64.0, OutcomeKind::Passed),
            (1.0, 63.0, OutcomeKind::Failed),
            (65.0, 99.0, OutcomeKind::Failed),
        ] {
            let expect = Expectation {
                claim: Claim::Leak,
                slope: Some((rate(low), rate(high))),
                ..Expectation::default()
            };
            let limits = Limits::default();
            let verdict = verdict(VerdictKind::Leak);
            let outcome = Outcome::of(&expect, &limits, &verdict, Counts::default());
            assert_eq!(outcome.kind, expected, "{}", outcome.reason);
        }
    }

    #[test]
    fn a_claimed_slope_of_memory_is_not_one_of_descriptors() {
        let expect = Expectation {
            claim: Claim::Leak,
            slope: Some((rate(0.0), rate(100.0))),
            ..Expectation::default()
        };
        let mut verdict = verdict(VerdictKind::Leak);
        verdict.metric = Metric::Fds;
        let outcome = Outcome::of(&expect, &Limits::default(), &verdict, Counts::default());
        assert_eq!(outcome.kind, OutcomeKind::Failed);
        assert!(outcome.reason.contains("is fds"), "{}", outcome.reason);
    }

    #[test]
    fn a_limit_that_is_passed_fails_the_case_whatever_the_verdict() {
        let counts = Counts {
            fds: 3,
            threads: 3,
            children: 3,
        };
        let spikes = Spikes {
            count: 1,
            above_base: 200 << 20,
            base: 10 << 20,
            at: 317,
            period: None,
            duty: 0.001,
        };
        let limits = |set: fn(&mut Limits)| {
            let mut limits = Limits::default();
            set(&mut limits);
            limits
        };
        for (limits, key) in [
            (limits(|l| l.peak = Some(Bytes(1 << 20))), "limits.peak"),
            (limits(|l| l.spike = Some(Bytes(1 << 20))), "limits.spike"),
            (limits(|l| l.fds = Some(2)), "limits.fds"),
            (limits(|l| l.threads = Some(2)), "limits.threads"),
            (limits(|l| l.children = Some(2)), "limits.children"),
        ] {
            for kind in [VerdictKind::Stable, VerdictKind::Inconclusive] {
                let mut verdict = verdict(kind);
                verdict.spikes = Some(spikes.clone());
                let outcome = Outcome::of(&Expectation::default(), &limits, &verdict, counts);
                assert_eq!(outcome.kind, OutcomeKind::Failed);
                assert!(outcome.reason.contains(key), "{}", outcome.reason);
            }
        }
    }
}
