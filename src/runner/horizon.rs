//! How far a case is run, when it is looked at, and from when *leak* may be said.

use std::time::Duration;

use super::explain::Explain;
use super::tracers::Tracer;
use crate::analysis::{LOOKS, Policy, VerdictKind};
use crate::baseline::Update;
use crate::case::{Case, Claim};
use crate::trace::{Driver, Metric};

/// The horizon where a case sets none.
const HORIZON: u64 = 5_000;
/// Where the evidence is not enough at the horizon, it is moved to these while time allows.
const FURTHER: [u64; 2] = [2 * HORIZON, 4 * HORIZON];
/// From here on *leak* may be said in fast mode.
const FAST_LEAK_FROM: u64 = 1_700;
/// While less than this was spent on a case, going on is cheap, and a leak is
/// confirmed at the next look rather than at this.
const CHEAP: Duration = Duration::from_secs(3);
const PROCESSES: u32 = 3;
const BUDGET: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_mins(1);

/// What the command line sets for all cases.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Settings {
    /// Whether a leak is only confirmed at the horizon.
    pub strict: bool,
    /// Whether a leak is said as soon as it may be, though going on would be cheap.
    pub fast: bool,
    /// Processes of a case.
    pub processes: Option<u32>,
    /// The horizon.
    pub iterations: Option<u64>,
    /// Budget of a case.
    pub time: Option<Duration>,
    /// What is done with results that have no baseline or differ from it.
    pub update: Update,
    /// Whether pending results stay where a case is unchanged: an earlier run of this command left them.
    pub keep_pending: bool,
    /// Which cases are explained by a second run.
    pub explain: Explain,
    /// Whether an explanation tells of each line of the case.
    pub lines: bool,
    /// Whose tracer of native memory an explanation uses.
    pub tracer: Tracer,
    /// Whether what a tracer dumps of the heap is kept.
    pub keep_dump: bool,
    /// Cores, where they are fewer than a case has processes; 0 is enough for all.
    pub cores: u32,
}

/// How far one case is run.
#[derive(Debug, Clone, PartialEq)]
pub struct Horizon {
    /// The iterations at which all processes are looked at; the last is the horizon.
    pub looks: Vec<u64>,
    /// The horizons to which a case goes on that is open at the one before; none where it was set.
    pub further: Vec<u64>,
    /// The iteration from which *leak* may be said.
    pub leak_from: u64,
    /// The iterations of the baseline, before which the run does not end; 0 without one.
    pub reach: u64,
    /// Whether the horizon was set, so that nothing is said before it.
    pub fixed: bool,
    /// Runs in one turn.
    pub batch: u32,
    /// While a process has run for less than this, a leak waits for the next look.
    pub cheap: Duration,
    /// Fresh processes.
    pub processes: u32,
    /// Time that the case may take.
    pub time: Duration,
    /// Time that each process may run, not counting waits for a core.
    pub budget: Duration,
    /// Time after which a process counts as hanging.
    pub timeout: Duration,
}

impl Horizon {
    /// The horizon of a case: what the command line says, else the case, else the default.
    pub fn of(case: &Case, settings: &Settings) -> Self {
        let runs = case.measure.batch.unwrap_or(1).max(1);
        let batch = u64::from(runs);
        let set = settings.iterations.or(case.measure.iterations);
        let last = set.unwrap_or(HORIZON * batch).max(1);
        let mut looks: Vec<u64> = LOOKS.iter().map(|n| n * batch).collect();
        looks.retain(|&n| n < last);
        looks.push(last);
        let further = if set.is_some() {
            Vec::new()
        } else {
            FURTHER.iter().map(|n| n * batch).collect()
        };
        let fast = (FAST_LEAK_FROM * batch).min(last);
        let processes = settings
            .processes
            .or(case.measure.processes)
            .unwrap_or(PROCESSES)
            .max(1);
        let time = settings.time.or(case.measure.time).unwrap_or(BUDGET);
        // The budget is of the case, and its processes share the cores.
        let budget = match settings.cores {
            cores if cores > 0 && cores < processes => time * cores / processes,
            _ => time,
        };
        Self {
            looks,
            further,
            leak_from: if settings.strict || set.is_some() {
                last
            } else {
                fast
            },
            reach: 0,
            fixed: set.is_some(),
            batch: runs,
            cheap: if settings.fast { Duration::ZERO } else { CHEAP },
            processes,
            time,
            budget,
            // Who asks for a longer budget wants the process to live that long.
            timeout: case.limits.timeout.unwrap_or(TIMEOUT.max(budget * 2)),
        }
    }

