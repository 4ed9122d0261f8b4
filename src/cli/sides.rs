//! `--interpreter`, and what goes with which flag where cases are measured on several sides.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

use super::CliError;
use crate::baseline::Reference;
use crate::case::{Case, Language, Program};
use crate::report::Side;
use crate::runner::sides::{Member, Sides, There};
use crate::runner::suite::Plan;

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
    /// Puts the first one of its language in place of a case's own.
    pub(super) fn apply_first(&self, case: &mut Case) {
        let language = case.target.program.language();
        let named = language.and_then(|language| self.0.get(&language));
        if let Some(interpreter) = named.and_then(|list| list.first()) {
            set(case, &interpreter.program);
        }
    }

    /// The flags that ask for them.
    pub(super) fn flags(&self) -> Vec<String> {
        let all = self.0.values().flatten();
        all.flat_map(Interpreter::flags).collect()
    }

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

impl Interpreter {
    fn flags(&self) -> [String; 2] {
        ["--interpreter".to_owned(), self.asked.clone()]
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
        tell_apart(list);
    }
    Ok(found)
}

/// Gives each a label of its own: the name of its program, where several have one its path, and a number where that
/// is alike too, since `/` becomes `-`.
fn tell_apart(list: &mut [Interpreter]) {
    let labels: Vec<String> = list.iter().map(|one| one.label.clone()).collect();
    for one in list.iter_mut() {
        if labels.iter().filter(|label| **label == one.label).count() > 1 {
            one.label = one.program.trim_start_matches('/').replace('/', "-");
        }
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for one in list {
        let times = seen.entry(one.label.clone()).or_default();
        *times += 1;
        if *times > 1 {
            one.label = format!("{}-{times}", one.label);
        }
    }
}

fn file_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The language of an interpreter or compiler, by its name.
fn spoken_by(word: &str) -> Result<Language, CliError> {
    let name = file_name(word);
    let known = [
        ("python", Language::Python),
        ("pypy", Language::Python),
        ("node", Language::Node),
        ("nodejs", Language::Node),
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
        ("luajit", Language::Lua),
        ("bash", Language::Shell),
        ("dash", Language::Shell),
        ("busybox", Language::Shell),
        ("ksh", Language::Shell),
        ("zsh", Language::Shell),
        ("sh", Language::Shell),
    ];
    // What follows is a version, or tells it from others: `python3.12`, `gcc-13`.
    let is_it = |known: &str| {
        name.strip_prefix(known)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic() || c == '+'))
    };
    let found = known.iter().find(|(known, _)| is_it(known));
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
    let flags: Vec<String> = list.iter().flat_map(Interpreter::flags).collect();
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

pub(super) fn note(text: &str) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "note: {text}");
}
