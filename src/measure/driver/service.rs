//! A long-lived program: waited for until it is ready, asked once an iteration, told to end.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, mem};

use regex::bytes::Regex;
use rustix::process::{Pid, Signal, kill_process_group};

use super::http::Client;
use super::step::{Failure, SLICE, gone};
use crate::case::{HttpRequest, ITERATION, Ready, Request, Stop, StopSignal, fill};
use crate::measure::interrupt;
use crate::measure::process::{Errand, Exit, LAST_BREATH, Process, Progress};
use crate::runtime::{Launch, Service};

/// Between two looks whether a service is ready.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a connection to the own machine may take.
const CONNECT: Duration = Duration::from_millis(200);
/// How long a service may take to end once it was told to.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A port that no other process of this run is given.
#[derive(Debug)]
pub struct Port(u16);

static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

impl Port {
    /// One that is free now. Between this and its use another program may take it; the kernel
    /// gives its numbers in turn, so that this is rare.
    pub fn free() -> io::Result<Self> {
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        // Kept until one is found that is not given, so that the kernel shows another one.
        let mut taken = Vec::new();
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            if given.insert(port) {
                return Ok(Self(port));
            }
            taken.push(listener);
        }
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.0
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        given.remove(&self.0);
    }
}

/// A service, as it is exercised.
#[derive(Debug)]
pub struct Exercise {
    launch: Launch,
    service: Service,
    asks: Asks,
    lines: Arc<AtomicU64>,
    /// Held until the process has ended.
    port: Option<Port>,
}

/// Who makes the requests.
#[derive(Debug)]
enum Asks {
    Http(Client),
    Command(Vec<String>),
    /// Nobody any more.
    Closed,
}

impl Exercise {
    /// Prepares to exercise `service`, which runs in the surroundings of `launch`.
    pub fn new(launch: &Launch, service: &Service) -> io::Result<Self> {
        let port = service.own_port.then(Port::free).transpose()?;
        let launch = match &port {
            Some(port) => launch.with_port(port.number()),
            None => launch.clone(),
        };
        let service = launch.service.clone().unwrap_or_else(|| service.clone());
        let asks = match &service.request {
            Request::Http(http) => Asks::Http(Client::new(http.clone())?),
            Request::Command(argv) => Asks::Command(argv.clone()),
        };
        Ok(Self {
            launch,
            service,
            asks,
            lines: Arc::default(),
            port,
        })
    }

    /// The program to be started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// The lines of output that tell that it is ready, where they do.
    pub fn progress(&self) -> Option<Progress> {
        let Ready::Output(pattern) = &self.service.ready else {
            return None;
        };
        // It was checked when the case was read.
        let pattern = Regex::new(pattern).ok()?;
        Some(Progress {
            pattern,
            lines: Arc::clone(&self.lines),
        })
    }

    /// Who else has the port on which the service is to listen, in a sentence.
    pub fn refuse_taken_port(&self) -> Result<(), String> {
        match &self.service.ready {
            Ready::Port(port) if self.port.is_none() && is_open(port) => Err(format!(
                "port {port} is open before the service was started: another program listens there; end that, or let memcase choose the port by writing `{{port}}` in its place"
            )),
            _ => Ok(()),
        }
    }

    /// Waits until the service is ready.
    pub fn ready(&mut self, process: &mut Process, deadline: Instant) -> Result<(), Failure> {
        match self.service.ready.clone() {
            Ready::Port(port) => wait(process, deadline, || {
                is_open(&port)
                    .then_some(())
                    .ok_or_else(|| format!("nothing listens on port {port}"))
            }),
            Ready::Output(pattern) => wait(process, deadline, || {
                (self.lines.load(Ordering::Relaxed) > 0)
                    .then_some(())
                    .ok_or_else(|| format!("no line of its output matched `{pattern}`; a program that buffers its output must flush each line"))
            }),
            Ready::Url(url) => {
                let request = HttpRequest {
                    url,
                    method: "GET".to_owned(),
                    ..HttpRequest::default()
                };
                let client = Client::new(request).map_err(|error| broke(&error))?;
                let mut asked = false;
                let name = client.name(0);
                let mut last = format!("{name} was not answered");
                wait(process, deadline, || {
                    if !mem::replace(&mut asked, true) {
                        client.send(0, deadline.saturating_duration_since(Instant::now()));
                    }
                    match client.answer(Duration::ZERO) {
                        Some(Ok(())) => Ok(()),
                        Some(Err(why)) => {
                            asked = false;
                            last = format!("{name} {why}");
                            Err(last.clone())
                        }
                        None => Err(last.clone()),
                    }
                })
            }
        }
    }

