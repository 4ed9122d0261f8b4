//! What a turn is: a byte of the step protocol, or the requests of an iteration.

use std::io;
use std::time::{Duration, Instant};

use super::service::Exercise;
use super::step::{self, Failure};
use crate::measure::process::{Exit, Process, StartOptions, Unaware};
use crate::runtime::Launch;

/// How long a target of the step protocol may take to tear down.
const TEAR_DOWN: Duration = Duration::from_secs(2);

/// By what a target takes its turns.
#[derive(Debug)]
pub enum Turns {
    /// It speaks the step protocol.
    Protocol,
    /// It knows nothing of memcase, and is asked from outside.
    Service(Box<Exercise>),
}

/// How a target ended that was to end.
#[derive(Debug)]
pub enum End {
    /// By itself, as it should or not.
    Ended(Exit, bool),
    /// Not in time: why it is to be killed.
    Lingers(String),
}

impl Turns {
    /// Starts a program, with what it takes its turns by.
    pub fn start(launch: &Launch, options: &StartOptions) -> io::Result<(Self, Process)> {
        let Some(service) = &launch.service else {
            return Ok((Self::Protocol, Process::start(launch, options)?));
        };
        let exercise = Exercise::new(launch, service)?;
        exercise.refuse_taken_port().map_err(io::Error::other)?;
        let unaware = Unaware::Service(exercise.progress());
        let process = Process::start_unaware(exercise.launch(), options, &unaware)?;
        Ok((Self::Service(Box::new(exercise)), process))
    }

    /// Waits until the target can take its first turn.
    pub fn ready(&mut self, process: &mut Process, deadline: Instant) -> Result<(), Failure> {
        match self {
            Self::Protocol => step::answer(process, deadline),
            Self::Service(exercise) => exercise.ready(process, deadline),
        }
    }

    /// One turn. A service knows but one kind of it.
    pub fn turn(
        &mut self,
        process: &mut Process,
        byte: u8,
        (iteration, deadline): (u64, Instant),
    ) -> Result<(), Failure> {
        match self {
            Self::Protocol => step::turn(process, byte, deadline),
            Self::Service(exercise) => exercise.turn(process, iteration, deadline),
        }
    }

    /// Tells the target, which waits for its next turn, to end.
    pub fn end(&mut self, process: &mut Process) -> End {
        match self {
            Self::Protocol => {
                process.close();
                process.wait(TEAR_DOWN).map_or_else(
                    || End::Lingers(format!(
                        "did not end within {} s of its last iteration and was killed: something in it holds on, or its teardown hangs",
                        TEAR_DOWN.as_secs()
                    )),
                    |exit| End::Ended(exit, exit.is_success()),
                )
            }
            Self::Service(exercise) => {
                if let Some(exit) = process.wait(Duration::ZERO) {
                    return End::Ended(exit, false);
                }
                match exercise.stop(process) {
                    Ok(exit) => End::Ended(exit, exercise.may_end_with(exit)),
                    Err(why) => End::Lingers(why),
                }
            }
        }
    }
}
