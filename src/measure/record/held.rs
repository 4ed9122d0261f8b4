//! What one process holds of each kind of memory, how much of that is its own, and what all hold together.
//!
//! Only a walk over the pages divides what is shared. Between two walks a bound is known from both sides: what is
//! anonymous and new is its own; pages of files and of shared memory that are new to a process may be another's
//! too, and count in any case only as far as one process holds them.

use std::ops::Add;

/// Bytes by what they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds {
    pub(super) anon: u64,
    pub(super) file: u64,
    pub(super) shmem: u64,
    pub(super) swap: u64,
}

impl Kinds {
    pub(super) fn resident(self) -> u64 {
        self.anon + self.file + self.shmem
    }

    /// What can not be given up for others: pages of files can.
    pub(super) fn charged(self) -> u64 {
        self.anon + self.shmem + self.swap
    }

    pub(super) fn with(self, other: Self, both: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            anon: both(self.anon, other.anon),
            file: both(self.file, other.file),
            shmem: both(self.shmem, other.shmem),
            swap: both(self.swap, other.swap),
        }
    }
}

impl Add for Kinds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(other, |one, other| one + other)
    }
}

/// How the memory of one process is divided between it and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Division {
    /// What it held when it was divided, less what it gave back since.
    base: Kinds,
    /// Its part of that, at least and at most.
    least: Kinds,
    most: Kinds,
}

impl Division {
    fn of(base: Kinds, part: Kinds) -> Self {
        Self {
            base,
            least: part,
            most: part,
        }
    }

    /// As a walk found it, that took from `before`, when the walk over all began, to `after`. Walks come one after the
    /// other: what it came to share meanwhile may have been counted with another one in full.
    pub(super) fn walked(before: Kinds, part: Kinds, after: Kinds) -> Self {
        let came = after.with(before, u64::saturating_sub);
        let least = part.with(came, u64::saturating_sub);
        let anon = part.anon;
        Self {
            base: after,
            least: Kinds { anon, ..least }.with(after, u64::min),
            most: (part + came).with(after, u64::min),
        }
    }

    /// Until a walk tells, a fork shares all with its parent.
    pub(super) fn forked(now: Kinds) -> Self {
        Self::of(now, Kinds::default())
    }

    /// Of the only one: what it holds of memory that no file has is its own, whoever shared it before.
    pub(super) fn alone(&self, now: Kinds) -> Self {
        let file = self.most(now).file;
        Self::of(now, Kinds { file, ..now })
    }

    /// Takes note of what it gave back. That may have been its own or shared.
    pub(super) fn follow(&mut self, now: Kinds) {
        let given = self.base.with(now, u64::saturating_sub);
        self.base = self.base.with(now, u64::min);
        self.least = self.least.with(given, u64::saturating_sub);
        self.most = self.most.with(now, u64::min);
    }

    fn gained(&self, now: Kinds) -> Kinds {
        now.with(self.base, u64::saturating_sub)
    }

    /// Its part, if all that is new to it is its own.
    pub(super) fn most(&self, now: Kinds) -> Kinds {
        (self.most + self.gained(now)).with(now, u64::min)
    }

    /// Its part, if of what is new to it only what is anonymous is its own.
    pub(super) fn least(&self, now: Kinds) -> Kinds {
        let anon = self.least.anon + self.gained(now).anon;
        Kinds { anon, ..self.least }.with(now, u64::min)
    }

    /// Bytes that are new to it and may be others'.
    pub(super) fn open(&self, now: Kinds) -> u64 {
        let gained = self.gained(now);
        gained.file + gained.shmem + gained.swap
    }
}

/// The highest values of one process that looks saw since the last sample, each for itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) resident: u64,
    /// Its part at least, and at most, and at most of what can not be given up.
    pub(super) told: u64,
    pub(super) most: u64,
    pub(super) charged: u64,
}

/// The same of all together, each page once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) resident: u64,
    pub(super) charged: u64,
}

