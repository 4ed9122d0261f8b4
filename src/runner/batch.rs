//! How often a tiny body runs in a turn, so that its time goes into the body and not into the turn.
//!
//! As benchmark harnesses do: the number is doubled for as long as that makes a turn less than half as
//! long again. What a turn keeps is bounded too, because a collection looks at all that was kept: a body
//! that grows is run once a turn, as every body was.

use std::time::Duration;

use super::processes::in_parallel;
use super::schedule::CaseRun;
use crate::case::Language;
use crate::measure::{Session, Stopped, Trial};
use crate::trace::{Heap, Metric};

/// Turns at each number of runs.
const TURNS: u32 = 16;
/// A turn longer than this spends its time well.
const LONG: Duration = Duration::from_micros(500);
/// Turns that take this long together are no tiny ones, on however busy a machine.
const PATIENCE: Duration = Duration::from_millis(50);
/// The most runs in a turn.
const MOST: u32 = 64;
/// Bytes that a turn may keep where the heap is read exactly, and where it is not or by pages.
const EXACT: i64 = 256;
const ROUGH: i64 = 4096;

impl CaseRun<'_> {
    /// The same run with the number of runs in a turn that suits the body, and all processes brought there.
    pub(super) fn calibrated(&self, sessions: &mut [Session]) -> Self {
        let same = Self {
            horizon: self.horizon.clone(),
            ..*self
        };
        let known = self.horizon.fixed || self.horizon.reach > 0;
        let tiny_is_known = known || self.case.measure.batch.is_some();
        let language = self.case.target.program.language();
        if tiny_is_known || !language.is_some_and(Language::doubles) {
            return same;
        }
        let Some((first, others)) = sessions.split_first_mut() else {
            return same;
        };
        // A process that died is found so at the first look.
        let found = {
            let _permit = self.shared.permits.acquire();
            calibrate(first)
        };
        let Ok(Some(batch)) = found else {
            return same;
        };
        in_parallel(others.iter_mut().collect(), |session: &mut Session| {
            let _permit = self.shared.permits.acquire();
            let _ = bring(session, batch);
        });
        Self {
            horizon: self.horizon.with_batch(batch),
            ..*self
        }
    }
}

/// Doubles the runs in a turn while that pays. None where it does not.
fn calibrate(session: &mut Session) -> Result<Option<u32>, Stopped> {
    let heap = session.trace().header.heap;
    let Some(mut trial) = session.try_turns(TURNS, PATIENCE)? else {
        return Ok(None);
    };
    let mut batch = 1;
    let mut before = None;
    while pays(batch, before, &trial, heap) {
        session.double()?;
        batch *= 2;
        before = Some(trial.turn);
        match session.try_turns(TURNS, Duration::MAX)? {
            Some(next) => trial = next,
            None => break,
        }
    }
    Ok((batch > 1).then_some(batch))
}

/// Takes another process of the case through the same turns.
fn bring(session: &mut Session, batch: u32) -> Result<(), Stopped> {
    session.go_through(TURNS)?;
    let mut runs = 1;
    while runs < batch {
        session.double()?;
        session.go_through(TURNS)?;
        runs *= 2;
    }
    Ok(())
}

/// Whether twice the runs would be measured in little more time, and keep little.
fn pays(batch: u32, before: Option<Duration>, trial: &Trial, heap: Heap) -> bool {
    let shorter = before.is_none_or(|before| trial.turn < before * 3 / 2);
    let little = |(metric, growth): (&Metric, &i64)| match metric {
        Metric::Live | Metric::Native => {
            let exact = !matches!(heap, Heap::V8 | Heap::Jvm | Heap::Ruby);
            growth * 2 <= if exact { EXACT } else { ROUGH }
        }
        Metric::External | Metric::Mapped | Metric::Anon => growth * 2 <= ROUGH,
        Metric::Shmem | Metric::Fds | Metric::Threads | Metric::Children => *growth <= 0,
        Metric::Peak | Metric::Blocks | Metric::Pss | Metric::Swap => true,
    };
    batch < MOST && trial.turn < LONG && shorter && trial.growth.iter().all(little)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(micros: u64, growth: &[(Metric, i64)]) -> Trial {
        Trial {
            turn: Duration::from_micros(micros),
            growth: growth.iter().copied().collect(),
        }
    }

    #[test]
    fn a_turn_that_doubling_makes_half_as_long_again_is_not_doubled() {
        let before = Some(Duration::from_micros(50));
        assert!(pays(2, before, &trial(51, &[]), Heap::Cpython));
        assert!(!pays(2, before, &trial(75, &[]), Heap::Cpython));
        assert!(!pays(MOST, before, &trial(51, &[]), Heap::Cpython));
        assert!(!pays(1, None, &trial(501, &[]), Heap::Cpython));
    }

    #[test]
    fn a_body_that_keeps_something_runs_once_a_turn() {
        let keeps = |metric, growth| !pays(1, None, &trial(50, &[(metric, growth)]), Heap::Cpython);
        assert!(keeps(Metric::Live, 1000));
        assert!(keeps(Metric::Fds, 1));
        assert!(keeps(Metric::Anon, 16384));
        assert!(!keeps(Metric::Live, 64));
        assert!(!keeps(Metric::Live, -5000));
        assert!(!keeps(Metric::Peak, 1 << 20));
    }
}
