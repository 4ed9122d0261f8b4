//! The processes of a recorded program: what each holds, in turns as dear as they must be.
//!
//! A reading costs 20 µs a process. Shared pages are divided by a walk over all pages, 15 to 20 µs a MiB, which
//! is made as often as a small share of the time allows; between two walks what a process gained or gave back
//! is taken for its own.

use std::time::{Duration, Instant};

use super::status::{Files, Status};
use crate::measure::process::{Direct, Tree};
use crate::trace::{Metric, Part, Sample, Share};

/// Walks over the pages take at most one part in this many of the time.
const SHARE: u32 = 250;
/// Time for walks that a record begins with, and that may be saved up.
const SAVED: Duration = Duration::from_millis(100);
/// What was walked is not walked again before this, unless a process came or went.
const FRESH: Duration = Duration::from_secs(1);

/// One process.
#[derive(Debug)]
struct One {
    part: Part,
    files: Files,
    name: Vec<u8>,
    now: Status,
    /// The highest resident bytes since the last sample.
    highest: u64,
    /// Bytes that are others', and bytes of files that are its own, as the last walk found.
    shared: u64,
    of_files: u64,
    walked: Option<Instant>,
    stale: bool,
    cost: Duration,
    /// At the last sample.
    before: u64,
    ended: bool,
}

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
    /// Bytes that can not be given up for others: without pages of files, at the highest.
    pub charged: u64,
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

impl One {
    fn pss(&self) -> u64 {
        self.now.resident.saturating_sub(self.shared)
    }

    fn peak(&self) -> u64 {
        let now = if self.ended { 0 } else { self.pss() };
        self.highest.saturating_sub(self.shared).max(now)
    }

    fn walk(&mut self) -> Duration {
        let began = Instant::now();
        if let Some(walk) = self.files.walk() {
            self.shared = walk.resident.saturating_sub(walk.pss);
            self.of_files = walk.pss_of_files;
        }
        self.walked = Some(began);
        self.stale = false;
        self.cost = began.elapsed();
        self.cost
    }

    /// How long a walk will take, by the last one or by its size.
    fn dear(&self) -> Duration {
        let by_size = Duration::from_micros(50 + (self.now.resident >> 20) * 20);
        self.walked.map_or(by_size, |_| self.cost)
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

    /// Looks who came and who went, and how high each has been. Tells those of whom something is new.
    pub(super) fn look(&mut self, at: u64) -> Vec<Part> {
        let mut news = Vec::new();
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
                one.part.to = Some(at);
                gone = true;
                news.push(one.part.clone());
                continue;
            };
            one.now = status;
            one.highest = one.highest.max(status.highest);
            self.highest = self.highest.max(status.highest);
            if one.name != name {
                one.name = name.to_vec();
                one.stale = true;
                if let Some(command) = one.files.command().filter(|now| *now != one.part.command) {
                    one.part.command = command;
                    news.push(one.part.clone());
                }
            }
        }
        if gone {
            self.all.iter_mut().for_each(|one| one.stale = true);
            if let Some(tree) = &mut self.tree {
                tree.hold(crate::measure::process::Pages::default());
            }
        }
        news
    }

    fn enter(&mut self, pid: u32, at: u64) -> Option<Part> {
        let mut files = Files::open(pid).ok()?;
        let (status, name) = files.read(&mut self.buffer)?;
        let part = Part {
            process: self.count,
            pid,
            command: files.command().unwrap_or_default(),
            from: at,
            ..Part::default()
        };
        self.all.iter_mut().for_each(|one| one.stale = true);
        self.count += 1;
        self.all.push(One {
            name: name.to_vec(),
            now: status,
            highest: status.highest,
            // Until a walk tells: a fork shares all with its parent.
            shared: if part.process == 0 {
                0
            } else {
                status.resident
            },
            of_files: status.file,
            walked: None,
            stale: true,
            cost: Duration::ZERO,
            before: 0,
            ended: false,
            files,
            part: part.clone(),
        });
        Some(part)
    }

    /// Divides shared pages where that is due and can be afforded: of all who are due or of none, as each one's
    /// part depends on who the others are.
    fn walk(&mut self) {
        let now = Instant::now();
        let is_due = |one: &One| {
            let old = one.walked.is_none_or(|walked| now - walked > FRESH);
            !one.ended && (one.stale || old)
        };
        let cost: Duration = self
            .all
            .iter()
            .filter(|one| is_due(one))
            .map(One::dear)
            .sum();
        // What is dear has to be saved up for.
        let most = SAVED.max(cost * 2);
        self.credit = (self.credit + (now - self.credited) / SHARE).min(most);
        self.credited = now;
        if cost > self.credit {
            return;
        }
        for one in self.all.iter_mut().filter(|one| is_due(one)) {
            self.credit = self.credit.saturating_sub(one.walk());
        }
    }

    /// Takes a sample of all of them, and lets the highest values begin anew.
    pub(super) fn sample(&mut self, at: u64) -> Row {
        self.walk();
        let all = &mut self.all;
        let mut row = Row::default();
        let (mut sum, mut steady, mut files) = (0, 0, 0);
        let (mut anon, mut swap) = (0, 0);
        for one in all.iter() {
            let now = if one.ended { 0 } else { one.pss() };
            if !one.ended {
                anon += one.now.anon;
                swap += one.now.swap;
                files += one.of_files.min(now);
            }
            sum += now;
            steady += now.min(one.before);
            row.at_most += one.peak();
            row.each.push(Share {
                process: one.part.process,
                pss: now,
                peak: one.peak(),
            });
        }
        // While one was highest the others held what they held before and after.
        let alone = all.iter().map(|one| {
            let now = if one.ended { 0 } else { one.pss() };
            one.peak() + (steady - now.min(one.before))
        });
        let peak = alone.max().unwrap_or(0).max(sum);
        row.at_most = row.at_most.max(peak);
        row.charged = peak.saturating_sub(files) + swap;
        row.sample.at = at;
        row.sample.values = vec![(Metric::Peak, peak)];
        if all.iter().all(|one| one.ended) {
            // What an exit gives back is no sample.
            self.all.clear();
            return row;
        }
        row.sample.values.push((Metric::Anon, anon));
        row.sample.values.push((Metric::Pss, sum));
        if swap > 0 {
            row.sample.values.push((Metric::Swap, swap));
        }
        if let Some(one) = all.iter().find(|one| one.part.process == 0 && !one.ended) {
            row.sample.values.push((Metric::Threads, one.now.threads));
        }
        let children = self.living().saturating_sub(1) as u64;
        row.sample.values.push((Metric::Children, children));
        self.all.retain(|one| !one.ended);
        for one in &mut self.all {
            one.before = one.pss();
            one.files.reset();
            one.highest = one.now.resident;
        }
        row
    }
}
