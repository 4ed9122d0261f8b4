//! Orders to a program that takes its turns by requests: a thread of its own takes them from a named pipe, and says by
//! another when they are done.

use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::step::Failure;
use crate::measure::interrupt;
use crate::measure::process::Process;

/// How long a wait is, at most, before an interruption or the program's end is noticed.
const SLICE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// What is said of an order that was followed.
const DONE: u8 = b'\n';

/// The pipes, and the file by which a program says that it listens.
#[derive(Debug)]
pub struct Orders {
    given: File,
    done: File,
    taken: PathBuf,
}

impl Orders {
    /// Makes the pipes, whose paths begin with `place`.
    pub fn make(place: &Path) -> io::Result<Self> {
        let at = |ending: &str| {
            let mut path = place.as_os_str().to_owned();
            path.push(ending);
            PathBuf::from(path)
        };
        let taken = at(".taken");
        let pipe = |ending: &str| {
            let path = at(ending);
            let _ = remove_file(&path);
            mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
            // For both, so that neither side waits for the other.
            OpenOptions::new().read(true).write(true).open(&path)
        };
        let _ = remove_file(&taken);
        Ok(Self {
            given: pipe(".given")?,
            done: pipe(".done")?,
            taken,
        })
    }

    /// Whether a process of the program listens.
    pub fn are_taken(&self) -> bool {
        self.taken.exists()
    }

    /// Gives an order, with the number of iterations completed, and waits until it is done.
    pub fn give(
        &mut self,
        process: &mut Process,
        (byte, completed): (u8, u64),
        deadline: Instant,
    ) -> Result<(), Failure> {
        let gone =
            |error: io::Error| Failure::Gone(format!("could not be given an order: {error}"));
        let mut order = vec![byte];
        order.extend(completed.to_le_bytes());
        self.given.write_all(&order).map_err(gone)?;
        loop {
            let mut ready = [PollFd::new(&self.done, PollFlags::IN)];
            let many = poll(&mut ready, Some(&SLICE)).unwrap_or(0);
            if many > 0 {
                let mut answer = [0];
                self.done.read_exact(&mut answer).map_err(gone)?;
                return if answer[0] == DONE {
                    Ok(())
                } else {
                    Err(Failure::Gone("could not be traced any more".to_owned()))
                };
            }
            if interrupt::requested() {
                return Err(Failure::Interrupted);
            }
            if let Some(exit) = process.wait(Duration::ZERO) {
                return Err(Failure::Gone(format!("ended with {exit}")));
            }
            if Instant::now() >= deadline {
                return Err(Failure::Late);
            }
        }
    }
}
