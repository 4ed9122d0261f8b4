//! The loop of a record: samples at even times, looks in between, phases as they begin, signals as they come.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use regex::bytes::Regex;
use rustix::event::{PollFd, PollFlags, poll};
use thiserror::Error;

use super::parts::{Parts, Row};
use super::relay::{Ends, Relay, timespec};
use super::signals::Signals;
use super::terminal;
use crate::measure::process::{Direct, Exit, Of, Usage};
use crate::trace::{Metric, Part, Phase, Share, StopReason};

/// Between two looks for processes that came and went, and for their highest values: one that lives as long is
/// seen, and of one that ends no more than this is missed.
const LOOK: Duration = Duration::from_millis(10);
/// Looks take at most one part in this many of the time.
const THRIFT: u32 = 250;

/// How a program is recorded.
#[derive(Debug)]
pub struct Options {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Between two samples.
    pub interval: Duration,
    /// What lines of its output look like that begin a phase.
    pub marker: Option<Regex>,
    /// Whether a line may be shown on the terminal on standard error.
    pub live: bool,
}

/// What is seen of a program, as it is seen.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A process came, went, or became another program.
    Process(&'a Part),
    /// A phase begins.
    Phase(&'a Phase),
    /// A sample; what is answered is shown on the terminal, if it may be, in so many columns.
    Row(&'a Row, usize),
}

/// How it ended.
#[derive(Debug)]
pub struct Recorded {
    /// What the program did at last.
    pub exit: Exit,
    /// Why the record ended.
    pub reason: StopReason,
    /// How long it ran.
    pub time: Duration,
    /// Processor time of memcase meanwhile.
    pub own: Duration,
    /// Processor time of the program, as far as its processes were waited for.
    pub used: Duration,
    /// Its processes that live on.
    pub left: usize,
}

/// Why a program could not be recorded.
#[derive(Debug, Error)]
pub enum RecordError {
    /// It could not be started.
    #[error("`{program}` could not be started: {error}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// The system refused something that is needed.
    #[error("the program could not be recorded: {0}")]
    System(#[from] io::Error),
}

/// Runs a program to its end, and tells what is seen of it.
pub fn record(
    options: &Options,
    tell: &mut dyn FnMut(Seen<'_>) -> Option<String>,
) -> Result<Recorded, RecordError> {
    let signals = Signals::take()?;
    let (relay, ends) = if options.marker.is_some() || options.live {
        let (relay, ends) = Relay::start(options.marker.as_ref())?;
        (Some(relay), ends)
    } else {
        (None, Ends::default())
    };
    let own = Usage::of(Of::Own);
    let began = Instant::now();
    let program = Direct::start(&options.argv, ends.output, ends.error, signals.before());
    let program = program.map_err(|error| RecordError::Start {
        program: options
            .argv
            .first()
            .map(|word| word.to_string_lossy().into_owned())
            .unwrap_or_default(),
        error,
    })?;
    let mut recorder = Recorder {
        parts: Parts::of(&program),
        program,
        signals,
        relay,
        began,
        last: None,
        asked: false,
        live: options.live,
        tell,
    };
    recorder.run(options.interval)?;
    let time = began.elapsed();
    let exit = recorder.program.wait()?;
    if let Some(relay) = &mut recorder.relay {
        relay.finish();
        recorder.phases();
    }
    recorder.close(own.highest);
    let reason = match exit {
        _ if exit.is_success() => StopReason::Horizon,
        _ if recorder.asked => StopReason::Interrupted,
        _ => StopReason::Died,
    };
    Ok(Recorded {
        exit,
        reason,
        time,
        own: Usage::of(Of::Own).processor.saturating_sub(own.processor),
        used: Usage::of(Of::Ended).processor,
        left: recorder.parts.living(),
    })
}

struct Recorder<'t> {
    program: Direct,
    parts: Parts,
    signals: Signals,
    relay: Option<Relay>,
    began: Instant,
    /// The last place on the axis.
    last: Option<u64>,
    /// Whether somebody asked for the program's end.
    asked: bool,
    live: bool,
    tell: &'t mut dyn FnMut(Seen<'_>) -> Option<String>,
}

impl Recorder<'_> {
    fn run(&mut self, interval: Duration) -> io::Result<()> {
        let (mut sample, mut look) = (self.began, self.began);
        loop {
            let now = Instant::now();
            let due = sample.min(look);
            let due = self.signals.due_at().map_or(due, |signal| due.min(signal));
            if self.wait(due.saturating_duration_since(now))? {
                return Ok(());
            }
            let now = Instant::now();
            self.heed_signals(now);
            self.phases();
            if now >= sample {
                self.sample();
                // After a pause there is nothing to catch up with.
                sample = (sample + interval).max(now);
                look = look.max(now + LOOK);
            } else if now >= look {
                self.look();
                look = now + LOOK.max(now.elapsed() * THRIFT);
            }
        }
    }

    /// Waits until something happens, at most so long. Tells whether the program has ended.
    fn wait(&self, patience: Duration) -> io::Result<bool> {
        let ended: BorrowedFd<'_> = self.program.ended();
        let mut ready = vec![
            PollFd::from_borrowed_fd(ended, PollFlags::IN),
            PollFd::from_borrowed_fd(self.signals.queue(), PollFlags::IN),
        ];
        if let Some(relay) = &self.relay {
            ready.push(PollFd::new(&relay.woken, PollFlags::IN));
        }
        match poll(&mut ready, Some(&timespec(patience))) {
            Ok(_) => Ok(!ready[0].revents().is_empty()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn heed_signals(&mut self, now: Instant) {
        for came in self.signals.come(now) {
            self.asked |= came.asks_for_the_end();
            if let Some(relay) = self.relay.as_ref().filter(|_| came.is_resize()) {
                relay.resize();
            }
        }
        for came in self.signals.due(now) {
            // What the program itself sends to its group it has already.
            if came.sender.is_none_or(|sender| !self.parts.has(sender)) {
                self.program.signal(came.signal);
            }
        }
    }

    /// Ends a phase with a sample, and begins the next.
    fn phases(&mut self) {
        let Some(relay) = &self.relay else { return };
        let mut drained = [0; 64];
        while rustix::io::read(&relay.woken, &mut drained).is_ok_and(|n| n > 0) {}
        let marked: Vec<_> = relay.marked.try_iter().collect();
        for marked in marked {
            // What a phase kept is the difference of two samples that are divided alike.
            self.parts.divide();
            let at = self.sample();
            let said = marked.at.saturating_duration_since(self.began).as_millis() as u64;
            // The sample belongs to what was before.
            let at = at.max(said);
            let name = marked.name;
            (self.tell)(Seen::Phase(&Phase { at, name }));
        }
    }

    /// Where on the axis it is now, beyond the last place.
    fn place(&self) -> u64 {
        let now = self.began.elapsed().as_millis() as u64;
        self.last.map_or(now, |last| now.max(last + 1))
    }

    fn look(&mut self) {
        let at = self.began.elapsed().as_millis() as u64;
        for part in self.parts.look(at) {
            (self.tell)(Seen::Process(&part));
        }
    }

    fn sample(&mut self) -> u64 {
        self.look();
        let at = self.place();
        let row = self.parts.sample(at);
        // What has ended between two looks holds nothing, and that is no sample.
        if row.each.is_empty() {
            return self.last.unwrap_or(at);
        }
        self.last = Some(at);
        self.show(&row);
        at
    }

    fn show(&mut self, row: &Row) {
        let width = if self.live { terminal::width() } else { 0 };
        let line = (self.tell)(Seen::Row(row, width));
        if let (Some(line), Some(relay), true) = (line, &self.relay, self.live) {
            relay.screen.show(&line);
        }
    }

    /// The last row: what those that have ended held at their highest, and what the kernel kept of them. Of a
    /// program that was started while memcase held `floor` the kernel tells no less.
    fn close(&mut self, floor: u64) {
        let at = self.place();
        self.parts.look_again();
        let mut news = self.parts.look(at);
        // It ended before it could be looked at.
        news.extend(self.parts.unseen(at));
        for part in news {
            (self.tell)(Seen::Process(&part));
        }
        let mut row = self.parts.sample(at);
        let kept = Usage::of(Of::Ended).highest;
        if kept > floor.max(self.parts.highest) {
            self.missed(&mut row, kept);
        }
        if !row.each.is_empty() {
            self.last = Some(at);
            self.show(&row);
        }
    }

    /// A highest value that no look has seen.
    fn missed(&self, row: &mut Row, kept: u64) {
        row.at_most = row.at_most.max(kept);
        // What went by unseen may have been pages of files.
        let charged = if self.parts.is_alone() {
            self.parts.charged + (kept - self.parts.highest)
        } else {
            kept
        };
        row.charged_at_most = row.charged_at_most.max(charged);
        for (metric, value) in &mut row.sample.values {
            if *metric == Metric::Peak {
                *value = (*value).max(kept);
            }
        }
        // With others beside it, it may have been any of them.
        if self.parts.is_alone() {
            match row.each.first_mut() {
                Some(share) => share.peak = share.peak.max(kept),
                None => row.each.push(Share {
                    process: 0,
                    pss: 0,
                    peak: kept,
                }),
            }
        }
    }
}

/// Ends memcase as the program ended: by its signal, or with its code. Comes back where the
/// signal ends nothing.
pub fn end_as(exit: Exit) -> i32 {
    match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => {
            // One core file is enough.
            let none = rustix::process::Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
            if signal == libc::SIGKILL {
                rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::KILL,
                )
                .unwrap_or_default();
            }
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            128 + signal
        }
    }
}
