//! The processes of a recorded program: what each holds, in turns as dear as they must be.
//!
//! A reading costs 20 µs a process. Shared pages are divided by a walk over all pages, 15 to 20 µs a MiB, which
//! is made as often as a small share of the time allows; what is known between two walks, `held` says.

use std::time::{Duration, Instant};

use super::held::{Division, Kinds, Seen, Sums, together};
use super::one::One;
use super::status::Files;
use crate::measure::process::{Direct, Tree};
use crate::trace::{Metric, Part, Sample, Share};

/// Walks over the pages take at most one part in this many of the time.
const SHARE: u32 = 250;
/// Time for walks that a record begins with, and that may be saved up.
const SAVED: Duration = Duration::from_millis(100);
/// What was walked is not walked again before this, unless a process came or went.
const FRESH: Duration = Duration::from_secs(1);

/// All of them.
#[derive(Debug)]
pub(super) struct Parts {
    tree: Option<Tree>,
    all: Vec<One>,
    count: u32,
    credit: Duration,
    credited: Instant,
    /// The highest resident bytes that were seen of any one.
    pub(super) highest: u64,
    /// The most that can not have been given up at any moment.
    pub(super) charged: u64,
    sums: Sums,
    /// Those that a walk found to be another program.
    renamed: Vec<Part>,
    buffer: Vec<u8>,
    leader: u32,
}

/// What is found at one moment.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The readings of all together.
    pub sample: Sample,
    /// What each holds.
    pub each: Vec<Share>,
    /// Bytes that can not be given up for others, at the highest: what was seen in any case, and the most that it
    /// can have been.
    pub charged: u64,
    /// See `charged`.
    pub charged_at_most: u64,
    /// The most that the highest moment can have been, were all highest at once.
    pub at_most: u64,
}

impl Row {
    /// The reading of a metric.
    pub fn get(&self, metric: Metric) -> Option<u64> {
        let found = |(known, value): &(Metric, u64)| (*known == metric).then_some(*value);
        self.sample.values.iter().find_map(found)
    }
}

impl Parts {
    pub(super) fn of(program: &Direct) -> Self {
        Self {
            tree: program.tree().ok(),
            all: Vec::new(),
            count: 0,
            credit: SAVED,
            credited: Instant::now(),
            highest: 0,
            charged: 0,
            sums: Sums::default(),
            renamed: Vec::new(),
            buffer: vec![0; 8 * 1024],
            leader: program.pid(),
        }
    }

    /// Whether a process belongs to the program.
    pub(super) fn has(&self, pid: u32) -> bool {
        self.all.iter().any(|one| one.part.pid == pid && !one.ended)
    }

    /// Whether it never had a second process.
    pub(super) fn is_alone(&self) -> bool {
        self.count <= 1
    }

    /// The program itself, if it was never seen alive.
    pub(super) fn unseen(&self, at: u64) -> Option<Part> {
        (self.count == 0).then(|| Part {
            pid: self.leader,
            to: Some(at),
            ..Part::default()
        })
    }

    /// How many of it live.
    pub(super) fn living(&self) -> usize {
        self.all.iter().filter(|one| !one.ended).count()
    }

    /// Lets the next look see all there are, whatever it costs.
    pub(super) fn look_again(&mut self) {
        if let Some(tree) = &mut self.tree {
            tree.look();
        }
    }

    /// Lets the next sample divide what is shared, if it can be afforded.
    pub(super) fn divide(&mut self) {
        self.all.iter_mut().for_each(|one| one.stale = true);
    }

    /// Looks who came and who went, and how high each has been. Tells those of whom something is new.
    pub(super) fn look(&mut self, at: u64) -> Vec<Part> {
        let mut news = std::mem::take(&mut self.renamed);
        if self.count == 0 {
            news.extend(self.enter(self.leader, at));
        }
        if let Some(tree) = &mut self.tree {
            tree.look_if_due();
            let living: Vec<u32> = tree.living().collect();
            for pid in living {
                if !self.has(pid) {
                    news.extend(self.enter(pid, at));
                }
            }
        }
        let mut gone = false;
        for one in self.all.iter_mut().filter(|one| !one.ended) {
            let Some((status, name)) = one.files.read(&mut self.buffer) else {
                one.ended = true;
                one.told = 0;
                one.part.to = Some(at);
                gone = true;
                news.push(one.part.clone());
                continue;
            };
            self.highest = self.highest.max(status.highest);
            one.follow(status);
            if one.name != name {
                one.name = name.to_vec();
                one.stale = true;
                news.extend(one.renamed());
            }
        }
        if gone {
            self.divide();
            self.leave_alone();
            if let Some(tree) = &mut self.tree {
                tree.hold(crate::measure::process::Pages::default());
            }
        }
        self.weigh();
        news
    }

    /// Where one is the only one now, nobody shares with it.
    fn leave_alone(&mut self) {
        let mut living = self.all.iter_mut().filter(|one| !one.ended);
        if let (Some(one), None) = (living.next(), living.next()) {
            one.division = one.division.alone(one.now.kinds);
        }
    }

