//! A long-lived program as it is meant: when it is ready, what is asked of it, how it ends.

use serde::Deserialize;

use super::model::{CommandTarget, Language, Tools};

/// What stands for the free port of a process.
pub const PORT: &str = "{port}";
/// What stands for the number of an iteration, from 0.
pub const ITERATION: &str = "{iteration}";

/// A long-lived program, and how it is exercised.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceTarget {
    /// The program.
    pub command: CommandTarget,
    /// The language of the packages that it requires, and those.
    pub packages: Option<(Language, Tools)>,
    /// When it can be exercised.
    pub ready: Ready,
    /// What is asked of it once in each iteration.
    pub request: Request,
    /// How it is told to end.
    pub stop: Stop,
}

/// When a service can be exercised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Once this port of the loopback is open: a number, or [`PORT`].
    Port(String),
    /// Once this URL is answered with a status of 200 to 299.
    Url(String),
    /// Once a line of its output matches this regular expression.
    Output(String),
}

/// What is asked of a service in an iteration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// HTTP requests by memcase.
    Http(HttpRequest),
    /// A program that is run to its end: its name and arguments.
    Command(Vec<String>),
}

/// HTTP requests, all alike but for the number of the iteration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpRequest {
    /// Where they go.
    pub url: String,
    /// The method.
    pub method: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// What is sent behind the header.
    pub body: Option<String>,
    /// The status of the answer; none is any of 200 to 299.
    pub status: Option<u16>,
    /// How many there are in an iteration.
    pub repeat: u32,
    /// How many of them are on their way at the same time.
    pub parallel: u32,
}

/// How a service is told to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// By a signal to all its processes.
    Signal(StopSignal),
    /// By a program: its name and arguments.
    Command(Vec<String>),
}

/// Signals that tell a program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
pub enum StopSignal {
    /// What service managers send.
    #[default]
    #[serde(rename = "SIGTERM")]
    Term,
    /// What Ctrl-C sends.
    #[serde(rename = "SIGINT")]
    Int,
    /// What some servers take as the wish to finish what they are at.
    #[serde(rename = "SIGQUIT")]
    Quit,
    /// What a lost terminal sends.
    #[serde(rename = "SIGHUP")]
    Hup,
    /// What a program gives a meaning of its own.
    #[serde(rename = "SIGUSR1")]
    Usr1,
    /// The same.
    #[serde(rename = "SIGUSR2")]
    Usr2,
}

impl StopSignal {
    /// The name used in case files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Term => "SIGTERM",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Hup => "SIGHUP",
            Self::Usr1 => "SIGUSR1",
            Self::Usr2 => "SIGUSR2",
        }
    }
}

/// A text with `value` wherever `place` stands, unless a `$` stands before it: `${port}` is a
/// variable of a shell.
pub fn fill(text: &str, place: &str, value: &str) -> String {
    let mut pieces = text.split(place);
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        filled.push_str(if filled.ends_with('$') { place } else { value });
        filled.push_str(piece);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_filled_unless_it_is_a_variable_of_a_shell() {
        for (text, filled) in [
            ("", ""),
            ("{port}", "80"),
            ("--listen=:{port} {port}", "--listen=:80 80"),
            ("echo ${port} {port}", "echo ${port} 80"),
            ("{ports}", "{ports}"),
        ] {
            assert_eq!(fill(text, PORT, "80"), filled);
        }
    }
}
