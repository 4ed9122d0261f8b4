//! The metrics of a case at one look become one verdict: who gates, who settles, who only comments.

use crate::trace::{Heap, Metric, Trace, Unit};

use super::finding::{Judged, Question};
use super::kind::{self, LeakKind};
use super::onset::growth_began;
use super::series::axis_of;
use super::spikes::{one_time_step, spikes};
use super::verdict::{
    Decision, Finding, Interval, Policy, Shape, Spikes, Status, Verdict, VerdictKind,
};
use super::words::{self, Obstacle};

/// Iterations at which a run is looked at, beside its end. The ratio of 1.7 to 2 keeps the looks few.
pub const LOOKS: [u64; 6] = [240, 480, 960, 1700, 3000, 5000];
/// Resident memory is judged from here on: before, a leak may still live in the allocator's slack.
pub const RESIDENT_FROM: u64 = 960;
/// Resident memory of an engine that takes memory of its own gates only above this growth.
const ENGINE_RESIDENT: f64 = (64 << 20) as f64;

/// The looks of a run to `horizon` iterations; the last one is its end.
pub fn looks(horizon: u64) -> Vec<u64> {
    LOOKS
        .into_iter()
        .filter(|&look| look < horizon)
        .chain([horizon])
        .collect()
}

/// Looks at the traces of all processes at `n` iterations; `last` says that no more will come.
///
/// A pure function of the traces up to `n`, with one exception: readings of the settle probe count at
/// the end of the traces. A runner makes the probe when a look says *leak*, and before the last
/// look of a case that runs without collections, and then looks again with `last`.
pub fn look(traces: &[&Trace], n: u64, last: bool, policy: &Policy) -> Decision {
    let question = Question {
        traces,
        n,
        may_leak: last || n >= policy.leak_from,
        policy,
    };
    let case = Case::new(question, last);
    let spikes = spikes(traces, n, policy);
    let leak = case.leak();
    let outcome = case.settled();
    let (kind, lead, obstacle) = match (leak, outcome) {
        (Some(lead), _) => (VerdictKind::Leak, Some(lead), None),
        (None, Ok(lead)) if spikes.is_some() => (VerdictKind::Spike, Some(lead), None),
        (None, Ok(lead)) => (VerdictKind::Stable, Some(lead), None),
        (None, Err(obstacle)) => {
            let lead = obstacle.metric.and_then(|metric| case.get(metric));
            (VerdictKind::Inconclusive, lead, Some(obstacle))
        }
    };
    let verdict = Box::new(case.verdict(kind, lead, spikes, obstacle));
    if last || kind != VerdictKind::Inconclusive {
        Decision::Decided(verdict)
    } else {
        Decision::Continue(verdict)
    }
}

/// How many times the growth of a more exact metric another must show to speak in its place.
const MUCH_MORE: f64 = 1.5;

/// All metrics of a case at one look.
struct Case<'a> {
    question: Question<'a>,
    last: bool,
    heap: Heap,
    complete: bool,
    judged: Vec<Judged>,
}

impl<'a> Case<'a> {
    fn new(question: Question<'a>, last: bool) -> Self {
        let headers = || question.traces.iter().map(|trace| &trace.header);
        let order = [
            Metric::Live,
            Metric::External,
            Metric::Native,
            Metric::Anon,
            Metric::Shmem,
            Metric::Mapped,
            Metric::Blocks,
            Metric::Fds,
            Metric::Threads,
            Metric::Children,
        ];
        let heap = headers().next().map_or(Heap::None, |header| header.heap);
        // Elsewhere `live` holds it already.
        let own_heap = heap.is_told_alone();
        let has_live = question
            .traces
            .iter()
            .all(|trace| trace.get(Metric::Live).is_some());
        let judged = match question.policy.only {
            Some(only) => question.judge(only).into_iter().collect(),
            None => order
                .into_iter()
                .filter(|&metric| !(metric == Metric::Blocks && has_live))
                .filter(|&metric| !(metric == Metric::Native && has_live && !own_heap))
                .filter_map(|metric| question.judge(metric))
                .collect(),
        };
        Self {
            heap,
            complete: headers().all(|header| header.live_complete),
            question,
            last,
            judged,
        }
    }

    fn get(&self, metric: Metric) -> Option<&Judged> {
        self.judged.iter().find(|j| j.finding.metric == metric)
    }

    /// The metric whose growth is proven: the most exact one, unless another grows by much more, and
    /// so is what the machine will run out of.
    fn leak(&self) -> Option<&Judged> {
        let proven = |j: &&Judged| j.finding.status == Status::Leak && self.gates(j);
        self.judged.iter().filter(proven).reduce(|lead, other| {
            let bytes = |j: &Judged| j.finding.metric.unit() == Unit::Bytes;
            let (exact, more) = (lead.finding.slope.high, other.finding.slope.low);
            if bytes(lead) && bytes(other) && more > MUCH_MORE * exact {
                other
            } else {
                lead
            }
        })
    }

