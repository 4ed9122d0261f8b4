//! Which cases may run at the same time: those in flight, and of each group as many as it allows.

use std::collections::BTreeMap;

use super::permits::{Permit, Permits};
use super::plan::Planned;
use crate::config::Group;

/// More threads than this wait for no group: the rest of its cases come later.
const MAX_WAITING: usize = 256;

/// Lanes for the cases of a run.
#[derive(Debug)]
pub(super) struct Lanes {
    in_flight: Permits,
    threads: usize,
    groups: BTreeMap<String, (Permits, usize)>,
}

/// A place among the cases that run; given back when dropped, the group's last.
#[derive(Debug)]
pub(super) struct Lane<'l> {
    _in_flight: Permit<'l>,
    _group: Option<Permit<'l>>,
}

impl Lanes {
    pub(super) fn new(groups: &BTreeMap<String, Group>, in_flight: usize) -> Self {
        let lane = |(name, group): (&String, &Group)| {
            let permits = Permits::new(group.max_threads);
            (name.clone(), (permits, group.max_threads))
        };
        Self {
            in_flight: Permits::new(in_flight),
            threads: in_flight,
            groups: groups.iter().map(lane).collect(),
        }
    }

    /// Waits for the group first, so that who waits for it keeps no place from others.
    pub(super) fn enter(&self, group: Option<&str>) -> Lane<'_> {
        let group = group.and_then(|name| self.groups.get(name));
        let group = group.map(|(permits, _)| permits.acquire());
        Lane {
            _group: group,
            _in_flight: self.in_flight.acquire(),
        }
    }

    /// Threads that are needed so that cases which wait for their groups keep none from others.
    pub(super) fn threads(&self, planned: &[Planned]) -> usize {
        let waiting = self.groups.iter().map(|(name, (_, max))| {
            let members = planned
                .iter()
                .filter(|one| one.group.as_ref() == Some(name));
            members.count().saturating_sub(*max)
        });
        // And those that wait for another side of their case.
        let sides = planned.iter().map(|one| one.told().len()).max();
        let sides = (sides.unwrap_or(1).max(1) - 1) * self.threads;
        self.threads + (waiting.sum::<usize>() + sides).min(MAX_WAITING)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    fn lanes(in_flight: usize) -> Lanes {
        let group = Group { max_threads: 1 };
        Lanes::new(&BTreeMap::from([("db".to_owned(), group)]), in_flight)
    }

    #[test]
    fn who_waits_for_a_group_keeps_no_place_from_others() {
        let lanes = lanes(2);
        let first = lanes.enter(Some("db"));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| drop(lanes.enter(Some("db"))));
            // Were the one that waits in the way, this would never return.
            drop(lanes.enter(None));
            drop(first);
            waiting.join().unwrap();
        });
    }

    #[test]
    fn a_group_runs_no_more_cases_than_it_allows() {
        let lanes = lanes(4);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _lane = lanes.enter(Some("db"));
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }
}
