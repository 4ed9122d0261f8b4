//! The processes below a target as they come and go: who belongs to it, and what each holds.
//!
//! Whoever loses its parent while the target lives is an orphan: it becomes a child of
//! memcase, the subreaper, and still counts as the target's.
//!
//! What is known is kept open: a reading costs 1.5 µs a living process. Lists of children are
//! read again only when the kernel has given out a new process number, anywhere: no process
//! comes without one. Looks take at most a twentieth of the time; to start a process takes
//! longer than a look without children, so that the first one is never missed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, Instant};

use super::kin::{Kin, Roll};
use super::strays::{belongs, bury, children};

/// Looks take at most one part in this many of the time.
const SHARE: u32 = 20;
/// Between two questions for the last process number, which cost 1.6 µs: a turn that starts a
/// process takes longer.
const PACE: Duration = Duration::from_micros(30);
/// A look is due after this long even where the numbers stand still: some containers show
/// an old one.
const STALE: Duration = Duration::from_millis(20);
/// Processes whose file is kept open; those of more are opened for each reading.
const MOST_OPEN: usize = 64;
/// Looks at a child of memcase that can not be told whose it is.
const PATIENCE: u32 = 8;

/// Pages of one process, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pages {
    /// Anonymous resident ones.
    pub anon: u64,
    /// All resident ones.
    pub resident: u64,
}

/// The processes of one target.
#[derive(Debug)]
pub struct Tree {
    leader: u32,
    /// What orphans of the target carry; without it none is looked for.
    marker: Option<String>,
    /// The target's folder of threads, and the children of its first one.
    threads: File,
    list: File,
    /// Children of memcase's first thread: what loses its parent comes there.
    adopted: Option<File>,
    /// Tells the last process number that was given out.
    numbers: Option<File>,
    number: Option<u64>,
    checked: Instant,
    looked: Instant,
    cost: Duration,
    below: BTreeMap<u32, Below>,
    /// Children of memcase that are not of this target, with the looks that could not tell.
    others: BTreeMap<u32, u32>,
    roll: Roll,
    buffer: Vec<u8>,
}

/// A process below the target.
#[derive(Debug)]
struct Below {
    statm: Option<File>,
    /// Whether it has ended, and waits to be reaped.
    ended: bool,
    kin: Kin,
}

impl Tree {
    /// The tree of `leader`; its orphans carry `marker`.
    pub(super) fn open(leader: u32, marker: Option<String>) -> io::Result<Self> {
        let me = std::process::id();
        let mut tree = Self {
            leader,
            marker,
            threads: File::open(format!("/proc/{leader}/task"))?,
            list: File::open(format!("/proc/{leader}/task/{leader}/children"))?,
            adopted: File::open(format!("/proc/{me}/task/{me}/children")).ok(),
            numbers: File::open("/proc/loadavg").ok(),
            number: None,
            checked: Instant::now(),
            looked: Instant::now(),
            cost: Duration::ZERO,
            below: BTreeMap::new(),
            others: BTreeMap::new(),
            roll: Roll::default(),
            buffer: vec![0; 4096],
        };
        tree.look();
        Ok(tree)
    }

    /// The tree of any process, without orphans.
    pub fn of(leader: u32) -> io::Result<Self> {
        Self::open(leader, None)
    }

    /// Looks for new processes, if there can be any and the time for it has come.
    pub fn look_if_due(&mut self) {
        let now = Instant::now();
        let since = now - self.looked;
        if now - self.checked < PACE || since < self.cost * SHARE {
            return;
        }
        self.checked = now;
        let number = self.last_number();
        if number.is_none() || number != self.number || since > STALE {
            self.look();
        }
    }