    /// Whether a leak of this metric is the case's leak. Resident memory of V8 and of the JVM grows by
    /// the engine's own doing, so it must grow by much, or beside a heap that certainly grows.
    fn gates(&self, judged: &Judged) -> bool {
        if judged.finding.metric == Metric::Mapped && self.question.policy.only.is_none() {
            return false;
        }
        let heap_grows = || {
            [Metric::Live, Metric::External]
                .into_iter()
                .filter_map(|metric| self.get(metric))
                .any(|heap| heap.grows)
        };
        self.heap.engine().is_none()
            || self.question.policy.only.is_some()
            || judged.finding.metric != Metric::Anon
            || judged.growth > ENGINE_RESIDENT
            || heap_grows()
    }

    /// The metric that proves *stable*, or what stands in the way.
    fn settled(&self) -> Result<&Judged, Obstacle> {
        if let Some(only) = self.question.policy.only {
            let judged = self.get(only).ok_or(Obstacle::missing(only))?;
            return self.resident_or_early(judged);
        }
        self.counts_are_settled()?;
        let anon = self.get(Metric::Anon);
        match self.get(Metric::Live) {
            Some(live) if self.heap.engine().is_some() => {
                stable(live)?;
                self.get(Metric::External).map_or(Ok(live), stable)?;
                match anon {
                    Some(anon) if self.native_growth_is_open(anon) => Err(Obstacle::of(anon)),
                    _ => Ok(live),
                }
            }
            Some(live) if self.complete => {
                stable(live)?;
                // Judged only where it is no part of `live`.
                self.get(Metric::Native).map_or(Ok(live), stable)?;
                match anon {
                    Some(anon) if self.resident_holds_up(anon) => Err(Obstacle::of(anon)),
                    _ => Ok(live),
                }
            }
            None if self.awaits_heap() => Err(Obstacle::missing(Metric::Live)),
            live => {
                let anon = anon.ok_or(Obstacle::missing(Metric::Anon))?;
                self.resident_or_early(anon)?;
                let growing = live.into_iter().chain(self.get(Metric::Blocks));
                match growing.into_iter().find(|j| j.grows) {
                    Some(j) => Err(Obstacle::of(j)),
                    None => Ok(anon),
                }
            }
        }
    }

    /// Resident memory of V8 or of the JVM beside a stable heap. Much of its growth is the engine's own, so it does not
    /// make a leak; but memory of native code shows nowhere else, so growth by the whole rule for a
    /// leak does not make a pass either, and visible growth is followed until that rule was asked.
    fn native_growth_is_open(&self, anon: &Judged) -> bool {
        anon.finding.status == Status::Leak || (anon.grows && !self.question.may_leak)
    }

    /// Whether there is a heap counter that has too few samples yet.
    fn awaits_heap(&self) -> bool {
        !self.last
            && (self.complete || self.heap.engine().is_some())
            && self
                .question
                .traces
                .iter()
                .any(|trace| trace.get(Metric::Live).is_some())
    }

    /// Resident memory beside a complete and stable heap: it must not visibly grow, and early it must
    /// be stable itself while there is time to see where that leads.
    fn resident_holds_up(&self, anon: &Judged) -> bool {
        let early = self.question.n < RESIDENT_FROM;
        anon.finding.status != Status::Stable && (anon.grows || (early && !self.last))
    }

