//! What a record comes to: highest, mean and last memory, in sum, by process and by phase.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::trace::{Part, Phase, Share};

/// Processes that are kept; of more, those that were lowest are forgotten.
const MOST: usize = 256;

/// The highest value, and when it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Highest {
    /// Bytes.
    pub bytes: u64,
    /// Milliseconds since the start at the sample that has it.
    pub at: u64,
    /// The phase then, by its place in the list.
    pub phase: usize,
}

/// What one phase comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PhaseTally {
    /// Its name; empty for what was before the first.
    pub name: String,
    /// Milliseconds since the start.
    pub from: u64,
    /// The last sample in it.
    pub to: u64,
    /// Highest bytes in sum.
    pub peak: u64,
    /// Bytes in sum when it began, and at its last sample.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// Samples in it.
    pub samples: u64,
}

impl PhaseTally {
    /// Bytes that it kept, or gave back.
    pub fn growth(&self) -> i64 {
        self.last as i64 - self.first as i64
    }
}

/// What one process comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PartTally {
    /// Which one; 0 is the program itself.
    pub process: u32,
    /// Its number in the system.
    pub pid: u32,
    /// Its command line.
    pub command: String,
    /// Milliseconds since the start, at its first and last sample.
    pub from: u64,
    /// See `from`; none while it runs.
    pub to: Option<u64>,
    /// Its highest bytes.
    pub peak: Highest,
    /// Its bytes when it was last seen to hold any.
    pub last: u64,
    /// Whether its own memory could be told from what it shares.
    pub read: bool,
}

/// When a limit of memory would have ended the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Over {
    /// Bytes held that can not be given up, or the most that they can have been, the first time that they were more
    /// than the limit.
    pub held: Highest,
    /// The process that held most then.
    pub process: u32,
}

/// A sample as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// Milliseconds since the start.
    pub at: u64,
    /// Bytes in sum; none where only a highest value is known.
    pub sum: Option<u64>,
    /// Highest bytes in sum since the sample before, and the most that they can have been.
    pub peak: u64,
    /// See `peak`.
    pub at_most: u64,
    /// Bytes that can not be given up, and the most that they can have been.
    pub charged: u64,
    /// See `charged`.
    pub charged_at_most: u64,
    /// What each process held.
    pub each: &'a [Share],
}

/// What was counted so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tally {
    /// Samples.
    pub samples: u64,
    /// Processes that were seen.
    pub seen: usize,
    /// The highest sum.
    pub peak: Highest,
    /// The most that it can have been, were all processes highest at once.
    pub at_most: u64,
    /// Mean bytes in sum over time.
    pub mean: f64,
    /// Bytes in sum at the last sample with any.
    pub last: u64,
    /// The phases; the first is what was before all markers.
    pub phases: Vec<PhaseTally>,
    /// The processes that were highest.
    pub processes: BTreeMap<u32, PartTally>,
    /// The limit that was asked about.
    pub limit: Option<u64>,
    /// When it would have ended the program.
    pub over: Option<Over>,
    /// When it may have: the most that it can have held was more.
    pub perhaps_over: Option<Over>,
    /// The sample before: its place and sum; and the time with samples.
    #[serde(skip)]
    before: Option<(u64, u64)>,
    #[serde(skip)]
    span: u64,
}

impl Tally {
    /// Nothing yet.
    pub fn new(limit: Option<u64>) -> Self {
        Self {
            samples: 0,
            seen: 0,
            peak: Highest::default(),
            at_most: 0,
            mean: 0.0,
            last: 0,
            phases: vec![PhaseTally::default()],
            processes: BTreeMap::new(),
            limit,
            over: None,
            perhaps_over: None,
            before: None,
            span: 0,
        }
    }

    /// A process came, went, or became another program.
    pub fn process(&mut self, part: &Part) {
        self.seen = self.seen.max(part.process as usize + 1);
        let known = self.processes.entry(part.process).or_default();
        known.process = part.process;
        known.pid = part.pid;
        known.command.clone_from(&part.command);
        known.from = part.from;
        known.to = part.to;
        if self.processes.len() > MOST {
            let ended = self.processes.values().filter(|part| part.to.is_some());
            let lowest = ended.min_by_key(|part| part.peak.bytes);
            if let Some(lowest) = lowest.map(|part| part.process) {
                self.processes.remove(&lowest);
            }
        }
    }

    /// A phase begins.
    pub fn phase(&mut self, phase: &Phase) {
        let held = self.before.map_or(0, |(_, sum)| sum);
        self.phases.push(PhaseTally {
            name: phase.name.clone(),
            from: phase.at,
            to: phase.at,
            peak: held,
            first: held,
            last: held,
            samples: 0,
        });
    }

