//! `--against` and `--interpreter`: cases that are measured on several sides and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

use super::CliError;
use super::select::Meant;
use super::settings::Holds;
use crate::baseline::Reference;
use crate::case::{Case, CaseError, Language, Program, discover};
use crate::measure::interrupt;
use crate::measure::process::keeper;
use crate::report::Side;
use crate::runner::plan::Planned;
use crate::runner::sides::{Member, Sides, There};
use crate::runner::suite::Plan;
use crate::runtime::Worktree;

/// Digits of a commit that are shown.
const DIGITS: usize = 12;

/// What is measured beside the cases.
#[derive(Debug, Args)]
#[command(next_help_heading = "What they are compared with")]
pub(super) struct SideFlags {
    /// Measure the cases as they are at this git revision too, in turn with the present ones, and compare with that in place of baselines
    #[arg(long, value_name = "REF")]
    pub(super) against: Option<String>,
    /// Run the cases of its language with this interpreter; given again, run them with each in turn, and compare with the first
    #[arg(long, value_name = "[LANGUAGE=]PROGRAM")]
    pub(super) interpreter: Vec<String>,
}

/// The interpreters that are asked for, by the language that each speaks.
pub(super) struct Interpreters(BTreeMap<Language, Vec<Interpreter>>);

/// An interpreter that was asked for.
struct Interpreter {
    /// As it was asked for.
    asked: String,
    /// What results are told apart by.
    label: String,
    /// What stands in place of `target.interpreter`.
    program: String,
}

impl SideFlags {
    /// Refuses flags of baselines where no baseline is looked at.
    pub(super) fn refuse_baselines(&self, matches: &ArgMatches) -> Result<(), CliError> {
        let flag = match (&self.against, self.interpreter.len()) {
            (Some(_), 2..) => {
                return Err(CliError::Usage(
                    "`--against` compares with another revision, and several `--interpreter` with another interpreter; a run compares with one of them, so leave out the other"
                        .to_owned(),
                ));
            }
            (Some(_), _) => "--against",
            (None, 2..) => "--interpreter",
            (None, _) => return Ok(()),
        };
        for id in ["update", "unreferenced"] {
            if matches.value_source(id) == Some(ValueSource::CommandLine) {
                return Err(CliError::Usage(format!(
                    "with `{flag}` the sides are compared with each other, and no baseline is read or written; leave out `--{id}`"
                )));
            }
        }
        Ok(())
    }

    /// The interpreters that are asked for.
    pub(super) fn interpreters(&self) -> Result<Interpreters, CliError> {
        interpreters(&self.interpreter).map(Interpreters)
    }
}

impl Interpreters {
    /// Puts them in place of the cases' own, and of several makes the sides of their cases.
    pub(super) fn apply(&self, plan: &mut Plan) -> Result<(), CliError> {
        let Self(asked) = self;
        if asked.is_empty() {
            return Ok(());
        }
        let all = plan.selected.len();
        let mut untouched = Vec::new();
        for (turn, planned) in plan.selected.iter_mut().enumerate() {
            let language = planned.case.target.program.language();
            match language.and_then(|language| asked.get(&language)) {
                None => untouched.push(planned.case.id.0.as_str()),
                Some(list) if list.len() == 1 => set(&mut planned.case, &list[0].program),
                Some(list) => planned.sides = Some(of_interpreters(&planned.case, list, turn)),
            }
        }
        let languages: Vec<&str> = asked.keys().map(|language| language.name()).collect();
        let languages = languages.join(" or ");
        if untouched.len() == all {
            return Err(CliError::NoCase(format!(
                "`--interpreter` is for cases in {languages}, and none of the selected cases is"
            )));
        }
        if !untouched.is_empty() {
            note(&format!(
                "`--interpreter` does not touch cases that are not in {languages}; they are run as always: {}",
                untouched.join(", ")
            ));
        }
        Ok(())
    }
}

/// The interpreters by the language that each speaks.
fn interpreters(asked: &[String]) -> Result<BTreeMap<Language, Vec<Interpreter>>, CliError> {
    let mut found: BTreeMap<Language, Vec<Interpreter>> = BTreeMap::new();
    for word in asked {
        let named = Language::ALL.into_iter().find_map(|language| {
            let rest = word.strip_prefix(language.name())?.strip_prefix('=')?;
            Some((language, rest))
        });
        let (language, name) = match named {
            Some(named) => named,
            None => (spoken_by(word)?, word.as_str()),
        };
        let program = if name.contains('/') {
            // A case means its own folder, and who types it the present one.
            let whole = std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name));
            whole.to_string_lossy().into_owned()
        } else {
            name.to_owned()
        };
        let list = found.entry(language).or_default();
        if name.is_empty() || list.iter().any(|other| other.program == program) {
            let why = if name.is_empty() {
                "names no program"
            } else {
                "is given twice"
            };
            return Err(CliError::Usage(format!("`--interpreter {word}` {why}")));
        }
        list.push(Interpreter {
            asked: word.clone(),
            label: file_name(name).to_owned(),
            program,
        });
    }
    for list in found.values_mut() {
        let labels: Vec<String> = list.iter().map(|one| one.label.clone()).collect();
        for one in list.iter_mut() {
            let alike = labels.iter().filter(|label| **label == one.label).count();
            if alike > 1 {
                one.label = one.program.trim_start_matches('/').replace('/', "-");
            }
        }
    }
    Ok(found)
}

