//! HTTP requests to a service: over connections that are kept, each on its way in a thread that waits.

use std::fmt::Write as _;
use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

use ureq::http::{Request, Response};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body, Error};

use super::connection::Prompt;
use crate::case::{HttpRequest, ITERATION, fill};

/// A connection that was idle for longer is not used again. Servers close idle ones too, the
/// first after 2 s, and a request that crosses with that is lost.
const IDLE: Duration = Duration::from_secs(1);
/// Bytes of an answer that are shown.
const SHOWN: usize = 200;
const STACK: usize = 256 * 1024;

/// A request that is to be made: for this iteration, within this time.
type Job = (u64, Duration);
/// What was wrong with the answer, in words behind the name of the request.
type Answer = Result<(), String>;

/// Makes the requests of a service.
#[derive(Debug)]
pub(super) struct Client {
    request: Arc<HttpRequest>,
    jobs: Sender<Job>,
    answers: Receiver<Answer>,
    workers: Vec<JoinHandle<()>>,
}

impl Client {
    /// A client with a thread for each request that may be on its way at the same time.
    pub(super) fn new(request: HttpRequest) -> io::Result<Self> {
        let parallel = request.parallel.max(1) as usize;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            // What stands in the environment is for the network, not for this machine.
            .proxy(None)
            .user_agent("memcase")
            .max_idle_connections(parallel)
            .max_idle_connections_per_host(parallel)
            .max_idle_age(IDLE)
            .build();
        let agent = Agent::with_parts(config, Prompt, DefaultResolver::default());
        let request = Arc::new(request);
        let (jobs, to_do) = channel();
        let (done, answers) = channel();
        let to_do = Arc::new(Mutex::new(to_do));
        let workers = (0..parallel)
            .map(|_| {
                let (agent, request) = (agent.clone(), Arc::clone(&request));
                let (to_do, done) = (Arc::clone(&to_do), done.clone());
                thread::Builder::new()
                    .name("request".to_owned())
                    .stack_size(STACK)
                    .spawn(move || work(&agent, &request, &to_do, &done))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            request,
            jobs,
            answers,
            workers,
        })
    }

    /// Has all requests of an iteration made.
    pub(super) fn send(&self, iteration: u64, within: Duration) {
        for _ in 0..self.request.repeat.max(1) {
            // The threads live as long as this end of the channel does.
            let _ = self.jobs.send((iteration, within));
        }
    }

    /// How many answers an iteration has.
    pub(super) fn repeat(&self) -> u32 {
        self.request.repeat.max(1)
    }

    /// The next answer, or none if it does not come within `slice`.
    pub(super) fn answer(&self, slice: Duration) -> Option<Answer> {
        match self.answers.recv_timeout(slice) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(Err("was not made: its thread is gone".to_owned()))
            }
        }
    }

    /// The request as it is named in messages.
    pub(super) fn name(&self, iteration: u64) -> String {
        let number = iteration.to_string();
        let url = fill(&self.request.url, ITERATION, &number);
        format!("{} {url}", self.request.method)
    }

    /// Closes all connections. Only to be called where no answer is waited for.
    pub(super) fn close(self) {
        drop(self.jobs);
        for worker in self.workers {
            // A thread that is gone has closed its connection.
            let _ = worker.join();
        }
    }
}

fn work(agent: &Agent, request: &HttpRequest, to_do: &Mutex<Receiver<Job>>, done: &Sender<Answer>) {
    loop {
        let job = to_do.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((iteration, within)) = job else {
            return;
        };
        if done.send(make(agent, request, iteration, within)).is_err() {
            return;
        }
    }
}

fn make(agent: &Agent, request: &HttpRequest, iteration: u64, within: Duration) -> Answer {
    let number = iteration.to_string();
    let filled = |text: &str| fill(text, ITERATION, &number);
    let mut head = Request::builder()
        .method(request.method.as_str())
        .uri(filled(&request.url));
    for (name, value) in &request.headers {
        head = head.header(name, filled(value));
    }
    let made = match (&request.body, request.method.as_str()) {
        (Some(body), _) => run(agent, head.body(filled(body)), within),
        // These have a body by their meaning, if an empty one.
        (None, "POST" | "PUT" | "PATCH") => run(agent, head.body(String::new()), within),
        (None, _) => run(agent, head.body(()), within),
    };
    let mut response = made.map_err(|error| format!("got no answer: {}", told(&error)))?;
    let start = read(&mut response).map_err(|error| format!("was answered in part: {error}"))?;
    let status = response.status();
    let (good, wanted) = match request.status {
        Some(wanted) => (status == wanted, wanted.to_string()),
        None => (status.is_success(), "200 to 299".to_owned()),
    };
    if good {
        return Ok(());
    }
    let mut said = format!("was answered with {status}, where {wanted} is expected");
    if !start.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(said, "; the answer begins: {}", shown(&start));
    }
    Err(said)
}

fn run(
    agent: &Agent,
    request: ureq::http::Result<Request<impl ureq::AsSendBody>>,
    within: Duration,
) -> Result<Response<Body>, Error> {
    let request = agent
        .configure_request(request?)
        .timeout_global(Some(within))
        .build();
    agent.run(request)
}

/// Reads all of an answer; its first bytes.
fn read(response: &mut Response<Body>) -> io::Result<Vec<u8>> {
    let mut body = response.body_mut().as_reader();
    let mut start = Vec::new();
    body.by_ref().take(SHOWN as u64).read_to_end(&mut start)?;
    io::copy(&mut body, &mut io::sink())?;
    Ok(start)
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.split_whitespace().collect();
    format!("`{}`", words.join(" "))
}

/// The words of the kernel where it has some.
fn told(error: &Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        Error::ConnectionFailed => "nothing accepts connections there".to_owned(),
        Error::Timeout(_) => "it took longer than the process may run (limits.timeout)".to_owned(),
        other => other.to_string(),
    }
}
