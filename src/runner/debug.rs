//! Runs one process of a case until its memory crosses a line, then hands it over to a debugger, or keeps its stacks.

use std::fs;
use std::time::Duration;

use super::artifacts::{Artifacts, Staged};
use super::ended::Ended;
use crate::analysis::{Crossed, Threshold, Watch};
use crate::case::{Case, Language, Program};
use crate::measure::process::{Gdb, Terminal, gdb_stacks, has_gdb, why_not_traced};
use crate::measure::{MeasureError, Order, Session, SessionOptions, Stopped, interrupt};
use crate::runtime;
use crate::trace::{Driver, Metric};
use crate::units::Bytes;

/// Nobody hurries a person.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// The line.
    pub threshold: Threshold,
    /// What is watched; else live memory where it is complete, else anonymous memory.
    pub metric: Option<Metric>,
    /// How far the process goes.
    pub iterations: u64,
    /// Where the debugger is used; without one the stacks are wanted.
    pub terminal: Option<Terminal>,
}

/// How it went.
#[derive(Debug)]
pub enum Debugged {
    /// The line was crossed, and what was asked for was done; with the stacks, where they were.
    Crossed(Option<Vec<u8>>),
    /// It was not.
    Never,
    /// A person asked for the end.
    Interrupted,
}

/// Who debugs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A part of the driver.
    Driver(Language),
    Gdb,
    /// What the person attaches: how.
    Person(&'static str),
}

fn by(case: &Case) -> By {
    match case.target.program.language() {
        Some(language @ (Language::Python | Language::Node)) => By::Driver(language),
        Some(Language::C | Language::Cpp | Language::Rust) | None => By::Gdb,
        Some(Language::Java) => {
            By::Person("`jstack PID`, `jcmd PID help`, or `jhsdb clhsdb --pid PID`")
        }
        Some(Language::Ruby) => By::Person("`rbspy dump --pid PID`, or `gdb -p PID`"),
        Some(Language::Php) => By::Person("`phpspy -p PID`, or `gdb -p PID`"),
        Some(_) => By::Person("`gdb -p PID`, or `strace -p PID`"),
    }
}

/// Why the case can not be debugged here, before anything is run.
pub fn refusal(case: &Case, stacks: bool) -> Option<String> {
    let id = &case.id;
    if case.measure.driver != Driver::Step || matches!(case.target.program, Program::Service(_)) {
        return Some(format!(
            "{id} is not measured in step with memcase, and only such cases can be stopped at an iteration; record it \
             over time by `memcase record`"
        ));
    }
    match by(case) {
        By::Gdb if !has_gdb() => Some(format!(
            "{id} is debugged by `gdb`, which is not on PATH: install it (`apt install gdb`)"
        )),
        By::Person(_) if stacks => Some(format!(
            "`--dump` is not supported yet for {}; leave it out, and memcase waits at the iteration for what you attach",
            case.target
                .program
                .language()
                .map_or("this language", Language::name)
        )),
        _ => None,
    }
}

