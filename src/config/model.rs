//! A configuration as it is meant: validated, with the place of every value.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::key::Key;
use super::value::{Mode, Value};
use crate::filter::Filter;

/// The profile that all others inherit from.
pub const DEFAULT_PROFILE: &str = "default";
/// The profile for services that run checks.
const CI_PROFILE: &str = "ci";

/// How cases are run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Profiles by name.
    pub(super) profiles: BTreeMap<String, Profile>,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
}

/// Cases that may not all run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// How many of its cases run at the same time.
    pub max_threads: usize,
}

/// Settings of a run, and of all its cases.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    /// The profile that holds where this one says nothing.
    pub(super) inherits: Option<String>,
    pub(super) settings: Settings,
    pub(super) overrides: Vec<Override>,
}

/// Settings of the cases that a filter selects.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub(super) filter: Filter,
    pub(super) settings: Settings,
}

/// What is set, and where.
pub(super) type Settings = BTreeMap<Key, (Value, Place)>;

/// A place in the file: line and column from 1; both are 0 for what memcase brings itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Default for Config {
    /// What holds where there is no file: the profiles `default`, which sets nothing, and `ci`, which is strict.
    fn default() -> Self {
        let strict = (Value::Mode(Mode::Strict), Place::default());
        let ci = Profile {
            inherits: Some(DEFAULT_PROFILE.to_owned()),
            settings: BTreeMap::from([(Key::Mode, strict)]),
            ..Profile::default()
        };
        Self {
            file: None,
            profiles: BTreeMap::from([
                (DEFAULT_PROFILE.to_owned(), Profile::default()),
                (CI_PROFILE.to_owned(), ci),
            ]),
            groups: BTreeMap::new(),
        }
    }
}
