//! The tracers of native memory of a run that is explained: memcase's own, and those of others where they tell more.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::artifacts::{HEAPTRACK, MEMRAY, create_file};
use super::explain::{ENOUGH, Run, ended, is_of_bytes, measured};
use crate::explain::{
    Findings, Owner, Place, Rest, Surroundings, accounted, give_to_owners, heaptrack_findings,
    is_nearer,
};
use crate::runtime::heaptrack::Heaptrack;
use crate::runtime::{self, Launch};

/// How long the target rests at each mark of a window, for the file of another tracer to show it: it has a tick of
/// 10 ms, and up to the rest of this time may pass until its library is loaded.
const REST: Duration = Duration::from_millis(300);

/// Whose tracer of native memory is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tracer {
    /// memcase's own, and another one that is installed where that accounts for too little.
    #[default]
    Auto,
    /// memcase's own.
    Memcase,
    /// memray, for Python.
    Memray,
    /// heaptrack.
    Heaptrack,
}

/// A tracer of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    Memray,
    Heaptrack,
}

impl Other {
    fn name(self) -> &'static str {
        match self {
            Self::Memray => "memray",
            Self::Heaptrack => "heaptrack",
        }
    }

    /// What is told of a case whose language was traced before, with what this one found.
    ///
    /// memray sees objects of Python too, which would be told twice.
    fn joined(self, language: &[Findings], mut native: Findings) -> Vec<Findings> {
        let mut joined = language.to_vec();
        match self {
            Self::Memray => joined.iter_mut().for_each(|one| one.sites.clear()),
            Self::Heaptrack => leave(&mut native, language),
        }
        joined.push(native);
        joined
    }
}

impl Tracer {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 4] = [
        ("auto", Self::Auto),
        ("memcase", Self::Memcase),
        ("memray", Self::Memray),
        ("heaptrack", Self::Heaptrack),
    ];

    fn other(self) -> Option<Other> {
        match self {
            Self::Auto | Self::Memcase => None,
            Self::Memray => Some(Other::Memray),
            Self::Heaptrack => Some(Other::Heaptrack),
        }
    }

    /// Refuses one of others for a case that runs by itself, whose iterations nobody sees.
    pub(super) fn refuse_by_itself(self) -> Result<(), String> {
        self.other().map_or(Ok(()), |other| {
            let name = other.name();
            Err(format!(
                "{name} can not trace a case that is measured by a count or over time yet; leave `--tracer {name}` out"
            ))
        })
    }

    /// Whether one of others was asked for.
    pub(super) fn is_named(self) -> bool {
        self.other().is_some()
    }
}

/// Leaves out what the interpreter does for its language, whose own tracer tells of it better.
fn leave(native: &mut Findings, language: &[Findings]) {
    // The line that calls a library is what can be changed, and below an interpreter there is none.
    native.by_case = language.is_empty();
    if let Some(language) = language.first() {
        let is_other = |place: &Place| matches!(place.owner, Owner::Case | Owner::Package);
        let has_other = |stack: &[Place]| stack.iter().any(is_other);
        native.sites.retain(|site| has_other(&site.stack));
        native.made.retain(|made| has_other(&made.stack));
        give_to_owners(native, language);
    }
}

