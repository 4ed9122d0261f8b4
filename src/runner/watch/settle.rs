//! Changes that belong together: an editor, or git, touches many files in a moment.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Seen;

/// Nothing has changed for so long: what changed before is whole.
const QUIET: Duration = Duration::from_millis(200);
/// Changes that never cease are told after so long.
const LONGEST: Duration = Duration::from_secs(2);

/// What has changed together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Paths, with no link in them but perhaps the last part.
    pub paths: BTreeSet<PathBuf>,
    /// Whether there was more than could be told.
    pub anything: bool,
}

/// Changes that perhaps go on.
#[derive(Debug, Default)]
pub struct Settling {
    changes: Changes,
    /// When the first and the last came.
    times: Option<(Instant, Instant)>,
}

impl Settling {
    /// Adds one that has come just now.
    pub fn add(&mut self, seen: Seen) {
        self.add_at(seen, Instant::now());
    }

    /// Those that are whole.
    pub fn settled(&mut self) -> Option<Changes> {
        self.settled_at(Instant::now())
    }

    /// Whether nothing has come.
    pub fn is_empty(&self) -> bool {
        self.times.is_none()
    }

    fn add_at(&mut self, seen: Seen, now: Instant) {
        match seen {
            Seen::Path(path) => drop(self.changes.paths.insert(path)),
            Seen::Anything => self.changes.anything = true,
        }
        let first = self.times.map_or(now, |(first, _)| first);
        self.times = Some((first, now));
    }

    fn settled_at(&mut self, now: Instant) -> Option<Changes> {
        let (first, last) = self.times?;
        (now - last >= QUIET || now - first >= LONGEST).then(|| {
            self.times = None;
            std::mem::take(&mut self.changes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_together_when_they_cease_and_at_the_latest_after_a_while() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let path = |name: &str| Seen::Path(name.into());
        let mut settling = Settling::default();
        assert_eq!(settling.settled_at(at(0)), None);
        settling.add_at(path("a"), at(0));
        settling.add_at(path("b"), at(150));
        assert_eq!(settling.settled_at(at(300)), None);
        let changes = settling.settled_at(at(350)).unwrap();
        assert_eq!(changes.paths, ["a", "b"].map(PathBuf::from).into());
        assert_eq!(settling.settled_at(at(9_000)), None);
        for k in 0..20 {
            settling.add_at(path("c"), at(10_000 + 100 * k));
            assert_eq!(settling.settled_at(at(10_000 + 100 * k)), None);
        }
        settling.add_at(Seen::Anything, at(12_000));
        assert!(settling.settled_at(at(12_000)).unwrap().anything);
    }
}
