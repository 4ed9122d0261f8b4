//! Which cases a change touches: files are read again, and folders that came are watched.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::watching::Watch;
use crate::case::discover;
use crate::cli::CliError;
use crate::cli::run::plan;
use crate::cli::select::rendered;
use crate::cli::settings::Holds;
use crate::cli::sides::note;
use crate::config;
use crate::runner::suite::Plan;
use crate::runner::watch::eyes::{Looked, Places};
use crate::runner::watch::ignored::Ignored;
use crate::runner::watch::made_of::MadeOf;
use crate::runner::watch::settle::Changes;

/// A path that has ended so many runs, one after the other, ends no more of them: nobody types so fast for long.
const RESTLESS: u32 = 4;

/// A path that has changed, and what it is.
struct Changed {
    path: PathBuf,
    was_folder: bool,
    ignored: bool,
}

impl Watch<'_> {
    /// Watches the folders, and reads what is there.
    pub(super) fn begin(&mut self) -> Result<(), CliError> {
        // Before the files are read: what changes from now on is seen.
        self.look_at(&BTreeSet::new())?;
        self.read();
        self.look_at(&BTreeSet::new())?;
        self.queue.extend(self.made.keys().cloned());
        Ok(())
    }

    /// Takes changes that belong together.
    pub(super) fn changed(&mut self, changes: Changes) -> Result<(), CliError> {
        let mut paths = self.that_count(changes.paths);
        if paths.is_empty() && !changes.anything {
            return Ok(());
        }
        let mut all = changes.anything;
        if all {
            let cause = "more has changed than could be told";
            self.causes.insert(cause.to_owned());
        }
        let is_config = paths.iter().any(|one| self.is_config(&one.path));
        let is_read = (all || is_config) && self.read_config();
        if is_read && is_config {
            self.causes.insert("the configuration changed".to_owned());
            all = true;
        }
        let before = std::mem::take(&mut self.made);
        self.read();
        let changed = paths.iter().map(|one| one.path.clone()).collect();
        let looked = self.look_at(&changed)?;
        // Between two ways to look nobody has looked.
        all |= looked.note.is_some();
        paths.extend(self.that_count(looked.fresh.into_iter().collect()));

        let mut touching = BTreeSet::new();
        for (id, made) in &self.made {
            let mut by = BTreeSet::new();
            for one in &paths {
                let touches =
                    |made: &MadeOf| made.is_touched_by(&one.path, one.was_folder, one.ignored);
                if touches(made) || before.get(id).is_some_and(touches) {
                    by.insert(one.path.clone());
                }
            }
            if all || !by.is_empty() || !before.contains_key(id) {
                self.unconfirmed.remove(id);
                self.queue.insert(id.clone());
                touching.append(&mut by);
            }
        }
        for id in before.keys().filter(|id| !self.made.contains_key(*id)) {
            self.queue.remove(id);
            self.unconfirmed.remove(id);
            if !self.is_unreadable(id) && self.results.remove(id).is_some() {
                let _ = writeln!(self.notices, "{id}: gone");
                self.waits = false;
            }
        }
        for path in &touching {
            let shown = path.strip_prefix(&self.here).unwrap_or(path);
            self.causes.insert(format!("{} changed", shown.display()));
        }
        self.perhaps_end_lap(&touching);
        Ok(())
    }

    /// Ends a run that measures what is not there any more. A file that has ended the last runs too is
    /// perhaps written by the case: it is let go on, and run once more.
    fn perhaps_end_lap(&mut self, touching: &BTreeSet<PathBuf>) {
        let Some(lap) = self.lap.as_ref().filter(|lap| !lap.is_cut) else {
            return;
        };
        if !lap.is_outdated(&self.queue, &self.made) {
            return;
        }
        let times = |path: &PathBuf| self.ends.get(path).copied().unwrap_or(0);
        let (restless, others): (Vec<_>, Vec<_>) = touching
            .iter()
            .cloned()
            .partition(|path| times(path) >= RESTLESS && !discover::is_case_file(path));
        if !restless.is_empty() && others.is_empty() {
            for path in restless {
                let told = format!(
                    "note: `{}` changes in each run; if a case writes it, name it in .gitignore\n",
                    path.display()
                );
                if self.told_notes.insert(told.clone()) {
                    self.notices += &told;
                }
            }
            return;
        }
        for path in others {
            *self.ends.entry(path).or_default() += 1;
        }
        self.end_lap();
    }

    /// The paths that are sources, or are named, or are watched folders.
    fn that_count(&self, paths: BTreeSet<PathBuf>) -> Vec<Changed> {
        let mut rules = Ignored::new(self.own.clone());
        let mut counting = Vec::new();
        for path in paths {
            let was_folder = self.eyes.knows(&path);
            let ignored = rules.covers(&path, path.is_dir());
            let is_named = || self.made.values().any(|made| made.names(&path));
            if was_folder || !ignored || self.is_config(&path) || is_named() {
                counting.push(Changed {
                    path,
                    was_folder,
                    ignored,
                });
            }
        }
        counting
    }

    fn is_config(&self, path: &Path) -> bool {
        if let Some(file) = &self.args.flags.config_file {
            return path.file_name() == file.file_name()
                && path.parent() == self.folder_of(file).as_deref();
        }
        let mut above = self.here.ancestors();
        above.any(|folder| config::NAMES.iter().any(|name| folder.join(name) == path))
    }

    /// The folder of a path as it was typed, with no link in it.
    fn folder_of(&self, path: &Path) -> Option<PathBuf> {
        fs::canonicalize(self.here.join(path).parent()?).ok()
    }

    /// Reads the settings; whether they could be read.
    fn read_config(&mut self) -> bool {
        let read = Holds::read(&self.args.flags, self.matches);
        match read.and_then(|holds| holds.mode().map(|_| holds)) {
            Ok(holds) => {
                self.holds = holds;
                true
            }
            Err(error) => {
                let _ = writeln!(
                    self.notices,
                    "{error}\nthe configuration has an error; the settings stay as they were"
                );
                self.waits = false;
                false
            }
        }
    }

    /// Reads the cases. Mistakes are told when they are new; what is without one is watched.
    fn read(&mut self) {
        let loaded = discover::load(&self.meant.paths);
        self.unreadable = loaded.errors.iter().map(|e| e.file.clone()).collect();
        let mistakes = rendered(&loaded.errors);
        for mistake in mistakes.iter().filter(|one| !self.mistakes.contains(one)) {
            let _ = writeln!(
                self.notices,
                "case file has an error; its cases wait until it has none:\n{mistake}"
            );
            self.waits = false;
        }
        self.mistakes = mistakes;
        for told in loaded.notes {
            if self.told_notes.insert(told.clone()) {
                note(&told);
            }
        }
        let cases = loaded.cases.into_iter();
        let cases = cases.filter(|case| !self.unreadable.contains(&case.file));
        let chosen = self.meant.clone().choose(cases.collect());
        self.nothing = None;
        self.plan = match chosen.and_then(|selected| plan(selected, &self.holds)) {
            Ok((plan, _)) => plan,
            Err(error) => {
                self.nothing = Some(error.to_string());
                Plan::default()
            }
        };
        let planned = self.plan.selected.iter();
        let made = planned.map(|one| (one.case.id.0.clone(), MadeOf::of(&one.case, &self.here)));
        self.made = made.collect();
    }

    /// Whether the file of a case has a mistake now, so that it is not known what became of the case.
    fn is_unreadable(&self, id: &str) -> bool {
        let result = self.results.get(id);
        result.is_some_and(|report| self.unreadable.contains(&report.file))
    }

    /// Watches all that is to be watched now.
    fn look_at(&mut self, changed: &BTreeSet<PathBuf>) -> Result<Looked, CliError> {
        let mut places = Places::default();
        for path in &self.meant.paths {
            // Its parent tells when it comes again.
            places.folders.extend(self.folder_of(path));
            match fs::canonicalize(path) {
                Ok(real) if real.is_dir() => drop(places.trees.insert(real)),
                Ok(_) | Err(_) => {}
            }
        }
        places.folders.insert(self.here.clone());
        places.folders.insert(self.here.join(".config"));
        let config = match &self.args.flags.config_file {
            Some(file) => Some(file.clone()),
            None => config::find(&self.here).ok().flatten(),
        };
        places
            .folders
            .extend(config.and_then(|file| self.folder_of(&file)));
        for made in self.made.values() {
            made.add_to(&mut places);
        }
        let mut ignored = Ignored::new(self.own.clone());
        let looked = self.eyes.look_at(&places, changed, &mut ignored);
        let looked = looked.map_err(CliError::Output)?;
        if let Some(told) = &looked.note {
            note(told);
        }
        Ok(looked)
    }
}
