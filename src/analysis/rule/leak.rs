//! *Leak*: growth above the tolerance that does not level off, by three routes.

use std::sync::LazyLock;

use crate::stats::{Increments, OCTAVES, StudentTable, event_size, octave_rates};

use super::panel::{Call, LONGEST, OCTAVES_FROM, Panel, Tail};

/// Route A, each process: level of its growth.
pub(super) const A_EACH: f64 = 0.05;
/// Route A: level of the pooled growth, and of its steadiness.
pub(crate) const A_POOL: f64 = 5e-5;
pub(crate) const A_STEADY: f64 = 2e-4;
/// Route B, one process alone: level of its growth, and of its steadiness.
pub(crate) const B_ALONE: f64 = 1e-5;
pub(crate) const B_STEADY: f64 = 1e-4;
/// Route C, doubling tables: level for each process.
const C_OCTAVES: f64 = 0.005;
/// A fall may be at most this share of the growth: the one ramp of a sawtooth has a fall as large before it.
pub(crate) const FALL: f64 = 0.5;
/// Growth must be at least this many granules.
pub(crate) const GRANULES: f64 = 8.0;
/// Below this many samples less slowing is forgiven.
const SHORT: usize = 200;

pub(super) static EACH: LazyLock<StudentTable> = LazyLock::new(|| StudentTable::new(A_EACH));
static POOL: LazyLock<StudentTable> = LazyLock::new(|| StudentTable::new(A_POOL));
static STEADY: LazyLock<StudentTable> = LazyLock::new(|| StudentTable::new(A_STEADY));
static ALONE: LazyLock<StudentTable> = LazyLock::new(|| StudentTable::new(B_ALONE));
static ALONE_STEADY: LazyLock<StudentTable> = LazyLock::new(|| StudentTable::new(B_STEADY));
static BY_OCTAVES: LazyLock<StudentTable> = LazyLock::new(|| StudentTable::new(C_OCTAVES));

/// By which argument growth was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Most processes grow, steadily, and their pooled growth is significant.
    Majority,
    /// Some process grows so surely that it needs no other.
    Alone,
    /// Growth by one jump an octave at a constant rate: a table that doubles without bound.
    Doubling,
}

