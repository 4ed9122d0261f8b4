//! Live progress on a terminal: one bar a running case. It never shares a line with the report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::event::Event;
use super::text;
use crate::trace::{Axis, Metric};
use crate::units::Bytes;

/// The bars of the running cases.
pub struct Live {
    bars: MultiProgress,
    running: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Live {
    /// Draws on `target`.
    pub fn new(target: ProgressDrawTarget) -> Self {
        Self {
            bars: MultiProgress::with_draw_target(target),
            running: Mutex::default(),
        }
    }

    /// Does something else with the terminal while the bars are away.
    pub fn suspend<T>(&self, other: impl FnOnce() -> T) -> T {
        self.bars.suspend(other)
    }

    pub(super) fn event(&self, event: &Event) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::CaseStarted { id } => {
                let style = ProgressStyle::with_template("     {prefix}  {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner());
                let bar = self.bars.add(ProgressBar::no_length().with_style(style));
                bar.set_prefix(id.clone());
                bar.set_message("making ready");
                running.insert(id.clone(), bar);
            }
            Event::EnvBuilding { id, message } => {
                if let Some(bar) = running.get(id) {
                    let line = text::printable(message).replace(['\n', '\t'], " ");
                    bar.set_message(line);
                }
            }
            Event::CaseProgress { id, .. } => {
                if let Some(bar) = running.get(id) {
                    bar.set_message(message(event));
                }
            }
            Event::Case(report) => {
                if let Some(bar) = running.remove(&report.id) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
            }
            Event::CaseTried { id, .. } => {
                if let Some(bar) = running.get(id) {
                    bar.set_message("once more");
                }
            }
            Event::RunStarted { .. } => {}
            Event::RunFinished(_) => {
                for (_, bar) in std::mem::take(&mut *running) {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

/// `1,234 of 1,700 iterations, 34.1 MiB, +1.30 KiB/iter so far, 4 s left`.
fn message(event: &Event) -> String {
    let Event::CaseProgress {
        axis,
        iteration,
        of,
        memory,
        slope,
        seconds_left,
        ..
    } = event
    else {
        return String::new();
    };
    let done = match axis {
        _ if *of == 0 => text::length(*iteration, *axis),
        Axis::Seconds => format!(
            "{} of {}",
            text::length(*iteration, *axis),
            text::length(*of, *axis)
        ),
        Axis::Iterations | Axis::Lines => format!(
            "{} of {}",
            text::iterations(*iteration),
            text::length(*of, *axis)
        ),
    };
    let mut line = format!("{done}, {}", Bytes(*memory));
    if let Some(slope) = slope.filter(|slope| slope.is_finite()) {
        let _ = write!(line, ", {} so far", text::rate(slope, Metric::Live, *axis));
    }
    let _ = write!(line, ", {:.0} s left", seconds_left.max(0.0));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_tells_iteration_memory_slope_and_time_left() {
        let event = Event::CaseProgress {
            id: "a".to_owned(),
            axis: Axis::Iterations,
            iteration: 1234,
            of: 1700,
            memory: 34 << 20,
            slope: Some(1340.0),
            seconds_left: 4.2,
            look: false,
        };
        assert_eq!(
            message(&event),
            "1,234 of 1,700 iterations, 34.0 MiB, 1.31 KiB/iter so far, 4 s left"
        );
    }
}
