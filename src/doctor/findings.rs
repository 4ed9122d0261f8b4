//! What is said of a machine: a line for each thing, and what to do about it.

use serde::Serialize;

use super::facts::Facts;
use super::{languages, surroundings};

/// Where a finding belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Processors, memory, kernel.
    Machine,
    /// What is read of targets, and what bounds them.
    Readings,
    /// What is written.
    Folders,
    /// Interpreters and compilers.
    Languages,
    /// Programs beside them.
    Tools,
}

impl Group {
    /// All groups, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Machine,
        Self::Readings,
        Self::Folders,
        Self::Languages,
        Self::Tools,
    ];

    /// Its heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Readings => "readings",
            Self::Folders => "folders",
            Self::Languages => "languages",
            Self::Tools => "tools",
        }
    }
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Something can not be had here, and memcase says so where it matters.
    Note,
    /// Something that memcase needs does not work.
    Problem,
}

impl Status {
    /// Its mark.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where it belongs.
    pub group: Group,
    /// What it is of; stays the same from version to version.
    pub name: String,
    /// What it comes to.
    pub status: Status,
    /// In words.
    pub text: String,
    /// What to do about it; none where it is as it should be.
    pub remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(group: Group, name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            group,
            name: name.into(),
            status: Status::Ok,
            text: text.into(),
            remedy: None,
        }
    }

    pub(super) fn note(
        group: Group,
        name: impl Into<String>,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Note,
            remedy: Some(remedy.into()),
            ..Self::ok(group, name, text)
        }
    }

    pub(super) fn problem(
        group: Group,
        name: impl Into<String>,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Problem,
            ..Self::note(group, name, text, remedy)
        }
    }
}

/// All that is said of a machine; `doctor --json` as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// `doctor`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Version of the format.
    pub version: u32,
    /// The version of memcase.
    pub memcase: &'static str,
    /// Whether there is no problem.
    pub ok: bool,
    /// How many there are.
    pub problems: usize,
    /// How many notes there are.
    pub notes: usize,
    /// What is said, group by group.
    pub findings: Vec<Finding>,
    /// Of what.
    pub facts: Facts,
}

/// Version of the document; it rises when a key changes its meaning or goes away.
const VERSION: u32 = 1;

/// Says what the facts come to.
pub fn diagnose(facts: Facts) -> Diagnosis {
    let mut findings = Vec::new();
    surroundings::machine(&facts, &mut findings);
    surroundings::readings(&facts, &mut findings);
    surroundings::folders(&facts, &mut findings);
    languages::languages(&facts, &mut findings);
    languages::tools(&facts, &mut findings);
    let count = |status| findings.iter().filter(|one| one.status == status).count();
    let problems = count(Status::Problem);
    Diagnosis {
        kind: "doctor",
        version: VERSION,
        memcase: env!("CARGO_PKG_VERSION"),
        ok: problems == 0,
        problems,
        notes: count(Status::Note),
        findings,
        facts,
    }
}
