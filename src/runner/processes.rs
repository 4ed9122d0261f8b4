//! The processes of one case, side by side on the cores there are.

use std::thread;
use std::time::{Duration, Instant};

use super::permits::Permits;
use crate::measure::{Session, Stopped};

/// How long a process keeps its core before others may have it.
const SLICE: Duration = Duration::from_millis(250);

/// Brings one process to `to` iterations, a slice of its core's time after the other,
/// unless it stops before or has run for `budget`.
pub(super) fn advance(
    session: &mut Session,
    to: u64,
    budget: Duration,
    permits: &Permits,
    tick: &mut dyn FnMut(u64, u64, Duration),
) -> Result<(), Stopped> {
    loop {
        let permit = permits.acquire();
        let active = session.active();
        let began = Instant::now();
        let slice = SLICE.min(budget.saturating_sub(active));
        let result = session.advance(to, began + slice, &mut |iteration, memory| {
            tick(iteration, memory, active + began.elapsed());
        });
        drop(permit);
        match result {
            Err(Stopped::Time) if session.active() < budget => {}
            other => return other,
        }
    }
}

/// The reason that weighs most, where processes stopped early for several.
pub(super) fn worst(stops: Vec<Stopped>) -> Option<Stopped> {
    stops.into_iter().max_by_key(|stopped| match stopped {
        Stopped::Time => 0,
        Stopped::Growth => 1,
        Stopped::Died(_) => 2,
        Stopped::Memory(_) => 3,
        Stopped::Interrupted => 4,
    })
}

/// The longest time that a process of the case ran.
pub(super) fn longest(sessions: &[Session]) -> Duration {
    sessions
        .iter()
        .map(Session::active)
        .max()
        .unwrap_or_default()
}

/// Does the same to each, side by side; results are in the same order.
pub(super) fn in_parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> = items
            .into_iter()
            .map(|item| scope.spawn(move || work(item)))
            .collect();
        running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}
