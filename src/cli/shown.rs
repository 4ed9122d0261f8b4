//! The report that is read as the run goes: what goes to standard output.

use std::io::{self, Write};
use std::sync::Arc;

use indicatif::ProgressDrawTarget;

use super::CliError;
use super::args::{Color, RunFormat};
use super::output;
use super::reports::{MessageFormat, ReportArgs};
use crate::report::plot::Screen;
use crate::report::{Human, Json, Layout, LibtestJson, Live, Reporter, junit};

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) format: RunFormat,
    pub(super) message_format: Option<MessageFormat>,
    /// Whether a report has taken standard output, so that what people read goes to standard error.
    pub(super) aside: bool,
    pub(super) color: Color,
}

impl Shown {
    /// Whether standard output is for a program.
    pub(super) fn is_for_programs(self) -> bool {
        self.message_format.is_some() || matches!(self.format, RunFormat::Json | RunFormat::Junit)
    }

    /// Refuses what tells of one run, where there are several.
    pub(super) fn tell_several_runs(self, reports: &ReportArgs) -> Result<(), CliError> {
        let one = self.message_format.is_some() || self.format == RunFormat::Junit;
        if one || !reports.are_of_events() {
            return Err(CliError::Usage(
                "with `--stress-count` there are several runs, and this format tells of one; `json` tells of all"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Where cases are drawn, if that is asked for.
    pub(super) fn plots(self, asked: bool) -> Result<Option<Screen>, CliError> {
        if asked && self.is_for_programs() {
            return Err(CliError::Usage(
                "`--plot` draws for people, and this format is for programs; leave one of them out"
                    .to_owned(),
            ));
        }
        Ok(asked.then(|| output::screen(self.coloured())))
    }

    fn coloured(self) -> bool {
        if self.aside && self.color == Color::Auto {
            output::errors_coloured()
        } else {
            output::coloured(self.color)
        }
    }

    /// Where it goes.
    pub(super) fn out(self) -> Box<dyn Write + Send> {
        if self.aside {
            Box::new(io::stderr())
        } else {
            Box::new(io::stdout())
        }
    }

    pub(super) fn reporter(self) -> Arc<dyn Reporter> {
        let out = self.out();
        match (self.message_format, self.format) {
            (Some(MessageFormat::LibtestJson), _) => Arc::new(LibtestJson::new(out)),
            (None, RunFormat::Json) => Arc::new(Json::new(out)),
            (None, RunFormat::Junit) => Arc::new(junit(out)),
            (None, RunFormat::Pretty | RunFormat::Terse) => {
                let terse = self.format == RunFormat::Terse;
                let live =
                    (!terse && output::can_draw()).then(|| Live::new(ProgressDrawTarget::stderr()));
                let colour = self.coloured();
                let err = Box::new(io::stderr());
                Arc::new(Human::new(Layout { terse, colour }, live, out, err))
            }
        }
    }
}