/// Runs the case. Each sentence for the person is told; an error says why it could not go on.
pub fn debug(case: &Case, request: &Request, tell: &dyn Fn(&str)) -> Result<Debugged, String> {
    let place = Artifacts::place();
    let staged = Artifacts::open(place.clone()).and_then(|artifacts| artifacts.stage(&case.id.0));
    let staged = staged.map_err(|error| {
        format!(
            "the folder `{}` can not be written to: {error}; set MEMCASE_DIR to another",
            place.display()
        )
    })?;
    let launch = runtime::prepare_debugged(case, &staged.work(), tell);
    let mut launch = launch.map_err(|error| error.to_string())?;
    let mut set = |name: &str, path: &std::path::Path| {
        launch.env.insert(name.into(), Some(path.into()));
    };
    set("MEMCASE_STACKS", &staged.work().join("stacks.txt"));
    if let Some(terminal) = &request.terminal {
        set("MEMCASE_TERMINAL", terminal.path());
    }
    let log = staged.work().join("debugged.log");
    let options = SessionOptions::not_measured(case, FOR_EVER, log);
    let mut session = match Session::start(&launch, options) {
        Ok(session) => session,
        Err(MeasureError::Interrupted) => return Ok(Debugged::Interrupted),
        Err(MeasureError::Setup { reason, output }) => {
            return Err(with_output(&reason, &launch.source_map.translate(&output)));
        }
        Err(error) => return Err(error.to_string()),
    };
    let mut run = Run {
        case,
        request,
        staged: &staged,
        tell,
        handed: false,
        stacks: None,
    };
    let gone = run.go(&mut session);
    let completed = session.completed();
    let finished = session.finish();
    let (handed, stacks) = (run.handed, run.stacks);
    match gone {
        Ok(()) => {}
        Err(Ended::Stopped(Stopped::Interrupted)) => return Ok(Debugged::Interrupted),
        Err(Ended::Stopped(Stopped::Died(why))) if handed && request.terminal.is_some() => {
            // The person may have wanted that.
            let output = launch.source_map.translate(&finished.output);
            tell(&with_output(&format!("not to its end: {why}"), &output));
        }
        Err(Ended::Stopped(Stopped::Died(why))) => {
            return Err(with_output(
                &why,
                &launch.source_map.translate(&finished.output),
            ));
        }
        Err(Ended::Stopped(stopped)) => {
            return Err(format!("it came to its end early: {stopped:?}"));
        }
        Err(Ended::Undone(why)) => return Err(why),
    }
    if handed {
        tell(&format!("{completed} iterations were run in all"));
        return Ok(Debugged::Crossed(stacks));
    }
    Ok(Debugged::Never)
}

fn with_output(why: &str, output: &str) -> String {
    let output = output.trim_end();
    if output.is_empty() {
        return why.to_owned();
    }
    format!("{why}; it wrote at last:\n{output}")
}

struct Run<'a> {
    case: &'a Case,
    request: &'a Request,
    staged: &'a Staged,
    tell: &'a dyn Fn(&str),
    handed: bool,
    stacks: Option<Vec<u8>>,
}