/// What several hold in any case, each page counted once.
pub(super) fn together(all: impl Iterator<Item = (Division, Kinds)>) -> Kinds {
    let (mut least, mut of_one) = (Kinds::default(), Kinds::default());
    for (division, now) in all {
        least = least + division.least(now);
        // Pages of files and shared memory may be shared with programs that are not meant.
        let one = Kinds {
            anon: now.anon,
            ..division.most(now)
        };
        of_one = of_one.with(one, u64::max);
    }
    least.with(of_one, u64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(anon: u64, file: u64, shmem: u64) -> Kinds {
        Kinds {
            anon,
            file,
            shmem,
            swap: 0,
        }
    }

    #[test]
    fn one_that_is_alone_holds_all_that_it_gains() {
        let mut division = Division::default();
        let now = kinds(100, 20, 5);
        assert_eq!(together([(division, now)].into_iter()), now);
        division = Division::of(now, kinds(100, 8, 5));
        let then = kinds(70, 30, 15);
        division.follow(then);
        let expected = kinds(70, 18, 15);
        assert_eq!(together([(division, then)].into_iter()), expected);
    }

    #[test]
    fn shared_memory_that_several_touch_counts_once() {
        let parent = Division::of(kinds(5, 0, 200), kinds(5, 0, 200));
        let fork = Division::forked(kinds(5, 0, 0));
        let child = kinds(6, 0, 200);
        let all = [(parent, kinds(5, 0, 200)), (fork, child), (fork, child)];
        assert_eq!(together(all.into_iter()), kinds(7, 0, 200));
        assert_eq!(fork.most(child), kinds(1, 0, 200));
        assert_eq!(fork.open(child), 200);
        // The parent is the last one again, with a quarter by a walk before the others ended.
        let walked = Division::of(kinds(5, 0, 200), kinds(5, 0, 50));
        let alone = walked.alone(kinds(5, 0, 200));
        let now = [(alone, kinds(5, 0, 200))];
        assert_eq!(together(now.into_iter()), kinds(5, 0, 200));
    }

    #[test]
    fn what_comes_during_the_walks_does_not_count_twice() {
        let parent = kinds(5, 0, 200);
        let first = Division::walked(parent, parent, parent);
        // It touched 60 after the parent was walked, of which the walk saw 40, two to a page.
        let after = kinds(3, 0, 60);
        let second = Division::walked(kinds(1, 0, 0), kinds(2, 0, 20), after);
        let all = [(first, parent), (second, after)];
        assert_eq!(together(all.into_iter()), kinds(7, 0, 200));
        assert_eq!(second.most(after), kinds(3, 0, 60));
    }

    #[test]
    fn what_a_fork_gains_after_an_exec_is_its_own() {
        let mut child = Division::forked(kinds(200, 9, 0));
        child.follow(kinds(1, 3, 0));
        assert_eq!(child.least(kinds(61, 8, 0)), kinds(60, 0, 0));
        let parent = Division::of(kinds(200, 9, 0), kinds(200, 9, 0));
        let all = [(parent, kinds(200, 9, 0)), (child, kinds(61, 8, 0))];
        assert_eq!(together(all.into_iter()), kinds(260, 9, 0));
    }

    #[test]
    fn what_is_given_back_is_taken_from_the_least_and_bounds_the_most() {
        let mut one = Division::of(kinds(100, 0, 0), kinds(40, 0, 0));
        one.follow(kinds(70, 0, 0));
        assert_eq!(one.least(kinds(70, 0, 0)), kinds(10, 0, 0));
        assert_eq!(one.most(kinds(70, 0, 0)), kinds(40, 0, 0));
        one.follow(kinds(30, 0, 0));
        assert_eq!(one.least(kinds(50, 0, 0)), kinds(20, 0, 0));
        assert_eq!(one.most(kinds(50, 0, 0)), kinds(50, 0, 0));
    }
}