    /// A metric that decides alone: stable, and resident memory not before its first look.
    fn resident_or_early<'b>(&self, judged: &'b Judged) -> Result<&'b Judged, Obstacle> {
        let early = self.question.n < RESIDENT_FROM && !self.last;
        let exact = matches!(judged.finding.metric, Metric::Live | Metric::External);
        stable(judged)?;
        if early && !exact {
            return Err(Obstacle::of(judged));
        }
        Ok(judged)
    }

    /// Counts that rise hold up *stable* while there is time; at the end those that do not rise in
    /// every block are a note.
    fn counts_are_settled(&self) -> Result<(), Obstacle> {
        let waiting = self.judged.iter().find(|j| {
            let early = self.question.n < RESIDENT_FROM;
            is_count(j.finding.metric)
                && j.finding.status == Status::Unsettled
                && !self.last
                && (early || j.grows)
        });
        waiting.map_or(Ok(()), |j| Err(Obstacle::of(j)))
    }

    fn verdict(
        &self,
        kind: VerdictKind,
        lead: Option<&Judged>,
        spikes: Option<Spikes>,
        obstacle: Option<Obstacle>,
    ) -> Verdict {
        let question = &self.question;
        let axis = axis_of(question.traces);
        let bytes = |j: &&Judged| j.finding.metric.unit() == Unit::Bytes;
        let lead = lead.or_else(|| self.judged.iter().find(bytes));
        let mut findings: Vec<Finding> = lead.iter().map(|j| j.finding.clone()).collect();
        for judged in &self.judged {
            if lead.is_none_or(|lead| lead.finding.metric != judged.finding.metric) {
                findings.push(judged.finding.clone());
            }
        }
        let step = lead
            .filter(|_| matches!(kind, VerdictKind::Stable | VerdictKind::Spike))
            .and_then(|lead| {
                let anon = self.get(Metric::Anon);
                std::iter::once(lead)
                    .chain(anon)
                    .filter(|j| !is_count(j.finding.metric))
                    .find_map(|j| one_time_step(&j.aligned).map(|step| (j.finding.metric, step)))
            });
        let mut metric = lead.map_or(Metric::Anon, |j| j.finding.metric);
        let mut shape = lead.map_or_else(
            || Shape("too few samples".to_owned()),
            |j| j.finding.shape.clone(),
        );
        match (kind, &spikes) {
            (VerdictKind::Spike, Some(spikes)) => {
                metric = Metric::Peak;
                shape = Shape(words::spike_shape(spikes).to_owned());
            }
            (VerdictKind::Stable, _) if step.is_some() => {
                shape = Shape("one-time step".to_owned());
            }
            _ => {}
        }
        let remedy = obstacle.map(|obstacle| {
            let found = obstacle.metric.and_then(|metric| self.get(metric));
            words::remedy(obstacle, found, (question.n, axis), self.collected())
        });
        let mut notes = words::notes(kind, lead, &self.judged, self.heap, self.complete);
        let mut traces = question.traces.iter();
        if let Some(library) = traces.find_map(|trace| trace.header.private_allocator.as_deref()) {
            notes.push(words::private_allocator(library));
        }
        let mut headers = question.traces.iter().map(|trace| &trace.header);
        notes.extend(headers.find_map(words::counting));
        if let Some((metric, step)) = step {
            notes.push(words::step(metric, step, axis));
        }
        if let (VerdictKind::Leak | VerdictKind::Inconclusive, Some(spikes)) = (kind, &spikes) {
            notes.push(words::spikes(spikes, axis));
        }
        let leak = lead
            .filter(|_| kind == VerdictKind::Leak)
            .and_then(|lead| self.kind_of(lead));
        let leaking = lead.map_or(&[][..], |lead| &lead.finding.leaking);
        let explained = |leak| kind::explanation(leak, self.heap, question.traces, leaking);
        Verdict {
            kind,
            leak,
            garbage: None,
            explanation: leak.map(explained).unwrap_or_default(),
            metric,
            shape,
            slope: lead.map_or(NO_SLOPE, |j| j.finding.slope),
            detection_limit: lead.map_or(0.0, |j| j.finding.detection_limit),
            axis,
            iterations: question.n,
            processes: question.traces.len() as u32,
            began: lead.filter(|_| kind == VerdictKind::Leak).map(began),
            spikes,
            peak: highest(question.traces, question.n),
            findings,
            notes,
            remedy,
        }
    }

    fn kind_of(&self, lead: &Judged) -> Option<LeakKind> {
        kind::kind_of(&kind::Known {
            lead,
            judged: &self.judged,
            blocks: self.question.judge(Metric::Blocks),
            native: self.question.judge(Metric::Native),
            heap: self.heap,
            traces: self.question.traces,
        })
    }

    fn collected(&self) -> bool {
        self.question
            .traces
            .iter()
            .all(|trace| trace.header.collected)
            || !self.heap.has_collector()
    }
}

/// Nothing was judged.
const NO_SLOPE: Interval = Interval {
    estimate: 0.0,
    low: 0.0,
    high: 0.0,
};

fn stable(judged: &Judged) -> Result<&Judged, Obstacle> {
    if judged.finding.status == Status::Stable {
        Ok(judged)
    } else {
        Err(Obstacle::of(judged))
    }
}

pub(super) fn is_count(metric: Metric) -> bool {
    matches!(metric, Metric::Fds | Metric::Threads | Metric::Children)
}

/// Median over the leaking processes of the iteration in which growth began.
fn began(judged: &Judged) -> u64 {
    let mut places: Vec<usize> = judged
        .finding
        .leaking
        .iter()
        .filter_map(|&process| judged.aligned.samples.get(process as usize - 1))
        .map(|samples| growth_began(samples))
        .collect();
    places.sort_unstable();
    places
        .get(places.len() / 2)
        .map_or(0, |&place| place as u64 * judged.aligned.stride)
}

/// The highest resident bytes up to iteration `n`.
fn highest(traces: &[&Trace], n: u64) -> u64 {
    let of = |metric: Metric| {
        traces
            .iter()
            .filter_map(|trace| trace.get(metric))
            .flat_map(|series| series.at.iter().zip(&series.values))
            .filter(|&(&at, _)| at <= n)
            .map(|(_, &value)| value)
            .max()
    };
    of(Metric::Peak).max(of(Metric::Anon)).unwrap_or(0)
}
