//! The step protocol, version 1: one byte a turn over two pipes; `docs/protocol.md`.

use std::time::{Duration, Instant};

use crate::measure::interrupt;
use crate::measure::process::{LAST_BREATH, Process};
use crate::trace::MemoryStop;

/// Runs an iteration; also the answer to every turn.
pub const GO: u8 = b'\n';
/// Asks for a full collection.
pub const COLLECT: u8 = b'c';
/// From now on the body runs twice as often in a turn.
pub const DOUBLE: u8 = b'2';

/// How often a waiting turn looks whether it is to stop.
pub(super) const SLICE: Duration = Duration::from_millis(100);

/// Why a turn was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The target ended, or closed its side of the pipe.
    Gone(String),
    /// It answered something else than one newline.
    Garbage(String),
    /// Its processes passed the memory that they may have.
    Memory(MemoryStop),
    /// A request to it was not answered as it should be: a sentence.
    Unserved(String),
    /// It did not answer in time.
    Late,
    /// A person or a signal asked for the end.
    Interrupted,
}

/// Sends a turn and waits for its answer.
pub fn turn(process: &mut Process, byte: u8, deadline: Instant) -> Result<(), Failure> {
    if !process.send(byte) {
        return Err(gone(process));
    }
    answer(process, deadline)
}

/// Waits for the answer to a turn, or for the word that setup is done.
pub fn answer(process: &mut Process, deadline: Instant) -> Result<(), Failure> {
    let mut buffer = [0; 64];
    loop {
        match process.receive(&mut buffer, SLICE) {
            Ok(Some(1)) if buffer[0] == GO => {
                // The target may have lived on without a child that was killed.
                return process
                    .over_memory()
                    .map_or(Ok(()), |stop| Err(Failure::Memory(stop)));
            }
            Ok(Some(0)) => return Err(gone(process)),
            Ok(Some(n)) => return Err(Failure::Garbage(shown(&buffer[..n]))),
            Ok(None) => {
                // It may wait for ever for a child that was killed.
                if let Some(stop) = process.over_memory() {
                    return Err(Failure::Memory(stop));
                }
            }
            Err(error) => {
                return Err(Failure::Gone(format!(
                    "its pipe could not be read: {error}"
                )));
            }
        }
        if interrupt::requested() {
            return Err(Failure::Interrupted);
        }
        if Instant::now() >= deadline {
            return Err(Failure::Late);
        }
    }
}

pub(super) fn gone(process: &mut Process) -> Failure {
    let exit = process.wait(LAST_BREATH);
    if let Some(stop) = process.over_memory() {
        return Failure::Memory(stop);
    }
    Failure::Gone(match exit {
        Some(exit) => format!("ended with {exit}"),
        None => "closed its pipe to memcase, and went on running".to_owned(),
    })
}

fn shown(bytes: &[u8]) -> String {
    let text: String = bytes.escape_ascii().map(char::from).collect();
    format!("\"{text}\"")
}