impl Run<'_> {
    /// Adds what tracers of native memory find to what that of the language did, if it has one.
    pub(super) fn native(
        &self,
        language: Vec<Findings>,
        building: &dyn Fn(&str),
    ) -> Result<Vec<Findings>, String> {
        let tracer = self.shared.settings.tracer;
        if let Some(other) = tracer.other() {
            if !is_of_bytes(self.report) {
                let name = other.name();
                let why = format!("{name} tells of memory, and it is not memory that grows here");
                return failed(language, name, why);
            }
            return match self.by_other(other, building) {
                Ok(native) => Ok(self.unless_twice(language, other, native)),
                Err(why) => failed(language, other.name(), why),
            };
        }
        let launch = self.prepared(building);
        let own = match launch.and_then(|launch| self.by_call_paths(launch)) {
            Ok(mut native) => {
                leave(&mut native, &language);
                let mut own = language.clone();
                own.push(native);
                own
            }
            Err(why) => failed(language.clone(), "memcase", why)?,
        };
        match accounted(&own, measured(self.report)) {
            Some(part) if tracer == Tracer::Auto && part < ENOUGH && is_of_bytes(self.report) => {
                Ok(self.better(own, part, &language, building))
            }
            _ => Ok(own),
        }
    }

    /// What two tracers found together; or that of the language alone, where the other saw the same once more.
    fn unless_twice(
        &self,
        language: Vec<Findings>,
        other: Other,
        native: Findings,
    ) -> Vec<Findings> {
        let joined = other.joined(&language, native);
        let part = |findings: &[Findings]| accounted(findings, measured(self.report));
        match part(&language).zip(part(&joined)) {
            Some((alone, both)) if other == Other::Heaptrack && is_nearer(alone, both) => {
                let (name, alone, both) = (other.name(), 100.0 * alone, 100.0 * both);
                let why = format!(
                    "what {name} found is not told: the tracer of the language accounts for {alone:.0} % of the growth \
                     without it, and for {both:.0} % with it, so that it is the same memory once more"
                );
                told(language, why)
            }
            _ => joined,
        }
    }

    /// The same findings, or those with a tracer of others in the place of memcase's own, where it tells more.
    fn better(
        &self,
        own: Vec<Findings>,
        part: f64,
        language: &[Findings],
        building: &dyn Fn(&str),
    ) -> Vec<Findings> {
        let Some(other) = self.installed() else {
            return own;
        };
        let name = other.name();
        match self.by_other(other, building) {
            Ok(native) => {
                let joined = other.joined(language, native);
                let theirs = accounted(&joined, measured(self.report)).unwrap_or(0.0);
                let taken = is_nearer(theirs, part);
                let (is, findings) = if taken {
                    ("taken", joined)
                } else {
                    ("not taken", own)
                };
                let (theirs, part) = (100.0 * theirs, 100.0 * part);
                let why = format!(
                    "{name} was tried too, and is {is}: it accounts for {theirs:.0} % of the growth, and memcase's \
                     own tracers for {part:.0} %"
                );
                told(findings, why)
            }
            Err(why) => told(own, format!("{name} was tried too, and failed: {why}")),
        }
    }

    /// The tracer of others that is here for the case.
    fn installed(&self) -> Option<Other> {
        let memray = self.with_memray(false, &|_| {}).is_ok();
        let heaptrack = || Heaptrack::find().is_ok().then_some(Other::Heaptrack);
        memray.then_some(Other::Memray).or_else(heaptrack)
    }

    fn with_memray(&self, install: bool, building: &dyn Fn(&str)) -> Result<Launch, String> {
        runtime::prepare_with_memray(self.case, &self.staged.work(), install, building)
            .map_err(|error| error.to_string())
    }

    /// What memray tells of the window; its file is kept.
    fn by_memray(&self, building: &dyn Fn(&str)) -> Result<Findings, String> {
        let is_named = self.shared.settings.tracer.is_named();
        let mut launch = self.with_memray(is_named, building)?;
        let capture = self.staged.work().join(MEMRAY).into_os_string();
        launch.env.insert("MEMCASE_MEMRAY".into(), Some(capture));
        let found = self.by_driver(launch, Other::Memray.name())?;
        found.ok_or_else(|| "no process of the program is traced".to_owned())
    }

    fn by_other(&self, other: Other, building: &dyn Fn(&str)) -> Result<Findings, String> {
        building(&format!("explaining it under {}", other.name()));
        match other {
            Other::Memray => self.by_memray(building),
            Other::Heaptrack => self.by_heaptrack(self.prepared(building)?),
        }
    }

    fn prepared(&self, building: &dyn Fn(&str)) -> Result<Launch, String> {
        runtime::prepare(self.case, &self.staged.work(), building)
            .map_err(|error| error.to_string())
    }

    /// The file that heaptrack writes, and what it tells of the window.
    fn by_heaptrack(&self, mut launch: Launch) -> Result<Findings, String> {
        let heaptrack = Heaptrack::find()?;
        let work = self.staged.work();
        let (raw, text) = (work.join("heaptrack.raw"), work.join("heaptrack.txt"));
        heaptrack.load(&mut launch, &raw);
        let _permit = self.shared.permits.acquire();
        let mut session = self.start(&launch, Other::Heaptrack.name())?;
        let mut rests = [Rest::default(); 3];
        let followed = self.follow(&mut session, |session, at| {
            let done = session.completed();
            let (from, to) = session.rest(REST);
            rests[at] = Rest { done, from, to };
            Ok(())
        });
        ended(followed, session, &launch)?;
        if !raw.exists() {
            return Err(
                "heaptrack wrote nothing: its library was not loaded; the program is linked statically, or is \
                 another user's, or was executed by one that cleared its environment"
                    .to_owned(),
            );
        }
        heaptrack
            .interpret(&raw, &text)
            .map_err(|error| error.to_string().trim_end().to_owned())?;
        compress(&text, &work.join(HEAPTRACK))
            .map_err(|error| format!("heaptrack's file can not be kept: {error}"))?;
        let text = File::open(&text)
            .map_err(|error| format!("heaptrack's file can not be read: {error}"))?;
        let surroundings = Surroundings::of(self.case, &launch);
        heaptrack_findings(BufReader::new(text), rests, &surroundings)
    }
}

/// The findings with a note that a tracer failed; only why it did, where there are none.
fn failed(findings: Vec<Findings>, tracer: &str, why: String) -> Result<Vec<Findings>, String> {
    if findings.is_empty() {
        return Err(why);
    }
    Ok(told(
        findings,
        format!("native memory was not traced by {tracer}: {why}"),
    ))
}

fn told(mut findings: Vec<Findings>, note: String) -> Vec<Findings> {
    if let Some(first) = findings.first_mut() {
        first.notes.push(note);
    }
    findings
}

fn compress(from: &Path, to: &Path) -> io::Result<()> {
    let mut packed = GzEncoder::new(create_file(to)?, Compression::fast());
    io::copy(&mut File::open(from)?, &mut packed)?;
    packed.finish().map(drop)
}
