//! TCP connections that answer at once, for the HTTP client.
//!
//! A server that sends the head of an answer and then its body waits, by Nagle's algorithm, with
//! the second until the first is acknowledged; and the kernel delays an acknowledgement by 40 ms
//! (`TCP_QUICKACK` in tcp(7)). Python's `http.server` is one of many: it would be asked 25 times a
//! second.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::net::sockopt::set_tcp_quickack;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

/// Opens connections.
#[derive(Debug)]
pub(super) struct Prompt;

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Connector for Prompt {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Connection>, Error> {
        let mut last = None;
        for address in &details.addrs {
            let made = match left(details.timeout) {
                Some(left) => TcpStream::connect_timeout(address, left),
                None => TcpStream::connect(address),
            };
            match made {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    let config = details.config;
                    let (input, output) = (config.input_buffer_size(), config.output_buffer_size());
                    return Ok(Some(Connection {
                        stream,
                        buffers: LazyBuffers::new(input, output),
                    }));
                }
                Err(error) => last = Some(timed(error, details.timeout)),
            }
        }
        Err(last.unwrap_or(Error::HostNotFound))
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.set_write_timeout(left(timeout))?;
        let output = &self.buffers.output()[..amount];
        self.stream
            .write_all(output)
            .map_err(|error| timed(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.set_read_timeout(left(timeout))?;
        // It holds until something is sent. Where it is refused all is slower, and nothing else.
        let _ = set_tcp_quickack(&self.stream, true);
        let buffer = self.buffers.input_append_buf();
        let amount = loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other.map_err(|error| timed(error, timeout))?,
            }
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Whether the server has neither closed it nor sent what nobody asked for.
    fn is_open(&mut self) -> bool {
        if self.stream.set_nonblocking(true).is_err() {
            return false;
        }
        let quiet = self.stream.peek(&mut [0]);
        let quiet = quiet.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).is_ok() && quiet
    }
}

/// The time that is left; none is without end. The standard library refuses an empty one.
fn left(timeout: NextTimeout) -> Option<Duration> {
    timeout
        .not_zero()
        .map(|left| Duration::max(*left, Duration::from_millis(1)))
}

fn timed(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}
