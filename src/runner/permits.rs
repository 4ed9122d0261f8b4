//! How many processes may run at the same moment, over all cases: as many as there are cores.

use std::sync::{Condvar, Mutex, PoisonError};

/// Permits that are handed out in the order in which they were asked for.
///
/// A process holds one while it starts or advances, and gives it back often, so that
/// many processes share few cores evenly and none waits for long.
#[derive(Debug)]
pub struct Permits {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// The number of the next one to ask, and of the next one to be served.
    next: u64,
    served: u64,
}

/// Leave to run; given back when dropped.
#[derive(Debug)]
pub struct Permit<'a>(&'a Permits);

impl Permits {
    /// `count` permits, at least one.
    pub fn new(count: usize) -> Self {
        Self {
            state: Mutex::new(State {
                free: count.max(1),
                next: 0,
                served: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Waits for a permit.
    pub fn acquire(&self) -> Permit<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.next;
        state.next += 1;
        while state.free == 0 || state.served != number {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.free -= 1;
        state.served += 1;
        drop(state);
        self.changed.notify_all();
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free += 1;
        drop(state);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_hold_a_permit_than_there_are() {
        let permits = Permits::new(2);
        let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let permit = permits.acquire();
                        most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        held.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.into_inner()));
    }

    #[test]
    fn zero_permits_are_one() {
        drop(Permits::new(0).acquire());
    }
}
