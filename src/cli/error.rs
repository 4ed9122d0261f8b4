//! Why a command could not do what was asked, and the exit code of each reason.

use thiserror::Error;

use crate::outcome::ExitCode;

/// Why a command could not do what was asked.
#[derive(Debug, Error)]
pub(super) enum CliError {
    /// Wrong arguments, or something they name is not as it should be.
    #[error("{0}")]
    Usage(String),
    /// A filter expression that is not valid, as it is shown.
    #[error("{0}")]
    Expression(String),
    /// Case files that are not valid; each is rendered by itself.
    #[error("{}", .0.join("\n"))]
    Cases(Vec<String>),
    /// A configuration that is not valid; each mistake is rendered by itself.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
    /// No case is left.
    #[error("{0}")]
    NoCase(String),
    /// There is no folder in which cases are looked for.
    #[error("{0}")]
    NoFolder(String),
    /// Standard output could not be written to.
    #[error("the output could not be written: {0}")]
    Output(std::io::Error),
}

impl CliError {
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::Expression(_) | Self::Cases(_) | Self::Config(_) => {
                ExitCode::Usage
            }
            Self::NoCase(_) | Self::NoFolder(_) => ExitCode::NoCase,
            Self::Output(_) => ExitCode::Broken,
        }
    }
}
