//! The orders of a run that is explained or debugged, and not measured.

use std::time::{Duration, Instant};

use super::run::Session;
use super::types::Stopped;
use crate::measure::driver::orders::Orders;

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
        let left = self.options.timeout.saturating_sub(self.active);
        let number = self.done();
        let Some(orders) = &mut self.orders else {
            return self.exchange(order.byte(), Instant::now());
        };
        let given = orders.give(
            &mut self.process,
            (order.byte(), number),
            Instant::now() + left,
        );
        given.map_err(|failure| self.failed(failure, number))
    }

    /// Whether it follows orders; of a program that memcase does not drive it shows once it is ready.
    pub fn takes_orders(&self) -> bool {
        self.orders.as_ref().is_none_or(Orders::are_taken)
    }

    /// Leaves the process alone for so long, while it waits for its next turn; tells when, in time since its start.
    pub fn rest(&mut self, span: Duration) -> (Duration, Duration) {
        let began = self.process.age();
        self.process.has_ended(span);
        (began, self.process.age())
    }

    /// Iterations completed.
    pub fn completed(&self) -> u64 {
        self.done()
    }
}
