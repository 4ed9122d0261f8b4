//! The baseline of a case: how far a run must go to be compared with it, and the comparison.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::horizon::{Horizon, under_ci};
use super::schedule::CaseRun;
use crate::analysis::{self, Policy, Verdict};
use crate::baseline::store::{Place, Settled};
use crate::baseline::{Action, Fit, Observed, Update};
use crate::case::Case;
use crate::outcome::{Outcome, OutcomeKind};
use crate::report::{CaseReport, curve_of};
use crate::runtime::{self, Launch};
use crate::trace::{Driver, Trace};

/// Why a result is no baseline.
const NOT_AS_CLAIMED: &str = "no baseline was written: the case is not as it claims";

/// System and architecture, as they stand in the names of snapshots.
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// What `MEMCASE_UPDATE` says, where there is no `--update`.
pub(super) fn update() -> Result<Update, String> {
    let Some(word) = std::env::var_os("MEMCASE_UPDATE").filter(|word| !word.is_empty()) else {
        return Ok(Update::default());
    };
    let word = word.to_string_lossy();
    Update::from_word(&word).ok_or_else(|| {
        let words = Update::WORDS.join("`, `");
        format!("error: MEMCASE_UPDATE is `{word}`; write one of `{words}`")
    })
}

/// Notes for `cargo insta test --unreferenced`, which runs a harness, that a snapshot has its case.
fn mark_as_referenced(snapshot: &Path) {
    let Some(list) = std::env::var_os("INSTA_SNAPSHOT_REFERENCES_FILE") else {
        return;
    };
    if let Ok(snapshot) = fs::canonicalize(snapshot)
        && let Ok(mut list) = OpenOptions::new().append(true).create(true).open(list)
    {
        // One write, so that the lines of several processes do not mix.
        let _ = list.write_all(format!("{}\n", snapshot.display()).as_bytes());
    }
}

/// The place of the baseline of a case.
pub fn place_of(case: &Case) -> Place {
    Place::new(&case.id.0, &case.file, case.line, &platform())
}

/// What a result is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) enum With<'a> {
    /// The accepted baseline of its case.
    Baseline,
    /// Another side of its case; snapshots are neither read nor written.
    Sides {
        /// The side that was measured before this one.
        ahead: Option<&'a Fit>,
        /// Where it is kept if it is no result of its own.
        place: Option<&'a String>,
    },
}

impl With<'_> {
    /// Where a case is kept below the root of artifacts.
    pub(super) fn place(&self, case: &Case) -> String {
        let id = &case.id.0;
        match self {
            Self::Sides {
                place: Some(place), ..
            } => format!("{place}/{id}"),
            Self::Sides { .. } | Self::Baseline => id.clone(),
        }
    }
}

/// How far a case is run where it has a baseline: to its iterations at least, since a slope is compared over the
/// same iterations (what warms up is steeper before), and with as many runs between two samples. So
/// with another side, and a ramp goes as far as that.
pub(super) fn reaching(case: &Case, with: With<'_>, horizon: Horizon) -> Horizon {
    let baseline = match with {
        // What can not be read is told when it is compared.
        With::Baseline => place_of(case).baseline().ok().flatten(),
        With::Sides { ahead, .. } => ahead.cloned(),
    };
    if let (With::Sides { .. }, Some(fit), Driver::Ramp) = (with, &baseline, case.measure.driver)
        && fit.surroundings.driver == Driver::Ramp
    {
        return Horizon {
            looks: vec![fit.iterations],
            fixed: true,
            ..horizon
        };
    }
    let of_steps = |fit: &Fit| fit.surroundings.driver == Driver::Step;
    let Some(fit) = baseline.filter(of_steps) else {
        return horizon;
    };
    let said = horizon.fixed || case.measure.batch.is_some();
    Horizon {
        reach: fit.iterations,
        ..if said {
            horizon
        } else {
            horizon.with_batch(fit.surroundings.batch)
        }
    }
}

/// Does with the result that is told what was asked for.
pub(super) fn settle(case: &Case, report: &mut CaseReport) {
    // Sides were compared with each other.
    if report.side.is_some() {
        return;
    }
    let (Some(fit), Some(mut settled)) = (&report.fit, report.baseline.take()) else {
        return;
    };
    place_of(case).settle(fit, &mut settled);
    // What should have been accepted and could not be written is a regression after all.
    weigh(report, &settled);
    report.baseline = (!settled.is_silent()).then_some(settled);
}

/// Lets a comparison say what it means for the outcome.
pub(super) fn weigh(report: &mut CaseReport, settled: &Settled) {
    let outcome = Outcome {
        kind: report.outcome,
        reason: std::mem::take(&mut report.reason),
    };
    let outcome = outcome.with_baseline(settled);
    report.outcome = outcome.kind;
    report.reason = outcome.reason;
}

impl CaseRun<'_> {
    /// Compares what was seen with the baseline. What is asked for is done once the try is told.
    pub(super) fn compare_baseline(
        &self,
        report: &mut CaseReport,
        (verdict, policy): (&Verdict, &Policy),
        launch: &Launch,
        traces: &[&Trace],
    ) {
        let n = self.fitted(verdict.iterations, traces);
        let slopes = analysis::tail_slopes(traces, n, &verdict.findings, policy);
        let fit = Fit::of(&Observed {
            verdict,
            slopes: &slopes,
            iterations: n,
            traces,
            runtime: &launch.runtime,
            platform: &platform(),
            target: &runtime::identity(self.case),
            curve: curve_of(&report.verdict),
        });
        let Some(fit) = fit else { return };
        if let With::Sides { .. } = self.with {
            report.fit = Some(fit);
            return;
        }
        let settings = &self.shared.settings;
        let mut settled = place_of(self.case).compare(&fit, settings.update, under_ci());
        mark_as_referenced(&settled.snapshot);
        if report.outcome == OutcomeKind::Failed {
            settled.withhold(NOT_AS_CLAIMED);
        }
        if settings.keep_pending && settled.due == Action::Clear {
            settled.due = Action::Nothing;
        }
        weigh(report, &settled);
        report.baseline = Some(settled);
        report.fit = Some(fit);
    }

    /// The iterations that a fit is of: those of the baseline, where the run came so far; else those of the
    /// last look that was reached, since a run that time ended would hardly end there again.
    fn fitted(&self, judged: u64, traces: &[&Trace]) -> u64 {
        if self.case.measure.driver != Driver::Step {
            return judged;
        }
        let done = traces.iter().map(|trace| trace.iterations()).min();
        let done = done.unwrap_or(judged);
        if self.horizon.reach > 0 && self.horizon.reach <= done {
            return self.horizon.reach;
        }
        let looks = self.horizon.stages();
        looks.filter(|&look| look <= judged).max().unwrap_or(judged)
    }
}