    /// The same turns, with `batch` runs of the body in each.
    #[must_use]
    pub fn with_batch(&self, batch: u32) -> Self {
        let times = |n: &u64| n / u64::from(self.batch) * u64::from(batch);
        Self {
            looks: self.looks.iter().map(times).collect(),
            further: self.further.iter().map(times).collect(),
            leak_from: times(&self.leak_from),
            batch,
            ..self.clone()
        }
    }

    /// Whether a verdict ends the run before the horizon.
    ///
    /// Not where the horizon was set; and that nothing shows does not refute a claimed
    /// leak or spike as long as there is time for it to show.
    pub fn ends_with(&self, verdict: VerdictKind, claim: Claim) -> bool {
        !self.fixed && (verdict != VerdictKind::Stable || claim == Claim::Stable)
    }

    /// Whether a case that is open at a horizon, after `spent` by each process, has the time for twice as much.
    pub fn has_time_for_more(&self, spent: Duration) -> bool {
        spent * 2 <= self.budget.min(self.timeout)
    }

    /// All iterations at which it may be looked at.
    pub fn stages(&self) -> impl Iterator<Item = u64> + '_ {
        self.looks.iter().chain(&self.further).copied()
    }

    /// The iteration at which the last look is, should all others leave the case open.
    pub fn furthest(&self) -> u64 {
        self.stages().last().unwrap_or(HORIZON)
    }

    /// The horizon.
    pub fn last(&self) -> u64 {
        self.looks.last().copied().unwrap_or(HORIZON)
    }
}

/// Whether this is a CI service: `CI` is set, as those do, and not switched off.
pub fn under_ci() -> bool {
    is_on(std::env::var("CI").ok().as_deref())
}

fn is_on(word: Option<&str>) -> bool {
    word.is_some_and(|word| !matches!(word, "" | "0" | "false"))
}

/// The rules that the case sets. Whole numbers, as a trace records them, so that
/// `judge` decides by the same.
pub fn policy(case: &Case, leak_from: u64) -> Policy {
    let mut tolerances = std::collections::BTreeMap::new();
    if let Some(slope) = case.limits.slope {
        let in_bytes = [Metric::Live, Metric::External, Metric::Anon];
        // Only where a peak is judged by its slope: a step's peaks are judged by their spikes.
        let peak = (case.measure.driver != Driver::Step).then_some(Metric::Peak);
        for metric in in_bytes.into_iter().chain(peak) {
            tolerances.insert(metric, slope.bytes.ceil().max(0.0));
        }
    }
    for (metric, limit) in [
        (Metric::Fds, case.limits.fds),
        (Metric::Threads, case.limits.threads),
        (Metric::Children, case.limits.children),
    ] {
        if let Some(limit) = limit {
            tolerances.insert(metric, limit as f64);
        }
    }
    Policy {
        leak_from,
        tolerances,
        only: case.measure.metric,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ci_is_what_sets_its_variable_to_something_that_is_not_off() {
        for word in ["true", "1", "yes"] {
            assert!(is_on(Some(word)), "{word}");
        }
        for word in [None, Some(""), Some("0"), Some("false")] {
            assert!(!is_on(word), "{word:?}");
        }
    }
}