    /// One iteration: all its requests, and their answers.
    pub fn turn(
        &mut self,
        process: &mut Process,
        iteration: u64,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let within = deadline.saturating_duration_since(Instant::now());
        match &self.asks {
            Asks::Http(client) => {
                client.send(iteration, within);
                for _ in 0..client.repeat() {
                    let answer = loop {
                        if let Some(answer) = client.answer(SLICE) {
                            break answer;
                        }
                        look(process, deadline)?;
                    };
                    if let Err(why) = answer {
                        let name = client.name(iteration);
                        return Err(refused(process, deadline, format!("{name} {why}")));
                    }
                }
            }
            Asks::Command(argv) => {
                let number = iteration.to_string();
                let argv: Vec<String> = argv
                    .iter()
                    .map(|word| fill(word, ITERATION, &number))
                    .collect();
                let mut errand =
                    Errand::start(&argv, &self.launch).map_err(|error| broke(&error))?;
                let exit = loop {
                    if let Some(exit) = errand.wait(SLICE).map_err(|error| broke(&error))? {
                        break exit;
                    }
                    look(process, deadline)?;
                };
                if !exit.is_success() {
                    let why = told("the command of the request", exit, &mut errand);
                    return Err(refused(process, deadline, why));
                }
            }
            Asks::Closed => {}
        }
        // The service may have lived on without a child that was killed.
        process
            .over_memory()
            .map_or(Ok(()), |stop| Err(Failure::Memory(stop)))
    }

    /// Tells the service to end and waits for that; how it ended, or why it did not.
    pub fn stop(&mut self, process: &mut Process) -> Result<Exit, String> {
        // A server may wait for open connections.
        if let Asks::Http(client) = mem::replace(&mut self.asks, Asks::Closed) {
            client.close();
        }
        let by = match &self.service.stop {
            Stop::Signal(signal) => {
                if let Some(group) = Pid::from_raw(process.pid() as i32) {
                    // It may have ended by itself meanwhile.
                    let _ = kill_process_group(group, number(*signal));
                }
                signal.name()
            }
            Stop::Command(argv) => {
                run(argv, &self.launch)?;
                "the command that stops it"
            }
        };
        let seconds = PATIENCE.as_secs();
        process.wait(PATIENCE).ok_or_else(|| {
            format!("did not end within {seconds} s of {by} (`target.service.stop`) and was killed")
        })
    }

    /// Whether a service that was told to end may end like this: with any exit code, as many
    /// servers have one of their own for it, or by the signal.
    pub fn may_end_with(&self, exit: Exit) -> bool {
        match (exit, &self.service.stop) {
            (Exit::Code(_), _) => true,
            (Exit::Signal(found), Stop::Signal(signal)) => found == number(*signal).as_raw(),
            (Exit::Signal(found), Stop::Command(_)) => [Signal::TERM, Signal::INT, Signal::QUIT]
                .map(Signal::as_raw)
                .contains(&found),
        }
    }
}

/// Waits until `look` is content; its words else, when the time is over.
fn wait(
    process: &mut Process,
    deadline: Instant,
    mut is_ready: impl FnMut() -> Result<(), String>,
) -> Result<(), Failure> {
    loop {
        let Err(why) = is_ready() else {
            return Ok(());
        };
        if process.wait(PAUSE).is_some() {
            return Err(gone(process));
        }
        match look(process, deadline) {
            Err(Failure::Late) => return Err(Failure::Unserved(why)),
            other => other?,
        }
    }
}

/// Whether there is a reason not to wait any longer.
fn look(process: &mut Process, deadline: Instant) -> Result<(), Failure> {
    if let Some(stop) = process.over_memory() {
        return Err(Failure::Memory(stop));
    }
    if process.wait(Duration::ZERO).is_some() {
        return Err(gone(process));
    }
    if interrupt::requested() {
        return Err(Failure::Interrupted);
    }
    if Instant::now() >= deadline {
        return Err(Failure::Late);
    }
    Ok(())
}

/// Why a request failed: the end of the service says more than what it left unsaid.
fn refused(process: &mut Process, deadline: Instant, why: String) -> Failure {
    process.wait(LAST_BREATH);
    match look(process, deadline) {
        Err(failure) => failure,
        Ok(()) => Failure::Unserved(why),
    }
}

fn broke(error: &io::Error) -> Failure {
    Failure::Unserved(format!("a request could not be made: {error}"))
}

fn told(who: &str, exit: Exit, errand: &mut Errand) -> String {
    match errand.take_output().as_str() {
        "" => format!("{who} ended with {exit}"),
        output => format!("{who} ended with {exit}; it wrote: {output}"),
    }
}

/// Runs the command that stops a service.
fn run(argv: &[String], launch: &Launch) -> Result<(), String> {
    const WHO: &str = "the command that stops it (`target.service.stop`)";
    let failed = |error: io::Error| format!("was killed: {WHO} could not be run: {error}");
    let mut errand = Errand::start(argv, launch).map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match errand.wait(SLICE).map_err(failed)? {
            Some(exit) if exit.is_success() => return Ok(()),
            Some(exit) => return Err(format!("was killed: {}", told(WHO, exit, &mut errand))),
            None if Instant::now() >= deadline => {
                let seconds = PATIENCE.as_secs();
                return Err(format!("was killed: {WHO} did not end within {seconds} s"));
            }
            None => {}
        }
    }
}

/// Whether somebody listens on a port of the loopback.
fn is_open(port: &str) -> bool {
    let Ok(port) = port.parse() else {
        return false;
    };
    let addresses = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    addresses
        .iter()
        .any(|address| TcpStream::connect_timeout(address, CONNECT).is_ok())
}

fn number(signal: StopSignal) -> Signal {
    match signal {
        StopSignal::Term => Signal::TERM,
        StopSignal::Int => Signal::INT,
        StopSignal::Quit => Signal::QUIT,
        StopSignal::Hup => Signal::HUP,
        StopSignal::Usr1 => Signal::USR1,
        StopSignal::Usr2 => Signal::USR2,
    }
}