    /// A sample.
    pub fn sample(&mut self, counted: &Counted<'_>) {
        let (at, phase) = (counted.at, self.phases.len() - 1);
        let highest = |bytes| Highest { bytes, at, phase };
        self.samples += 1;
        self.at_most = self.at_most.max(counted.at_most);
        if counted.peak > self.peak.bytes {
            self.peak = highest(counted.peak);
        }
        if let Some(now) = self.phases.last_mut() {
            now.to = at;
            now.peak = now.peak.max(counted.peak);
            if let Some(sum) = counted.sum.filter(|&sum| sum > 0) {
                // A program holds nothing before it is first seen.
                if phase == 0 && now.samples == 0 {
                    now.first = sum;
                }
                now.last = sum;
                now.samples += 1;
            }
        }
        for share in counted.each {
            let Some(part) = self.processes.get_mut(&share.process) else {
                continue;
            };
            part.read |= share.peak > 0;
            if share.peak > part.peak.bytes {
                part.peak = highest(share.peak);
            }
            if share.pss > 0 {
                part.last = share.pss;
            }
        }
        let above = |bytes: u64| {
            let most = counted.each.iter().max_by_key(|share| share.peak);
            let process = most.map_or(0, |share| share.process);
            let held = highest(bytes);
            let over = self.limit.is_some_and(|limit| bytes > limit);
            over.then_some(Over { held, process })
        };
        let (over, perhaps) = (above(counted.charged), above(counted.charged_at_most));
        self.over = self.over.take().or(over);
        self.perhaps_over = self.perhaps_over.take().or(perhaps);
        let Some(sum) = counted.sum.filter(|&sum| sum > 0) else {
            return;
        };
        self.last = sum;
        if let Some((then, held)) = self.before {
            let (span, between) = (
                at.saturating_sub(then),
                f64::midpoint(held as f64, sum as f64),
            );
            let all = self.span + span;
            if all > 0 {
                self.mean += (between - self.mean) * span as f64 / all as f64;
            }
            self.span = all;
        } else {
            self.mean = sum as f64;
        }
        self.before = Some((at, sum));
    }

    /// The process that was highest, those that are known.
    pub fn by_peak(&self) -> Vec<&PartTally> {
        let mut parts: Vec<_> = self.processes.values().collect();
        parts.sort_by_key(|part| (std::cmp::Reverse(part.peak.bytes), part.process));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(process: u32) -> Part {
        Part {
            process,
            command: format!("p{process}"),
            ..Part::default()
        }
    }

    fn sample(tally: &mut Tally, at: u64, each: &[(u32, u64, u64)]) {
        let each: Vec<Share> = each
            .iter()
            .map(|&(process, pss, peak)| Share { process, pss, peak })
            .collect();
        let peak = each.iter().map(|share| share.peak).sum();
        tally.sample(&Counted {
            at,
            sum: Some(each.iter().map(|share| share.pss).sum()),
            peak,
            at_most: peak + 1,
            charged: peak,
            charged_at_most: peak + 1,
            each: &each,
        });
    }

    #[test]
    fn a_peak_has_its_time_its_phase_and_its_process() {
        let mut tally = Tally::new(Some(50));
        for process in 0..2 {
            tally.process(&part(process));
        }
        sample(&mut tally, 0, &[(0, 10, 10)]);
        sample(&mut tally, 100, &[(0, 10, 12), (1, 20, 20)]);
        tally.phase(&Phase {
            at: 100,
            name: "load".to_owned(),
        });
        sample(&mut tally, 200, &[(0, 10, 10), (1, 20, 70)]);
        sample(&mut tally, 300, &[(0, 30, 30), (1, 0, 0)]);
        let expected = |bytes, at| Highest {
            bytes,
            at,
            phase: 1,
        };
        assert_eq!(tally.peak, expected(80, 200));
        assert_eq!((tally.at_most, tally.last, tally.samples), (81, 30, 4));
        let over = tally.over.as_ref().unwrap();
        assert_eq!((over.held, over.process), (expected(80, 200), 1));
        let by_peak: Vec<_> = tally.by_peak().iter().map(|part| part.process).collect();
        assert_eq!(by_peak, [1, 0]);
        let [start, load] = &tally.phases[..] else {
            panic!("{:?}", tally.phases)
        };
        assert_eq!((start.peak, start.growth()), (32, 20));
        assert_eq!((load.peak, load.growth(), load.first), (80, 0, 30));
        assert!(
            (tally.mean - (20.0 + 30.0 + 30.0) / 3.0).abs() < 1e-9,
            "{}",
            tally.mean
        );
    }

    #[test]
    fn of_many_processes_the_highest_are_kept() {
        let mut tally = Tally::new(None);
        for process in 0..2000 {
            tally.process(&part(process));
            sample(
                &mut tally,
                process.into(),
                &[(process, 1, if process == 7 { 99 } else { 1 })],
            );
            tally.process(&Part {
                to: Some(process.into()),
                ..part(process)
            });
        }
        assert_eq!(tally.seen, 2000);
        assert!(tally.processes.len() <= MOST);
        assert_eq!(tally.by_peak()[0].process, 7);
    }
}
