//! What is told in the end of the processes of a tree: which one grew, and by how much.

use crate::trace::Member;

/// Processes that are told of.
const MOST: usize = 32;
/// Characters of a command that are told.
const LONGEST: usize = 120;

/// One process, by its order of appearance.
#[derive(Debug, Clone, Default)]
pub(super) struct Kin {
    child: u32,
    command: String,
    /// Its first and its last reading: which one it was, and the pages.
    first: Option<(usize, u64)>,
    last: (usize, u64),
    orphan: Option<usize>,
}

impl Kin {
    /// Keeps the command line, if it could be read.
    pub(super) fn name(&mut self, command: Option<String>) {
        if let Some(command) = command {
            self.command = command.chars().take(LONGEST).collect();
        }
    }

    pub(super) fn is_orphan(&self) -> bool {
        self.orphan.is_some()
    }
}

/// All processes that a tree ever had, as far as there is something to tell of them.
#[derive(Debug, Default)]
pub struct Roll {
    /// The target itself.
    pub(super) own: Kin,
    /// Readings so far.
    readings: usize,
    children: u32,
    struck: Vec<Member>,
    written: Vec<Member>,
}

impl Roll {
    /// A process that is new.
    pub(super) fn enter(&mut self) -> Kin {
        self.children += 1;
        Kin {
            child: self.children,
            ..Kin::default()
        }
    }

    /// The next reading begins; `own` pages are the target's.
    pub(super) fn next(&mut self, own: u64) {
        let reading = (self.readings, own);
        self.own.first.get_or_insert(reading);
        self.own.last = reading;
        self.readings += 1;
    }

    /// A process holds `pages` at this reading.
    pub(super) fn saw(&self, kin: &mut Kin, pages: u64) {
        let reading = (self.readings.saturating_sub(1), pages);
        kin.first.get_or_insert(reading);
        kin.last = reading;
    }

    /// A process has lost its parent.
    pub(super) fn orphaned(&self, kin: &mut Kin) {
        kin.orphan.get_or_insert(self.readings);
    }

    /// A process is gone.
    pub(super) fn strike(&mut self, kin: &Kin) {
        self.struck.extend(member(kin, true));
        if self.struck.len() > 2 * MOST {
            keep_largest(&mut self.struck);
        }
    }

    /// Writes down who is there, beside those who are gone.
    pub(super) fn write<'a>(&mut self, there: impl Iterator<Item = (&'a Kin, bool)>) {
        let mut all = self.struck.clone();
        all.extend(there.filter_map(|(kin, ended)| member(kin, ended)));
        keep_largest(&mut all);
        if !all.is_empty() {
            all.extend(member(&self.own, false));
        }
        all.sort_by_key(|member| member.child);
        self.written = all;
    }

    /// The target itself as child 0 and those below it, in the order in which they came, in
    /// pages and with the number of the reading in place of the iteration. Empty where there
    /// never was a child.
    pub fn members(&self) -> &[Member] {
        &self.written
    }
}

fn member(kin: &Kin, ended: bool) -> Option<Member> {
    let first = kin.first?;
    Some(Member {
        child: kin.child,
        command: kin.command.clone(),
        from: first.0 as u64,
        first: first.1,
        to: kin.last.0 as u64,
        last: kin.last.1,
        orphan: kin.orphan.map(|reading| reading as u64),
        ended,
    })
}

/// Those that grew most, orphans before others.
fn keep_largest(members: &mut Vec<Member>) {
    members.sort_by_key(|member| {
        let growth = member.last.saturating_sub(member.first);
        std::cmp::Reverse((growth, member.orphan.is_some(), !member.ended))
    });
    members.truncate(MOST);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_processes_those_that_grew_most_are_told() {
        let mut roll = Roll::default();
        roll.next(10);
        let mut all: Vec<Kin> = (0..500).map(|_| roll.enter()).collect();
        for kin in &mut all {
            roll.saw(kin, 5);
        }
        roll.next(11);
        roll.saw(&mut all[321], 900);
        for kin in all.drain(..) {
            roll.strike(&kin);
        }
        roll.write(std::iter::empty());
        let told = roll.members();
        assert_eq!(told.len(), MOST + 1);
        assert_eq!((told[0].child, told[0].first, told[0].last), (0, 10, 11));
        let grown = told.iter().find(|member| member.child == 322);
        assert_eq!(grown.map(|member| (member.last, member.to)), Some((900, 1)));
    }

    #[test]
    fn without_children_there_is_nothing_to_tell() {
        let mut roll = Roll::default();
        roll.next(10);
        roll.write(std::iter::empty());
        assert!(roll.members().is_empty());
    }
}