    fn together(&self) -> Kinds {
        let living = self.all.iter().filter(|one| !one.ended);
        together(living.map(|one| (one.division, one.now.kinds)))
    }

    /// Takes note of what all hold now.
    fn weigh(&mut self) {
        let alone = self.living() == 1;
        let now = self.together();
        self.sums.resident = self.sums.resident.max(now.resident());
        self.sums.charged = self.sums.charged.max(now.charged());
        let living = self.all.iter_mut().filter(|one| !one.ended);
        living.for_each(|one| one.weigh(alone));
    }

    fn enter(&mut self, pid: u32, at: u64) -> Option<Part> {
        let mut files = Files::open(pid).ok()?;
        let (status, name) = files.read(&mut self.buffer)?;
        let name = name.to_vec();
        self.leave_alone();
        self.divide();
        let part = Part {
            process: self.count,
            pid,
            command: files.command().unwrap_or_default(),
            from: at,
            ..Part::default()
        };
        self.count += 1;
        self.all.push(One {
            name,
            now: status,
            highest: status.highest,
            division: if part.process == 0 {
                Division::default()
            } else {
                Division::forked(status.kinds)
            },
            told: 0,
            seen: Seen::default(),
            walked: None,
            stale: true,
            cost: Duration::ZERO,
            before: 0,
            ends: false,
            ended: false,
            files,
            part: part.clone(),
        });
        Some(part)
    }

    /// Divides shared pages where that is due and can be afforded: of all or of none, as each one's part depends on
    /// who the others are.
    fn walk(&mut self) {
        let now = Instant::now();
        let living = || self.all.iter().filter(|one| !one.ended);
        let is_due = |one: &One| {
            let old = one.walked.is_none_or(|walked| now - walked > FRESH);
            one.stale || old
        };
        if !living().any(is_due) {
            return;
        }
        let cost: Duration = living().map(One::dear).sum();
        // What is dear has to be saved up for.
        let most = SAVED.max(cost * 2);
        self.credit = (self.credit + (now - self.credited) / SHARE).min(most);
        self.credited = now;
        if cost > self.credit {
            return;
        }
        let mut known = Vec::new();
        for one in self.all.iter_mut().filter(|one| !one.ended && !one.ends) {
            // Before its exec a child of vfork(2) is in its parent's memory, which a walk tells of both in full.
            // Children that were forked one after the other hold as much as each other, and not as their parent.
            if known.contains(&(one.now.parent, one.now.kinds)) {
                one.division = Division::forked(one.now.kinds);
                continue;
            }
            known.push((one.part.pid, one.now.kinds));
            self.credit = self.credit.saturating_sub(one.walk(&mut self.buffer));
            self.renamed.extend(one.renamed());
        }
        // One that is just ending may still have shared with it.
        self.leave_alone();
    }

    /// Takes a sample of all of them, and lets the highest values begin anew.
    pub(super) fn sample(&mut self, at: u64) -> Row {
        self.walk();
        self.weigh();
        let all = &self.all;
        let now = self.together();
        let mut row = Row {
            charged: self.sums.charged,
            ..Row::default()
        };
        let mut steady = 0;
        for one in all {
            steady += one.told.min(one.before);
            row.at_most += one.seen.most + one.unseen();
            row.charged_at_most += one.seen.charged + one.unseen();
            row.each.push(Share {
                process: one.part.process,
                pss: one.told,
                peak: one.peak(),
            });
        }
        // While one was highest the others held what they held before and after.
        let alone = all
            .iter()
            .map(|one| one.peak() + (steady - one.told.min(one.before)));
        let peak = alone.max().unwrap_or(0).max(self.sums.resident);
        row.at_most = row.at_most.max(peak);
        row.charged_at_most = row.charged_at_most.max(row.charged);
        self.charged = self.charged.max(row.charged_at_most);
        row.sample.at = at;
        row.sample.values = vec![(Metric::Peak, peak)];
        self.sums = Sums::default();
        if all.iter().all(|one| one.ended) {
            // What an exit gives back is no sample.
            self.all.clear();
            return row;
        }
        row.sample.values.push((Metric::Anon, now.anon));
        row.sample.values.push((Metric::Pss, now.resident()));
        if now.swap > 0 {
            row.sample.values.push((Metric::Swap, now.swap));
        }
        if let Some(one) = all.iter().find(|one| one.part.process == 0 && !one.ended) {
            row.sample.values.push((Metric::Threads, one.now.threads));
        }
        let children = self.living().saturating_sub(1) as u64;
        row.sample.values.push((Metric::Children, children));
        self.all.retain(|one| !one.ended);
        for one in &mut self.all {
            one.before = one.told;
            one.files.reset();
            one.highest = one.now.resident;
            one.seen = Seen::default();
        }
        self.weigh();
        row
    }
}
