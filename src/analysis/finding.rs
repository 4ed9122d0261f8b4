//! One metric of all traces, judged: the rule's call, its description, and what collection says of it.

use crate::trace::{Header, Metric, Trace};

use super::counts;
use super::describe::{Description, describe, detection_limit};
use super::rule::{Call, Panel, Route};
use super::series::Aligned;
use super::verdict::{Finding, Interval, Policy, Shape, Status};

/// Of the growth over the tail at least this share must remain after the settle probe.
const KEPT: f64 = 0.5;

/// One metric, judged, with what the combination wants to know beside the finding.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) finding: Finding,
    /// The samples it was judged on.
    pub(super) aligned: Aligned,
    /// Whether the lower end of the slope's interval is above the tolerance.
    pub(super) grows: bool,
    /// Mean growth over the judged tail.
    pub(super) growth: f64,
    /// Whether growth was proven, but a collection gave it back, or may yet.
    pub(super) collectable: bool,
}

/// Counts are exact, so that a longer horizon would not make a leak of them surer: from here on it
/// may be said, before descriptors run out and end the target.
const COUNTS_FROM: u64 = 1_700;

/// The question that is put to each metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) traces: &'a [&'a Trace],
    pub(super) n: u64,
    pub(super) may_leak: bool,
    pub(super) policy: &'a Policy,
}

impl Question<'_> {
    /// Judges one metric; none where it has too few samples.
    pub(super) fn judge(&self, metric: Metric) -> Option<Judged> {
        let aligned = Aligned::new(self.traces, metric, self.n, self.policy)?;
        match metric {
            Metric::Fds | Metric::Threads | Metric::Children => self.judge_count(aligned),
            Metric::Live
            | Metric::External
            | Metric::Native
            | Metric::Mapped
            | Metric::Shmem
            | Metric::Anon
            | Metric::Peak
            | Metric::Blocks
            | Metric::Pss
            | Metric::Swap => self.judge_level(aligned),
        }
    }

    fn judge_count(&self, aligned: Aligned) -> Option<Judged> {
        let mut finding = counts::judge(&aligned)?;
        let grows = finding.status == Status::Leak;
        if grows && !self.may_leak && self.n < COUNTS_FROM {
            finding.status = Status::Unsettled;
            finding.leaking.clear();
            finding.route = None;
        }
        Some(Judged {
            grows,
            growth: finding.slope.estimate * finding.iterations as f64 / aligned.axis.places(),
            finding,
            aligned,
            collectable: false,
        })
    }

    fn judge_level(&self, aligned: Aligned) -> Option<Judged> {
        let (finding, growth, refuted) = {
            let slices = aligned.slices();
            let panel = Panel::new(&slices, aligned.scale())?;
            let call = panel.call(self.may_leak);
            let found = describe(&panel, &call);
            let growth = found
                .ends
                .iter()
                .map(|(first, last)| last - first)
                .sum::<f64>()
                / found.ends.len() as f64;
            let limit = detection_limit(&panel);
            let refuted = self.refuted(&aligned, &call, &found);
            (finding_of(&aligned, &call, found, limit), growth, refuted)
        };
        let mut judged = Judged {
            grows: finding.slope.low > finding.tolerance,
            finding,
            growth,
            aligned,
            collectable: refuted,
        };
        if refuted {
            judged.finding.status = Status::Unsettled;
            judged.finding.leaking.clear();
            judged.finding.route = None;
            judged.finding.shape = Shape("collectable growth".to_owned());
        }
        Some(judged)
    }

    /// Whether a collection speaks against a leak: the settle probe gave most of the growth back, or
    /// a collected heap was read without collections and no probe was made.
    fn refuted(&self, aligned: &Aligned, call: &Call, found: &Description) -> bool {
        let Call::Leak { processes, .. } = call else {
            return false;
        };
        let mut headers = self.traces.iter().map(|trace| &trace.header);
        let garbage = headers.any(Header::may_hold_garbage);
        let end = self.traces.iter().map(|trace| trace.iterations()).min();
        let probed: Vec<(f64, f64, f64)> = processes
            .iter()
            .filter(|_| end.is_some_and(|end| self.n >= end))
            .filter_map(|&k| {
                let ending = self.traces.get(k)?.ending.as_ref()?;
                let settled = match aligned.metric {
                    Metric::Live => ending.settled_live,
                    Metric::Anon => ending.settled_anon,
                    _ => None,
                }?;
                let (first, last) = *found.ends.get(k)?;
                Some((first, last, settled as f64))
            })
            .collect();
        if probed.is_empty() {
            return garbage;
        }
        let given_back = probed
            .iter()
            .filter(|(first, last, settled)| settled - first < KEPT * (last - first))
            .count();
        2 * given_back >= probed.len()
    }
}

fn finding_of(aligned: &Aligned, call: &Call, found: Description, limit: f64) -> Finding {
    let stride = aligned.unit();
    let (status, leaking, route) = match call {
        Call::Leak {
            route, processes, ..
        } => {
            let name = match route {
                Route::Majority => "A",
                Route::Alone => "B",
                Route::Doubling => "C",
            };
            (Status::Leak, processes.clone(), Some(name))
        }
        Call::Stable { stepped, .. } => {
            let name = if *stepped { "step" } else { "plain" };
            (Status::Stable, Vec::new(), Some(name))
        }
        Call::Undecided => (Status::Unsettled, Vec::new(), None),
    };
    Finding {
        metric: aligned.metric,
        status,
        shape: Shape(found.floor),
        slope: Interval {
            estimate: found.slope.estimate / stride,
            low: found.slope.low / stride,
            high: found.slope.high / stride,
        },
        slopes: found.slopes.iter().map(|slope| slope / stride).collect(),
        se_within: found.se_within / stride,
        r2: found.r2,
        tolerance: aligned.tolerance,
        detection_limit: limit / stride,
        excluded_above: found.excluded_above.map(|bound| bound / stride),
        iterations: aligned.iterations(),
        tail_start: found.tail_start as u64 * aligned.stride,
        leaking: leaking.iter().map(|&k| k as u32 + 1).collect(),
        level: found.ends.iter().map(|(_, last)| last).sum::<f64>() / found.ends.len() as f64,
        route: route.map(str::to_owned),
    }
}