    /// Looks for processes that came and went. Lists are racy while the tree runs (proc(5)),
    /// and exact at a quiescent point.
    pub fn look(&mut self) {
        self.looked = Instant::now();
        // Read before the lists: who comes meanwhile is seen the next time.
        self.number = self.last_number();
        let mut listed = BTreeSet::new();
        let mut open = self.orphans();
        open.extend(self.of_leader());
        while let Some(pid) = open.pop() {
            if pid != self.leader && listed.insert(pid) && self.lives(pid) {
                open.extend(children(pid));
            }
        }
        let (roll, buffer) = (&mut self.roll, &mut self.buffer);
        self.below.retain(|pid, below| {
            // Who is not in the racy lists may live all the same.
            let mut lives = || match &below.statm {
                Some(file) => pages(file, buffer).is_some(),
                None => pages_of(*pid).is_some(),
            };
            let stays = listed.contains(pid) || (!below.ended && lives());
            if !stays {
                roll.strike(&below.kin);
            }
            stays
        });
        self.cost = self.looked.elapsed();
    }

    /// What the target and all below it hold now, if the target itself holds `own`.
    pub fn hold(&mut self, own: Pages) -> Pages {
        self.roll.next(own.anon);
        let mut sum = own;
        for (&pid, below) in self.below.iter_mut().filter(|(_, below)| !below.ended) {
            let pages = match &below.statm {
                Some(file) => pages(file, &mut self.buffer),
                None => pages_of(pid),
            };
            if let Some(pages) = pages {
                self.roll.saw(&mut below.kin, pages.anon);
                sum.anon += pages.anon;
                sum.resident += pages.resident;
            } else {
                below.ended = true;
                below.statm = None;
                if below.kin.is_orphan() {
                    bury(pid, self.leader);
                }
            }
        }
        sum
    }

    /// Processes below the target, those that ended and were not waited for among them.
    pub fn count(&self) -> usize {
        self.below.len()
    }

    /// The numbers of those that live, without the target's own, as of the last look.
    pub fn living(&self) -> impl Iterator<Item = u32> + '_ {
        let living = self.below.iter().filter(|(_, below)| !below.ended);
        living.map(|(&pid, _)| pid)
    }

    /// Who was there, with what each held, for the end of a trace. Commands are read anew:
    /// a process that was just forked still has that of its parent.
    pub fn roll(&mut self) -> &Roll {
        for (&pid, below) in self.below.iter_mut().filter(|(_, below)| !below.ended) {
            below.kin.name(command(pid));
        }
        self.roll.own.name(command(self.leader));
        let there = self.below.values().map(|below| (&below.kin, below.ended));
        self.roll.write(there);
        &self.roll
    }

    /// Direct children of the target.
    fn of_leader(&mut self) -> Vec<u32> {
        // The folder of threads has one link for each, and two of its own.
        match self.threads.metadata() {
            Ok(folder) if folder.nlink() <= 3 => listed_in(&self.list, &mut self.buffer),
            _ => children(self.leader),
        }
    }

    /// The children of memcase that are orphans of this target.
    fn orphans(&mut self) -> Vec<u32> {
        let Some((adopted, marker)) = self.adopted.as_ref().zip(self.marker.as_ref()) else {
            return Vec::new();
        };
        let mut found = listed_in(adopted, &mut self.buffer);
        // The target is a child of memcase too, and no orphan.
        found.retain(|&pid| pid != self.leader);
        self.others.retain(|pid, _| found.contains(pid));
        let (below, others, leader) = (&self.below, &mut self.others, self.leader);
        found.retain(|pid| {
            if below.contains_key(pid) {
                return true;
            }
            let looks = others.entry(*pid).or_default();
            if *looks >= PATIENCE {
                return false;
            }
            *looks = match belongs(*pid, leader, marker) {
                Some(true) => 0,
                Some(false) => PATIENCE,
                None => *looks + 1,
            };
            *looks == 0
        });
        for &pid in &found {
            self.others.remove(&pid);
            if self.lives(pid) {
                if let Some(below) = self.below.get_mut(&pid) {
                    self.roll.orphaned(&mut below.kin);
                }
            } else {
                bury(pid, self.leader);
            }
        }
        found
    }

    /// Whether a listed process lives; it is known from now on.
    fn lives(&mut self, pid: u32) -> bool {
        if let Some(below) = self.below.get(&pid) {
            return !below.ended;
        }
        let file = File::open(format!("/proc/{pid}/statm")).ok();
        let lives = file
            .as_ref()
            .is_some_and(|file| pages(file, &mut self.buffer).is_some());
        let mut kin = Kin::default();
        if lives {
            kin = self.roll.enter();
            kin.name(command(pid));
        }
        let kept = self.below.values().filter(|b| b.statm.is_some()).count();
        let below = Below {
            statm: file.filter(|_| lives && kept < MOST_OPEN),
            ended: !lives,
            kin,
        };
        self.below.insert(pid, below);
        lives
    }

    fn last_number(&mut self) -> Option<u64> {
        let n = self.numbers.as_ref()?.read_at(&mut self.buffer, 0).ok()?;
        let text = self.buffer[..n].trim_ascii_end();
        let last = text.rsplit(|&byte| byte == b' ').next()?;
        std::str::from_utf8(last).ok()?.parse().ok()
    }
}