fn file_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The language of an interpreter or compiler, by its name.
fn spoken_by(word: &str) -> Result<Language, CliError> {
    let name = file_name(word);
    // Of several that begin alike the longest comes first.
    let known = [
        ("python", Language::Python),
        ("pypy", Language::Python),
        ("node", Language::Node),
        ("clang++", Language::Cpp),
        ("g++", Language::Cpp),
        ("c++", Language::Cpp),
        ("clang", Language::C),
        ("gcc", Language::C),
        ("cc", Language::C),
        ("tcc", Language::C),
        ("rustc", Language::Rust),
        ("java", Language::Java),
        ("ruby", Language::Ruby),
        ("perl", Language::Perl),
        ("php", Language::Php),
        ("lua", Language::Lua),
        ("bash", Language::Shell),
        ("dash", Language::Shell),
        ("busybox", Language::Shell),
        ("ksh", Language::Shell),
        ("zsh", Language::Shell),
        ("sh", Language::Shell),
    ];
    let found = known.iter().find(|(start, _)| name.starts_with(start));
    found.map(|(_, language)| *language).ok_or_else(|| {
        CliError::Usage(format!(
            "the name `{name}` does not tell which language it speaks; write it in front: `--interpreter python={word}`"
        ))
    })
}

fn set(case: &mut Case, program: &str) {
    let tools = match &mut case.target.program {
        Program::Snippet(snippet) => &mut snippet.tools,
        Program::File(file) => &mut file.tools,
        Program::Command(_) | Program::Service(_) => return,
    };
    tools.interpreter = Some(program.to_owned());
}

fn of_interpreters(case: &Case, list: &[Interpreter], turn: usize) -> Sides {
    let flags: Vec<String> = list
        .iter()
        .flat_map(|one| ["--interpreter".to_owned(), one.asked.clone()])
        .collect();
    let member = |one: &Interpreter| {
        let mut own = case.clone();
        own.id.0 = format!("{}[{}]", case.id, one.label);
        set(&mut own, &one.program);
        Member {
            case: own,
            side: Side {
                case: case.id.0.clone(),
                interpreter: Some(one.label.clone()),
                flags: flags.clone(),
            },
        }
    };
    let (first, others) = (&list[0], &list[1..]);
    Sides {
        reference: Reference::Interpreter {
            name: first.label.clone(),
        },
        there: There::Told(Box::new(member(first))),
        others: others.iter().map(member).collect(),
        turn,
    }
}

/// The cases at a revision, in a folder that is there as long as this is.
pub(super) struct Revision {
    tree: Worktree,
    reference: Reference,
    cases: BTreeMap<String, Case>,
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
            let whole = std::fs::canonicalize(&case.file).unwrap_or_else(|_| case.file.clone());
            if !whole.starts_with(tree.tree()) {
                return Err(CliError::Usage(format!(
                    "the case `{}` is reached by a symbolic link to `{}`, which is no file of the revision `{name}`, so that it can not be compared; leave it out with `--skip`",
                    case.id,
                    whole.display()
                )));
            }
            cases.insert(case.id.0.clone(), case);
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
        let gone = meant.of(only_there.map(|(_, case)| case.clone()).collect());
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
                        flags: vec!["--against".to_owned(), self.name().to_owned()],
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

    fn name(&self) -> &str {
        match &self.reference {
            Reference::Revision { name, .. } | Reference::Interpreter { name } => name,
            Reference::Baseline => "",
        }
    }

    /// The case at the revision: measured for as long as the present one, and otherwise as it says there.
    fn there(
        &mut self,
        planned: &Planned,
        holds: &Holds,
        interpreters: &Interpreters,
    ) -> Result<There, CliError> {
        let now = &planned.case;
        let Some(case) = self.cases.remove(&now.id.0) else {
            return Ok(self
                .unreadable(&now.file)
                .map_or(There::Missing, There::Unreadable));
        };
        let mut case = holds.plan(case)?.case;
        let language = case.target.program.language();
        let named = language.and_then(|language| interpreters.0.get(&language));
        if let Some(interpreter) = named.and_then(|list| list.first()) {
            set(&mut case, &interpreter.program);
        }
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
            .replace(&root, &format!("{}:", self.name()));
        Some(text.lines().next().unwrap_or_default().to_owned())
    }
}

fn note(text: &str) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "note: {text}");
}
