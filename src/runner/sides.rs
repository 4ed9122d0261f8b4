//! Two or more sides of a case, measured one after the other and compared with the first of them.
//!
//! Sides of one case follow each other at once, and which of them is first alternates from case to case and from try
//! to try, so that what changes on the machine in the meantime falls on all of them alike.

use std::path::PathBuf;

use super::artifacts::BESIDE;
use super::baseline::{With, weigh};
use super::plan::Planned;
use super::schedule::{Shared, Tried, measure_case};
use crate::baseline::store::Settled;
use crate::baseline::{Comparison, Fit, Reference, compare_with};
use crate::case::{Case, Program};
use crate::measure::dice;
use crate::outcome::OutcomeKind;
use crate::report::{CaseReport, Event, Side};

/// The sides of a case.
#[derive(Debug, Clone)]
pub struct Sides {
    /// What the first side is called.
    pub reference: Reference,
    /// The first side.
    pub there: There,
    /// The others, which are compared with it.
    pub others: Vec<Member>,
    /// The place of the case among all: it decides which side is measured first.
    pub turn: usize,
}

/// The first side.
#[derive(Debug, Clone)]
pub enum There {
    /// It is measured, and its result counts like any other.
    Told(Box<Member>),
    /// It is measured for the comparison alone.
    Beside {
        /// The case as it is there.
        case: Box<Case>,
        /// The folder that its tree was put into.
        root: PathBuf,
    },
    /// There is no such case.
    Missing,
    /// It can not be measured, for this reason.
    Unreadable(String),
}

/// A side whose result is told.
#[derive(Debug, Clone)]
pub struct Member {
    /// The case, with the id that the result is told under.
    pub case: Case,
    /// Which side it is.
    pub side: Side,
}

impl Planned {
    /// The cases whose results are told.
    pub fn told(&self) -> Vec<&Case> {
        let Some(sides) = &self.sides else {
            return vec![&self.case];
        };
        let first = match &sides.there {
            There::Told(member) => Some(&member.case),
            There::Beside { .. } | There::Missing | There::Unreadable(_) => None,
        };
        let others = sides.others.iter().map(|member| &member.case);
        first.into_iter().chain(others).collect()
    }

    /// Measures it once: a result for each case that is told.
    pub(super) fn measure(
        &self,
        attempt: u32,
        shared: &Shared,
        tell: &(dyn Fn(Event) + Sync),
    ) -> Vec<Tried> {
        match &self.sides {
            None => vec![measure_case(&self.case, shared, With::Baseline, tell)],
            Some(sides) => sides.measure(attempt, shared, tell),
        }
    }
}

impl Sides {
    fn measure(&self, attempt: u32, shared: &Shared, tell: &(dyn Fn(Event) + Sync)) -> Vec<Tried> {
        let first = match &self.there {
            There::Told(member) => Some(&member.case),
            There::Beside { case, .. } => Some(&**case),
            There::Missing | There::Unreadable(_) => None,
        };
        let others = self.others.iter().map(|member| &member.case);
        let cases: Vec<&Case> = first.into_iter().chain(others).collect();
        let beside = matches!(self.there, There::Beside { .. });
        let place = format!("{BESIDE}/{}", self.reference.name());
        let foreign = |event| tell(self.named(event));

        let mut order: Vec<usize> = (0..cases.len()).collect();
        let start = dice::seed_of(self.reference.name()) % cases.len().max(1) as u64;
        let turn = start as usize + self.turn + attempt as usize;
        order.rotate_left(turn % cases.len().max(1));
        let mut measured: Vec<Option<Tried>> = cases.iter().map(|_| None).collect();
        let mut ahead: Option<Fit> = None;
        for index in order {
            let is_beside = beside && index == 0;
            let with = With::Sides {
                ahead: ahead.as_ref(),
                place: is_beside.then_some(&place),
            };
            let tried = if is_beside {
                measure_case(cases[index], shared, with, &foreign)
            } else {
                measure_case(cases[index], shared, with, tell)
            };
            ahead = ahead.or_else(|| tried.report.fit.clone());
            measured[index] = Some(tried);
        }
        let mut told: Vec<Tried> = measured.into_iter().flatten().collect();
        let before = beside.then(|| told.remove(0).keep(cases[0]));
        let before = match &self.there {
            There::Told(_) => told.first().map(|first| first.report.clone()),
            _ => before,
        };
        let mut all = told.iter_mut();
        if let There::Told(member) = &self.there
            && let Some(first) = all.next()
        {
            first.report.side = Some(member.side.clone());
        }
        for (tried, member) in all.zip(&self.others) {
            tried.report.side = Some(member.side.clone());
            self.settle(before.as_ref(), &member.case, &mut tried.report);
        }
        told
    }

    /// What is built for the first side is told as its own.
    fn named(&self, event: Event) -> Event {
        match event {
            Event::EnvBuilding { id, message } => Event::EnvBuilding {
                id,
                message: format!("{}: {message}", self.reference.there()),
            },
            other => other,
        }
    }

    /// Compares a side with the first one. Snapshots are neither read nor written.
    fn settle(&self, before: Option<&CaseReport>, case: &Case, report: &mut CaseReport) {
        // Who interrupts asks for no comparison.
        if [Some(&*report), before]
            .iter()
            .flatten()
            .any(|one| one.outcome == OutcomeKind::Skipped)
        {
            return;
        }
        let mut settled = Settled {
            new_since: matches!(self.there, There::Missing).then(|| self.reference.clone()),
            ..Settled::default()
        };
        if settled.new_since.is_none() {
            settled.comparison = Some(self.compare(before, case, report).with(&self.reference));
        }
        if let Some(before) = before {
            settled.before.clone_from(&before.fit);
            if let There::Beside { .. } = self.there {
                settled.before_folder.clone_from(&before.folder);
            }
        }
        weigh(report, &settled);
        report.baseline = Some(settled);
    }

    fn compare(&self, before: Option<&CaseReport>, case: &Case, report: &CaseReport) -> Comparison {
        let there = self.reference.there();
        let reason = match (&self.there, before) {
            (There::Unreadable(why), _) => format!("{there} it can not be measured: {why}"),
            (_, None) => format!("{there} nothing was measured"),
            (there_is, Some(before)) => match (&before.fit, &report.fit) {
                (Some(old), Some(now)) => {
                    let mut old = old.clone();
                    if let There::Beside { case: then, .. } = there_is
                        && has_only_a_name(then)
                        && has_only_a_name(case)
                    {
                        // What a program is called is code of the case, and no version of anything.
                        old.surroundings
                            .runtime
                            .clone_from(&now.surroundings.runtime);
                    }
                    return compare_with(&self.reference, &old, now);
                }
                (None, _) => {
                    let mut why = before.reason.clone();
                    if let There::Beside { root, .. } = there_is {
                        // As git names a file of a revision: the folder is gone when this is read.
                        let name = self.reference.name();
                        why = why.replace(&format!("{}/", root.display()), &format!("{name}:"));
                    }
                    format!("{there} it was not measured to its end: {why}")
                }
                (Some(_), None) => "it was not measured to its end".to_owned(),
            },
        };
        Comparison::incomparable(reason, report.verdict.axis)
    }
}

/// Whether its runtime is only the name of its program.
fn has_only_a_name(case: &Case) -> bool {
    match &case.target.program {
        Program::Command(_) => true,
        Program::Service(service) => service.packages.is_none(),
        Program::Snippet(_) | Program::File(_) => false,
    }
}