impl Run<'_> {
    /// Goes through all iterations, and stops at the first that follows the crossing.
    fn go(&mut self, session: &mut Session) -> Result<(), Ended> {
        let metric = self.request.metric.unwrap_or_else(|| {
            if session.trace().header.live_complete {
                Metric::Live
            } else {
                Metric::Anon
            }
        });
        let mut watch = Watch::new(self.request.threshold);
        let mut seen = 0;
        loop {
            let readings = session.trace().series.get(&metric);
            let all = readings.map_or(0, crate::trace::Series::len);
            let last = readings.and_then(|all| Some((*all.at.last()?, *all.values.last()?)));
            if let Some((after, value)) = last.filter(|_| all > seen && !self.handed)
                && let Some(crossed) = watch.see(after, value)
            {
                self.handed = true;
                self.crossed(session, metric, crossed)?;
            }
            seen = all;
            if session.completed() >= self.request.iterations {
                break;
            }
            session.step()?;
        }
        if !self.handed {
            self.never(session, metric, &watch)?;
        }
        Ok(())
    }

    fn crossed(
        &mut self,
        session: &mut Session,
        metric: Metric,
        crossed: Crossed,
    ) -> Result<(), Ended> {
        let name = metric.name();
        let value = Bytes(crossed.value);
        let when = match crossed.after.checked_sub(1) {
            Some(iteration) => format!("iteration {iteration}"),
            None => "the setup".to_owned(),
        };
        let beyond = crossed.beyond.map_or_else(String::new, |beyond| {
            format!(
                ", {} more than the median of those before added",
                Bytes(beyond as u64)
            )
        });
        let line = self.request.threshold;
        (self.tell)(&format!(
            "{when} crossed {line}: {name} is {value} after it{beyond}"
        ));
        if let Some(terminal) = &self.request.terminal {
            return self.hand_over(session, terminal);
        }
        let stacks = self.staged.work().join("stacks.txt");
        self.stacks = Some(if by(self.case) == By::Gdb {
            gdb_stacks(session.pid(), &stacks).map_err(Ended::Undone)?
        } else {
            session.order(Order::Stacks)?;
            let read = fs::read(&stacks);
            read.map_err(|error| Ended::Undone(format!("its stacks were not written: {error}")))?
        });
        Ok(())
    }

    fn hand_over(&self, session: &mut Session, terminal: &Terminal) -> Result<(), Ended> {
        let next = session.completed();
        let pid = session.pid();
        let holds =
            "a debugger holds references, so that from here on more may be kept than without it";
        (self.tell)(&format!("warning: {holds}"));
        match by(self.case) {
            By::Driver(Language::Python) => {
                (self.tell)(&format!(
                    "iteration {next} runs in pdb (process {pid}): `c` goes on, `q` ends it"
                ));
                session.order(Order::Debug)?;
                let _lent = terminal.lend(Some(pid));
                session.step()?;
            }
            By::Driver(_) => {
                (self.tell)(&format!(
                    "iteration {next} waits for a debugger (process {pid}) at this address: open chrome://inspect, attach \
                     an editor, or run the command below in another terminal; two steps (`s`) lead into the case, `c` \
                     goes on; Ctrl-C ends it"
                ));
                session.order(Order::Debug)?;
                session.step()?;
            }
            By::Gdb => {
                (self.tell)(&format!(
                    "process {pid} waits before iteration {next} and is handed to gdb: `continue` goes on, `quit` leaves it"
                ));
                let _lent = terminal.lend(None);
                let gdb = Gdb::attach(pid);
                let mut gdb = gdb.map_err(|error| {
                    Ended::Undone(format!("`gdb` could not be started: {error}"))
                })?;
                if !gdb.has_attached() {
                    if interrupt::requested() {
                        return Err(Stopped::Interrupted.into());
                    }
                    return Err(Ended::Undone(format!(
                        "`gdb` ended without the process; {}",
                        why_not_traced()
                    )));
                }
                let gone = self.go_on(session);
                if !gdb.wait() {
                    return Err(Stopped::Interrupted.into());
                }
                gone?;
            }
            By::Person(how) => {
                let how = how.replace("PID", &pid.to_string());
                (self.tell)(&format!(
                    "process {pid} waits before iteration {next}: attach to it by {how}; Enter lets it go on, Ctrl-C ends it"
                ));
                if !terminal.wait_for_enter() {
                    return Err(Stopped::Interrupted.into());
                }
            }
        }
        Ok(())
    }

    /// All iterations that are left; the debugger stops them as it is told.
    fn go_on(&self, session: &mut Session) -> Result<(), Stopped> {
        while session.completed() < self.request.iterations {
            session.step()?;
        }
        Ok(())
    }

    fn never(&self, session: &Session, metric: Metric, watch: &Watch) -> Result<(), Ended> {
        let (name, line) = (metric.name(), self.request.threshold);
        let iterations = session.completed();
        let Some(highest) = watch.highest() else {
            return Err(Ended::Undone(format!(
                "`{name}` was read too seldom in {iterations} iterations to be watched; choose another by `--metric`, or \
                 give more `--iterations`"
            )));
        };
        let after = highest.after;
        (self.tell)(&match highest.beyond {
            Some(beyond) => format!(
                "{line} was not crossed in {iterations} iterations; the most that one added beyond the median of those \
                 before is {} ({name}, iteration {})",
                Bytes(beyond.max(0.0) as u64),
                after.saturating_sub(1)
            ),
            None => format!(
                "{line} was not reached in {iterations} iterations; the highest {name} was {}, after {after} of them",
                Bytes(highest.value)
            ),
        });
        Ok(())
    }
}
