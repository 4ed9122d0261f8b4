//! `--against`: the cases at a revision, as sides of the present ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::CliError;
use super::select::Meant;
use super::settings::Holds;
use super::sides::{Interpreters, note};
use crate::baseline::Reference;
use crate::case::{Case, CaseError, discover};
use crate::measure::interrupt;
use crate::measure::process::keeper;
use crate::report::Side;
use crate::runner::plan::Planned;
use crate::runner::sides::{Member, Sides, There};
use crate::runner::suite::Plan;
use crate::runtime::Worktree;

/// Digits of a commit that are shown.
const DIGITS: usize = 12;

/// The cases at a revision, in a folder that is there as long as this is.
pub(super) struct Revision {
    tree: Worktree,
    reference: Reference,
    /// By id; some can not be measured, for a reason.
    cases: BTreeMap<String, Result<Case, String>>,
    errors: Vec<CaseError>,
}

impl Revision {
    /// Writes the files of a revision and reads the cases that are selected now. None where a person asked for
    /// the end meanwhile.
    pub(super) fn open(name: &str, paths: &[PathBuf]) -> Result<Option<Self>, CliError> {
        let tree = match Worktree::of(name, &keeper::remove_at_end) {
            Ok(tree) => tree,
            Err(_) if interrupt::by_signal() => return Ok(None),
            Err(error) => return Err(CliError::Usage(error.to_string())),
        };
        let mut there = Vec::new();
        for path in paths {
            let place = tree.there(path).ok_or_else(|| {
                CliError::Usage(format!(
                    "`{}` is outside the git repository of the present folder, so that there is nothing at `{name}` to compare it with; name cases of this repository",
                    path.display()
                ))
            })?;
            // What is not there is new.
            there.extend(place.exists().then_some(place));
        }
        let loaded = discover::load_from(&tree.here(), &there);
        let mut cases = BTreeMap::new();
        for case in loaded.cases {
            let whole = fs::canonicalize(&case.file).unwrap_or_else(|_| case.file.clone());
            let id = case.id.0.clone();
            let is_there = whole.starts_with(tree.tree());
            let elsewhere = || {
                let whole = whole.display();
                format!("a symbolic link leads to `{whole}`, which is no file of the repository")
            };
            cases.insert(id, is_there.then_some(case).ok_or_else(elsewhere));
        }
        let short: String = tree.commit().chars().take(DIGITS).collect();
        note(&format!("comparing with `{name}` ({short})"));
        if tree.has_modules() {
            note(&format!(
                "the files of submodules are not there at `{name}`; a case that needs them can not be compared"
            ));
        }
        Ok(Some(Self {
            reference: Reference::Revision {
                name: name.to_owned(),
                commit: tree.commit().to_owned(),
            },
            errors: loaded.errors,
            cases,
            tree,
        }))
    }

    /// Gives each case of the plan its side at the revision, and names those that are only there.
    pub(super) fn apply(
        &mut self,
        plan: &mut Plan,
        meant: &Meant,
        (holds, interpreters): (&Holds, &Interpreters),
    ) -> Result<(), CliError> {
        let known = plan.selected.iter().map(|planned| &planned.case.id.0);
        let known = known.chain(plan.ignored.keys()).chain(&plan.left_out);
        let known: BTreeSet<&String> = known.collect();
        let only_there = self.cases.iter().filter(|(id, _)| !known.contains(id));
        let only_there = only_there.filter_map(|(_, case)| case.clone().ok());
        let gone = meant.of(only_there.collect());
        let mut flags = vec!["--against".to_owned(), self.reference.name().to_owned()];
        flags.extend(interpreters.flags());
        for (turn, planned) in plan.selected.iter_mut().enumerate() {
            let there = self.there(planned, holds, interpreters)?;
            planned.sides = Some(Sides {
                reference: self.reference.clone(),
                there,
                others: vec![Member {
                    case: planned.case.clone(),
                    side: Side {
                        case: planned.case.id.0.clone(),
                        interpreter: None,
                        flags: flags.clone(),
                    },
                }],
                turn,
            });
        }
        let thing = self.reference.thing();
        for case in gone {
            let reason = format!("gone: {thing} has it, and the present files do not");
            plan.ignored.insert(case.id.0, reason);
        }
        if !self.errors.is_empty() {
            let count = self.errors.len();
            let plural = if count == 1 { "" } else { "s" };
            note(&format!(
                "{count} mistake{plural} in case files at {thing}; their cases are not compared"
            ));
        }
        Ok(())
    }

    /// The case at the revision: measured for as long as the present one, and otherwise as it says there.
    fn there(
        &mut self,
        planned: &Planned,
        holds: &Holds,
        interpreters: &Interpreters,
    ) -> Result<There, CliError> {
        let now = &planned.case;
        let case = match self.cases.remove(&now.id.0) {
            Some(Ok(case)) => case,
            Some(Err(why)) => return Ok(There::Unreadable(why)),
            None => {
                let why = self.unreadable(&now.file);
                return Ok(why.map_or(There::Missing, There::Unreadable));
            }
        };
        let mut case = holds.plan(case)?.case;
        interpreters.apply_first(&mut case);
        let (measure, same) = (&mut case.measure, &now.measure);
        measure.processes = same.processes;
        measure.iterations = same.iterations;
        measure.time = same.time;
        measure.batch = same.batch;
        measure.metric = same.metric;
        measure.children = same.children;
        Ok(There::Beside {
            case: Box::new(case),
            root: self.tree.tree().to_owned(),
        })
    }

    /// Why the file of a case can not be read at the revision, if so.
    fn unreadable(&self, file: &Path) -> Option<String> {
        let there = self.tree.there(file)?;
        let error = self.errors.iter().find(|error| error.file == there)?;
        let root = format!("{}/", self.tree.tree().display());
        let text = error
            .to_string()
            .replace(&root, &format!("{}:", self.reference.name()));
        Some(text.lines().next().unwrap_or_default().to_owned())
    }
}