/// `size resident shared …` in pages. Zero resident pages are those of a dead process.
fn parse_statm(text: &[u8]) -> Option<Pages> {
    let mut fields = text.split(|&byte| byte == b' ').skip(1).map(number);
    let resident = fields.next()??;
    let shared = fields.next()??;
    (resident > 0).then(|| Pages {
        anon: resident.saturating_sub(shared),
        resident,
    })
}

/// What a process holds, by its `statm` that is kept open.
pub fn pages(statm: &File, buffer: &mut [u8]) -> Option<Pages> {
    let n = statm.read_at(buffer, 0).ok()?;
    parse_statm(&buffer[..n])
}

fn pages_of(pid: u32) -> Option<Pages> {
    parse_statm(&fs::read(format!("/proc/{pid}/statm")).ok()?)
}

/// Decimal digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// The process numbers in a list of children that is kept open.
fn listed_in(list: &File, buffer: &mut Vec<u8>) -> Vec<u32> {
    let mut end = 0;
    while let Ok(n @ 1..) = list.read_at(&mut buffer[end..], end as u64) {
        end += n;
        if end == buffer.len() {
            buffer.resize(end * 2, 0);
        }
    }
    buffer[..end]
        .split(|&byte| byte == b' ')
        .filter_map(|digits| number(digits).filter(|_| !digits.is_empty()))
        .map(|pid| pid as u32)
        .collect()
}

/// The command line of a process as one line, paths without their folders; its short name where
/// it has none.
pub(in crate::measure) fn command(pid: u32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<_> = line
        .split(|&byte| byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| match word.rsplit(|&byte| byte == b'/').next() {
            Some(name) if word.starts_with(b"/") && !name.is_empty() => name,
            _ => word,
        })
        .map(String::from_utf8_lossy)
        .collect();
    if words.is_empty() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        return Some(name.trim_end().to_owned());
    }
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_process_holds_nothing_and_is_no_reading() {
        assert_eq!(parse_statm(b"0 0 0 0 0 0 0\n"), None);
        assert_eq!(parse_statm(b""), None);
        assert_eq!(
            parse_statm(b"100 30 10 1 0 20 0\n"),
            Some(Pages {
                anon: 20,
                resident: 30
            })
        );
    }

    #[test]
    fn children_of_all_threads_are_found_counted_and_forgotten() {
        use std::process::{Command, Stdio};
        let mut tree = Tree::of(std::process::id()).expect("this process has a tree");
        let started = std::thread::spawn(|| {
            let mut command = Command::new("/bin/cat");
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn().expect("cat can be started")
        });
        let mut child = started.join().expect("the thread ends");
        let pid = child.id();
        tree.look();
        assert!(tree.living().any(|found| found == pid));
        let own = Pages::default();
        assert!(tree.hold(own).resident > 0);
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
        tree.hold(own);
        assert!(tree.living().all(|found| found != pid));
        tree.look();
        assert!(!tree.below.contains_key(&pid));
        let told = tree.roll().members().iter().any(|member| member.ended);
        assert!(told, "it held memory at a reading, and has ended");
    }

    #[test]
    fn who_has_ended_is_forgotten_without_a_reading_too() {
        let mut tree = Tree::of(std::process::id()).expect("this process has a tree");
        let mut child = std::process::Command::new("/bin/cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat can be started");
        tree.look();
        assert!(tree.below.contains_key(&child.id()));
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
        tree.look();
        assert!(!tree.below.contains_key(&child.id()));
    }
}