impl Panel<'_> {
    pub(super) fn leak(&self) -> Option<Call> {
        let tolerance = self.scale.tolerance;
        let need = self.majority().max(2);
        let mut alone = None;
        for (index, tail) in self.tails.iter().enumerate() {
            let rho = if self.len() < SHORT {
                f64::midpoint(1.0, tail.rho)
            } else {
                tail.rho
            };
            let (quantile, all) = self.steadiest(tail, rho);
            let allowed = tolerance * tail.length as f64;
            let whole = |&k: &usize| self.exceeds_whole_events(tail, quantile, k);
            let growing = self.growing(&all);
            if let Some(processes) = most(&all, &growing, allowed, need)
                && processes.iter().filter(|k| whole(k)).count() >= need
            {
                return Some(Call::Leak {
                    route: Route::Majority,
                    tail: index,
                    processes,
                });
            }
            if alone.is_none() {
                let mut processes = surest(&all, &growing, allowed);
                processes.retain(whole);
                alone = (!processes.is_empty()).then_some(Call::Leak {
                    route: Route::Alone,
                    tail: index,
                    processes,
                });
            }
        }
        alone.or_else(|| self.doubling())
    }

    /// The processes that grow by much and do not fall.
    fn growing(&self, all: &[Increments]) -> Vec<usize> {
        let least = GRANULES * self.scale.granularity;
        let grows = |i: &Increments| i.growth >= least && i.drop <= FALL * i.growth;
        (0..all.len()).filter(|&k| grows(&all[k])).collect()
    }

    /// Whether the later half of a tail grows by more than a logarithm's would, and than whole events can feign. Where a
    /// block holds an event or two, a logarithm may have the even increments of a line, and no variance.
    fn exceeds_whole_events(&self, tail: &Tail, quantile: usize, process: usize) -> bool {
        let levels = tail.levels[process].tail(quantile);
        let mut rises: Vec<f64> = levels.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let half = rises.len() / 2;
        let mut sorted = rises.clone();
        sorted.sort_by(f64::total_cmp);
        // A one-time step counts as much as the greatest of the others.
        if let Some(greatest) = rises.iter_mut().max_by(|a, b| a.total_cmp(b)) {
            *greatest = sorted[sorted.len() - 2];
        }
        let early: f64 = rises[..half].iter().sum();
        let late: f64 = rises[rises.len() - half..].iter().sum();
        let samples = self.samples[process];
        let judged = &samples[samples.len().saturating_sub(tail.blocks * tail.length)..];
        late - tail.rho * early > (1.0 + tail.rho) * event_size(judged)
    }

    fn doubling(&self) -> Option<Call> {
        if self.len() < OCTAVES_FROM {
            return None;
        }
        let tail = &self.tails[LONGEST];
        let all = self.increments(tail, 1, tail.rho);
        let processes: Vec<usize> = (0..all.len())
            .filter(|&k| {
                let i = &all[k];
                i.drop <= FALL * i.growth
                    && i.growth >= GRANULES * self.scale.granularity
                    && self
                        .constant_octaves(k)
                        .is_some_and(|late_share| late_share >= 0.5)
            })
            .collect();
        let need = if self.processes() == 1 {
            1
        } else {
            self.majority().max(2)
        };
        (processes.len() >= need).then_some(Call::Leak {
            route: Route::Doubling,
            tail: LONGEST,
            processes,
        })
    }

    /// Whether all octaves of a process grow at one rate above the tolerance; if so, the share of
    /// the last octave's growth that came late.
    pub(super) fn constant_octaves(&self, process: usize) -> Option<f64> {
        let octaves = octave_rates(self.samples[process]);
        let mean = octaves.mean();
        let se = octaves
            .se()
            .max(self.scale.granularity / (self.len() as f64 / 2.0));
        let constant = octaves.least() >= 0.5 * mean
            && (mean - self.scale.tolerance) / se >= BY_OCTAVES.at(OCTAVES - 1);
        constant.then_some(octaves.late_share)
    }
}

/// Route A: those of the growing processes that do so beyond their noise, if they are enough and so do all together.
fn most(all: &[Increments], growing: &[usize], allowed: f64, need: usize) -> Option<Vec<usize>> {
    let sure = |&k: &usize| {
        let i = &all[k];
        (i.mean - allowed) / i.se >= EACH.at(i.df) && i.late_excess > 0.0
    };
    let sure: Vec<usize> = growing.iter().copied().filter(sure).collect();
    (sure.len() >= need && pooled(all, &sure, allowed)).then_some(sure)
}

/// Route B: those of the growing processes that need no other.
fn surest(all: &[Increments], growing: &[usize], allowed: f64) -> Vec<usize> {
    let sure = |&k: &usize| {
        let i = &all[k];
        (i.mean - allowed) / i.se >= ALONE.at(i.df)
            && i.late_excess / i.late_excess_se >= ALONE_STEADY.at(i.df)
    };
    growing.iter().copied().filter(sure).collect()
}

/// Whether the processes together grow above what is allowed, and steadily.
fn pooled(all: &[Increments], sure: &[usize], allowed: f64) -> bool {
    let sum = |f: &dyn Fn(&Increments) -> f64| sure.iter().map(|&k| f(&all[k])).sum::<f64>();
    let df = sure.len() * all[0].df;
    let growth = sum(&|i| i.mean - allowed) / sum(&|i| i.se * i.se).sqrt();
    let steady = sum(&|i| i.late_excess) / sum(&|i| i.late_excess_se * i.late_excess_se).sqrt();
    growth >= POOL.at(df) && steady >= STEADY.at(df)
}
