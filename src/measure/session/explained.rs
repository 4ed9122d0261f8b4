//! The orders of a run that is explained or debugged, and not measured.

use std::time::Instant;

use super::run::Session;
use super::types::Stopped;

/// What a driver with a tracer or a debugger in it is told, at a quiescent point (`docs/protocol.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What is allocated from here on counts.
    Begin,
    /// The first half of the window is over.
    Half,
    /// The window is over: write down what was found.
    End,
    /// The next iteration runs in the debugger.
    Debug,
    /// Write down the stacks of all threads.
    Stacks,
}

impl Order {
    fn byte(self) -> u8 {
        match self {
            Self::Begin => b'b',
            Self::Half => b'h',
            Self::End => b'e',
            Self::Debug => b'd',
            Self::Stacks => b's',
        }
    }
}

impl Session {
    /// Gives an order and waits until it is done.
    pub fn order(&mut self, order: Order) -> Result<(), Stopped> {
        // A process that waits because it has grown much goes on to be explained.
        if let Some(stopped) = self.ended() {
            return Err(stopped);
        }
        self.exchange(order.byte(), Instant::now())
    }

    /// Iterations completed.
    pub fn completed(&self) -> u64 {
        self.done()
    }
}
