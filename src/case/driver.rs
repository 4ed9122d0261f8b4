//! How the workload advances, and which keys that leaves without a meaning.

use regex::bytes::Regex;

use super::lower::Lower;
use super::model::{Claim, ITERATIONS, MeasureSettings};
use super::written::{WrittenCommand, WrittenLimits, WrittenMeasure};
use crate::trace::{Driver, Metric};

/// The least processes at each count of a ramp: one alone cannot be told from chance.
const LEAST_OF_RAMP: u32 = 2;

fn takes_iterations(command: Option<&WrittenCommand>) -> bool {
    match command {
        Some(WrittenCommand::List(words)) => words.iter().any(|word| word.contains(ITERATIONS)),
        Some(WrittenCommand::Line(line)) => line.contains(ITERATIONS),
        None => false,
    }
}

/// The driver that is written, else the one that the target implies. A command that implies
/// none speaks the step protocol: whether it does shows only once it runs, and what a
/// verdict counts by must not depend on that.
pub(super) fn of(written: &WrittenMeasure, command: Option<&WrittenCommand>) -> Driver {
    match written.driver {
        Some(driver) => driver,
        None if takes_iterations(command) => Driver::Ramp,
        None if written.progress.is_some() => Driver::Clock,
        None => Driver::Step,
    }
}

impl Lower<'_, '_> {
    /// Refuses what the driver leaves without a meaning.
    pub(super) fn drives(
        &mut self,
        written: &WrittenMeasure,
        limits: &WrittenLimits,
        command: Option<&WrittenCommand>,
        (measure, claim): (&MeasureSettings, Claim),
    ) {
        let driver = measure.driver;
        if driver != Driver::Step && command.is_none() {
            let doubtful = self.report.doubts("target.command");
            if !doubtful {
                let key = if written.driver.is_some() {
                    "driver"
                } else {
                    "progress"
                };
                self.wrong_key(
                    &format!("measure.{key}"),
                    "is for a `command`, and the target is code",
                    "remove the key: code is run in step with memcase",
                );
            }
            return;
        }
        match (driver, takes_iterations(command)) {
            (Driver::Ramp, false) => self.wrong(
                "measure.driver",
                "is `ramp`, and the command does not take a count of iterations",
                "put `{iterations}` into the arguments, where the program takes the count",
            ),
            (Driver::Step | Driver::Clock, true) => self.wrong(
                "measure.driver",
                format!(
                    "is `{}`, and the command takes a count of iterations",
                    driver.name()
                ),
                "remove `{iterations}` from the command, or the driver",
            ),
            _ => {}
        }
        self.progress(measure, takes_iterations(command));
        match driver {
            Driver::Step => {}
            Driver::Ramp => self.ramp(written, limits, (measure, claim)),
            Driver::Clock => self.clock(written, measure),
        }
    }

    fn progress(&mut self, measure: &MeasureSettings, takes_iterations: bool) {
        const PATH: &str = "measure.progress";
        let Some(pattern) = &measure.progress else {
            return;
        };
        if measure.driver != Driver::Clock {
            let help = if takes_iterations {
                "remove the key: the count of iterations is the progress"
            } else {
                "remove the key, or write `driver: clock`"
            };
            let driver = measure.driver.name();
            self.wrong_key(
                PATH,
                format!("has no meaning with the driver `{driver}`"),
                help,
            );
        } else if let Err(error) = Regex::new(pattern) {
            let said = error.to_string();
            let reason = said.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ").to_owned();
            self.wrong(
                PATH,
                format!("is not a regular expression: {reason}"),
                "write for example `^request `, in the syntax of the crate `regex`",
            );
        }
    }

    fn meaningless(&mut self, driver: Driver, keys: &[(&str, bool)], help: &str) {
        for (key, _) in keys.iter().filter(|(_, written)| *written) {
            let message = format!("has no meaning with the driver `{}`", driver.name());
            self.wrong_key(key, message, help);
        }
    }

    fn ramp(
        &mut self,
        written: &WrittenMeasure,
        limits: &WrittenLimits,
        (measure, claim): (&MeasureSettings, Claim),
    ) {
        self.in_the_program(Driver::Ramp, written);
        self.meaningless(
            Driver::Ramp,
            &[
                ("limits.spike", limits.spike.is_some()),
                ("limits.fds", limits.fds.is_some()),
                ("limits.threads", limits.threads.is_some()),
                ("limits.children", limits.children.is_some()),
            ],
            "a ramp reads the memory of a process at its end, and its peak; remove the key",
        );
        if claim == Claim::Spike {
            self.wrong_key(
                "expect",
                "claims a spike, which a ramp cannot see",
                "claim `stable` or `leak`, and bound the peak by `limits.peak`",
            );
        }
        if measure.children == Some(true) {
            self.wrong(
                "measure.children",
                "is not yet supported with the driver `ramp`",
                "start the program itself (`exec` in a shell), or measure it by `driver: clock`",
            );
        }
        if measure
            .processes
            .is_some_and(|processes| processes < LEAST_OF_RAMP)
        {
            self.wrong(
                "measure.processes",
                "is too few: a ramp needs two processes at each count",
                "write `processes: 3`",
            );
        }
        self.metric(measure, &[Metric::Anon, Metric::Peak]);
    }

    fn clock(&mut self, written: &WrittenMeasure, measure: &MeasureSettings) {
        self.in_the_program(Driver::Clock, written);
        self.meaningless(
            Driver::Clock,
            &[("measure.iterations", written.iterations.is_some())],
            "the program runs until it ends, or for `measure.time`; remove the key",
        );
        let known = [
            Metric::Anon,
            Metric::Peak,
            Metric::Fds,
            Metric::Threads,
            Metric::Children,
        ];
        self.metric(measure, &known);
    }

    /// Keys that need a target in step with memcase.
    fn in_the_program(&mut self, driver: Driver, written: &WrittenMeasure) {
        self.meaningless(
            driver,
            &[
                ("measure.collect", written.collect.is_some()),
                ("measure.trim", written.trim.is_some()),
                ("measure.batch", written.batch.is_some()),
            ],
            "memcase does nothing inside of the program; remove the key",
        );
    }

    fn metric(&mut self, measure: &MeasureSettings, known: &[Metric]) {
        let Some(metric) = measure.metric.filter(|metric| !known.contains(metric)) else {
            return;
        };
        let names: Vec<String> = known.iter().map(|m| format!("`{}`", m.name())).collect();
        self.wrong(
            "measure.metric",
            format!(
                "`{}` is not read with the driver `{}`",
                metric.name(),
                measure.driver.name()
            ),
            &format!("write one of {}, or remove the key", names.join(", ")),
        );
    }
}
