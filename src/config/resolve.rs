//! Which value holds, and where it comes from: flag, environment, profile, case, default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::apply::{applies, of_case};
use super::key::Key;
use super::model::{Config, DEFAULT_PROFILE, Override, Place, Profile, Settings};
use super::value::Value;
use crate::case::{Case, nearest};

/// What the command line and the environment set.
pub type Given = BTreeMap<Key, (Value, Origin)>;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Origin {
    /// A flag.
    Flag {
        /// With its dashes.
        flag: &'static str,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        variable: &'static str,
    },
    /// A profile, or one of its overrides.
    Profile {
        /// The profile, which may be one that is inherited from.
        profile: String,
        /// The filter of the override.
        filter: Option<String>,
        /// The file; none for what memcase brings itself.
        file: Option<PathBuf>,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The case file.
    Case {
        /// The file.
        file: PathBuf,
        /// The line on which the case begins.
        line: usize,
    },
    /// Nobody said anything.
    Default,
}

/// A value and where it comes from; no value is no limit, or a choice that memcase makes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effective {
    /// The setting.
    pub key: &'static str,
    /// What it is set to.
    pub value: Option<Value>,
    /// Where that comes from.
    pub origin: Origin,
}

/// A profile with those that it inherits from.
#[derive(Debug, Clone)]
pub struct Chain<'c> {
    file: Option<&'c Path>,
    /// The chosen one first, `default` last.
    profiles: Vec<(&'c str, &'c Profile)>,
}

impl Config {
    /// The profile with this name.
    pub fn chain(&self, name: &str) -> Result<Chain<'_>, String> {
        let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
        if !self.profiles.contains_key(name) {
            let help = match nearest(name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are `{}`", names.join("`, `")),
            };
            let whence = match &self.file {
                Some(file) => format!("`{}`", file.display()),
                None => "memcase, and no memcase.toml was found".to_owned(),
            };
            return Err(format!("`{name}` is no profile of {whence}; {help}"));
        }
        let mut name = name;
        let mut profiles: Vec<(&str, &Profile)> = Vec::new();
        // circles were refused when the file was read
        while let Some((own, profile)) = self.profiles.get_key_value(name)
            && profiles.len() <= self.profiles.len()
        {
            profiles.push((own, profile));
            match &profile.inherits {
                Some(parent) => name = parent,
                None if own == DEFAULT_PROFILE => break,
                None => name = DEFAULT_PROFILE,
            }
        }
        Ok(Chain {
            file: self.file.as_deref(),
            profiles,
        })
    }
}

impl Chain<'_> {
    /// The profile that was chosen and those behind it, by name.
    pub fn names(&self) -> Vec<&str> {
        self.profiles.iter().map(|(name, _)| *name).collect()
    }

    /// A setting of the run.
    pub fn of_run(&self, key: Key, given: &Given) -> Effective {
        let found = given.get(&key).cloned().or_else(|| self.own(key, |_| true));
        effective(key, found)
    }

    /// A setting of a case: of all places that speak of it, the one that goes before the others.
    pub fn of_case(&self, key: Key, case: &Case, given: &Given) -> Effective {
        let fits = |value: &Value| applies(key, value, case);
        let given = given.get(&key).filter(|(value, _)| fits(value)).cloned();
        let found = given
            .or_else(|| self.overridden(key, case, fits))
            .or_else(|| self.own(key, fits))
            .or_else(|| {
                let origin = Origin::Case {
                    file: case.file.clone(),
                    line: case.line,
                };
                of_case(key, case).map(|value| (value, origin))
            });
        effective(key, found)
    }

    /// Overrides go before what profiles say themselves, those of the chosen profile first.
    fn overridden(
        &self,
        key: Key,
        case: &Case,
        fits: impl Fn(&Value) -> bool,
    ) -> Option<(Value, Origin)> {
        let all = self.profiles.iter().flat_map(|(name, profile)| {
            let overrides = profile.overrides.iter();
            overrides.map(move |one: &Override| (*name, one))
        });
        all.filter(|(_, one)| one.settings.contains_key(&key))
            .filter(|(_, one)| one.filter.matches(case))
            .find_map(|(name, one)| {
                self.found(key, &one.settings, name, Some(one.filter.text()), &fits)
            })
    }

    fn own(&self, key: Key, fits: impl Fn(&Value) -> bool) -> Option<(Value, Origin)> {
        let mut profiles = self.profiles.iter();
        profiles.find_map(|(name, profile)| self.found(key, &profile.settings, name, None, &fits))
    }

    fn found(
        &self,
        key: Key,
        settings: &Settings,
        profile: &str,
        filter: Option<&str>,
        fits: impl Fn(&Value) -> bool,
    ) -> Option<(Value, Origin)> {
        let (value, place) = settings.get(&key).filter(|(value, _)| fits(value))?;
        let Place { line, column } = *place;
        let origin = Origin::Profile {
            profile: profile.to_owned(),
            filter: filter.map(str::to_owned),
            file: self.file.filter(|_| line > 0).map(Path::to_owned),
            line,
            column,
        };
        Some((value.clone(), origin))
    }
}

fn effective(key: Key, found: Option<(Value, Origin)>) -> Effective {
    let (value, origin) = match found {
        Some((value, origin)) => (Some(value), origin),
        None => (None, Origin::Default),
    };
    Effective {
        key: key.name(),
        value,
        origin,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag { flag } => write!(f, "flag {flag}"),
            Self::Environment { variable } => write!(f, "environment {variable}"),
            Self::Case { file, line } => write!(f, "case {}:{line}", file.display()),
            Self::Default => f.write_str("default"),
            Self::Profile {
                profile,
                filter,
                file,
                line,
                column,
            } => {
                write!(f, "profile {profile}")?;
                if let Some(filter) = filter {
                    write!(f, ", override {filter}")?;
                }
                match file {
                    Some(file) => write!(f, " {}:{line}:{column}", file.display()),
                    None => f.write_str(", built in"),
                }
            }
        }
    }
}
