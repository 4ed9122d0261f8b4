//! The second run of a case whose program runs by itself: when in that run its call paths are noted.

use std::time::Duration;

use super::explain::{GROWTH, PATIENCE, Run, measured};
use crate::explain::{Findings, Made, Span, Surroundings, native_findings};
use crate::measure::{Followed, FreeRun, SessionOptions, follow_by_clock};
use crate::runtime::{self, Launch};
use crate::trace::{Axis, Driver};

/// The begin, the middle and the end of the window, as parts of a run.
const MOMENTS: [f64; 3] = [0.3, 0.6, 0.9];
/// The longest run of a program that does not end by itself, and the usual one where none was measured.
const LONGEST: Duration = Duration::from_mins(1);
const USUAL: Duration = Duration::from_secs(20);
/// A ramp whose run is shorter is run with so many times the count.
const SHORT: Duration = Duration::from_secs(1);
const LONGER: u64 = 8;
/// Runs at most, of which each makes the next one longer, or its window shorter.
const TRIES: usize = 12;
/// The part of the time of a run in which the next one is sure to be running still.
const SURE: f64 = 0.9;

impl Run<'_> {
    /// The call paths of blocks that stay, kept by a library in the process, at moments of a run.
    ///
    /// A program that ends by itself takes longer under the tracer than it was measured to take, and nobody knows how
    /// much; so it is run to its end once.
    pub(super) fn by_itself(&self, building: &dyn Fn(&str)) -> Result<Findings, String> {
        let prepared = runtime::prepare(self.case, &self.staged.work(), building)
            .map_err(|error| error.to_string())?;
        let _permit = self.shared.permits.acquire();
        let verdict = &self.report.verdict;
        let (driver, slope) = (self.case.measure.driver, verdict.slope);
        let whole = match (driver, verdict.axis) {
            (Driver::Clock, Axis::Seconds) => Duration::from_millis(verdict.iterations),
            _ => USUAL,
        };
        let mut whole = whole.min(LONGEST);
        let mut count = verdict.iterations;
        let most = slope.map_or(count, |slope| (GROWTH / slope.estimate.max(1.0)) as u64);
        let mut ended = String::new();
        for _ in 0..TRIES {
            let mut launch = match driver {
                Driver::Ramp => prepared.with_iterations(count),
                Driver::Step | Driver::Clock => prepared.clone(),
            };
            launch.traces_stacks = true;
            match self.follow_by_itself(&launch, whole)? {
                FreeRun::Followed(followed) => return self.found(&followed, &launch),
                // A short run is over before it says much, and a larger count makes a longer one.
                FreeRun::Ended(after, _)
                    if driver == Driver::Ramp && after < SHORT && count < most =>
                {
                    count = most.min(count.saturating_mul(LONGER));
                }
                FreeRun::Ended(after, exit) => {
                    ended = format!("{exit} after {:.1} s", after.as_secs_f64());
                    whole = after.mul_f64(SURE);
                }
            }
        }
        Err(format!(
            "its program ended with {ended}, before it was followed to the end; one that runs for longer, and always for \
             as long, can be explained"
        ))
    }

    fn follow_by_itself(&self, launch: &Launch, whole: Duration) -> Result<FreeRun, String> {
        let log = self.staged.work().join("explained-native.log");
        let options = SessionOptions {
            children: self.case.measure.children.unwrap_or(true),
            ..SessionOptions::not_measured(self.case, PATIENCE, log)
        };
        follow_by_clock(launch, &options, MOMENTS.map(|part| whole.mul_f64(part)))
    }

    fn found(&self, followed: &Followed, launch: &Launch) -> Result<Findings, String> {
        let surroundings = Surroundings::of(self.case, launch);
        let mut findings = native_findings(&followed.traced, &surroundings);
        let (from, to) = (findings.from as f64 / 1000.0, findings.to as f64 / 1000.0);
        let verdict = &self.report.verdict;
        let grew = match verdict.metric.and_then(Made::kind_of) {
            Some(kind) => findings.more_of(kind),
            None => followed.grew,
        };
        let slope = verdict.slope.map_or(0.0, |slope| slope.estimate);
        let grows = measured(self.report).is_some();
        findings.span = Some(if !grows {
            Span {
                axis: Axis::Seconds,
                length: to - from,
            }
        } else if grew > 0 {
            Span {
                axis: verdict.axis,
                length: grew as f64 / slope,
            }
        } else {
            return Err(format!(
                "it did not grow from second {from:.1} to second {to:.1} of the run in which it was followed"
            ));
        });
        Ok(findings)
    }
}
