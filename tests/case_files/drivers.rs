//! How the workload advances: what is implied, and which keys that leaves without a meaning.

use memcase::trace::{Axis, Driver};
use memcase::units::Per;

use crate::{read, told};

#[test]
fn the_command_implies_the_driver_unless_the_case_names_one() {
    for (text, driver, axis) in [
        ("target: {command: [a]}", Driver::Step, Axis::Iterations),
        (
            "target: {command: [a, '-n={iterations}']}",
            Driver::Ramp,
            Axis::Iterations,
        ),
        (
            "target: {command: 'a {iterations}', shell: true}",
            Driver::Ramp,
            Axis::Iterations,
        ),
        (
            "target: {command: [a]}\nmeasure: {progress: '^x'}",
            Driver::Clock,
            Axis::Lines,
        ),
        (
            "target: {command: [a]}\nmeasure: {driver: clock}",
            Driver::Clock,
            Axis::Seconds,
        ),
        (
            "target: {language: shell, run: 'echo {iterations}'}",
            Driver::Step,
            Axis::Iterations,
        ),
    ] {
        let measure = &read(text)[0].measure;
        assert_eq!((measure.driver, measure.axis()), (driver, axis), "{text}");
    }
}

#[test]
fn a_limit_without_a_stroke_is_counted_as_the_case_is_measured() {
    for (text, bytes, per) in [
        (
            "target: {command: [a]}\nlimits: {slope: 64 B}",
            64.0,
            Per::Iteration,
        ),
        (
            "target: {command: [a]}\nlimits: {slope: 2 KiB}\nmeasure: {driver: clock}",
            2048.0,
            Per::Second,
        ),
        (
            "target: {command: [a]}\nlimits: {slope: 1 KiB/s}\nmeasure: {driver: clock}",
            1024.0,
            Per::Second,
        ),
        (
            "target: {command: [a]}\nlimits: {slope: 64 B/line}\nmeasure: {progress: x}",
            64.0,
            Per::Line,
        ),
    ] {
        let slope = read(text)[0].limits.slope.expect("it is given");
        assert_eq!((slope.bytes, slope.per), (bytes, per), "{text}");
    }
}

#[test]
fn what_a_driver_leaves_without_a_meaning_is_refused_with_what_to_do() {
    const CLOCK: &str = "target: {command: [a]}\nmeasure: {driver: clock, ";
    const RAMP: &str = "target: {command: [a, '{iterations}']}\n";
    for (text, message, help) in [
        (
            "target: {command: [a, '{iterations}']}\nmeasure: {driver: clock}".to_owned(),
            "`measure.driver`: is `clock`, and the command takes a count of iterations",
            "remove `{iterations}` from the command",
        ),
        (
            "target: {command: [a]}\nmeasure: {driver: ramp}".to_owned(),
            "`measure.driver`: is `ramp`, and the command does not take a count",
            "put `{iterations}` into the arguments",
        ),
        (
            "target: {language: python, run: x}\nmeasure: {driver: clock}".to_owned(),
            "`measure.driver`: is for a `command`, and the target is code",
            "remove the key",
        ),
        (
            "target: {language: python, run: x}\nmeasure: {progress: x}".to_owned(),
            "`measure.progress`: is for a `command`",
            "remove the key",
        ),
        (
            format!("{CLOCK}progress: 'a[b'}}"),
            "`measure.progress`: is not a regular expression: unclosed character class",
            "`^request `",
        ),
        (
            format!("{RAMP}measure: {{progress: x}}"),
            "`measure.progress`: has no meaning with the driver `ramp`",
            "the count of iterations is the progress",
        ),
        (
            "target: {command: [a]}\nmeasure: {driver: step, progress: x}".to_owned(),
            "`measure.progress`: has no meaning with the driver `step`",
            "or write `driver: clock`",
        ),
        (
            format!("{CLOCK}iterations: 5}}"),
            "`measure.iterations`: has no meaning with the driver `clock`",
            "for `measure.time`",
        ),
        (
            format!("{CLOCK}collect: false}}"),
            "`measure.collect`: has no meaning with the driver `clock`",
            "does nothing inside of the program",
        ),
        (
            format!("{CLOCK}metric: live}}"),
            "`measure.metric`: `live` is not read with the driver `clock`",
            "write one of `anon`",
        ),
        (
            format!("{RAMP}measure: {{children: true}}"),
            "`measure.children`: is not yet supported with the driver `ramp`",
            "`driver: clock`",
        ),
        (
            format!("{RAMP}measure: {{processes: 1}}"),
            "`measure.processes`: is too few",
            "`processes: 3`",
        ),
        (
            format!("{RAMP}limits: {{fds: 3}}"),
            "`limits.fds`: has no meaning with the driver `ramp`",
            "remove the key",
        ),
        (
            format!("{RAMP}expect: spike"),
            "`expect`: claims a spike, which a ramp cannot see",
            "`limits.peak`",
        ),
        (
            format!("{RAMP}limits: {{slope: 1 KiB/s}}"),
            "`limits.slope`: is counted by `/s`, and the case is measured by `/iter`",
            "write `/iter`, or nothing",
        ),
        (
            format!("{CLOCK}time: 5 s}}\nexpect: {{leak: {{slope: 1 B/iter..2 B/iter}}}}"),
            "`expect.leak.slope`: is counted by `/iter`, and the case is measured by `/s`",
            "write `/s`, or nothing",
        ),
    ] {
        let told = told(&text);
        assert!(told.contains(message), "{text}\n{told}");
        assert!(told.contains(help), "{text}\n{told}");
        assert_eq!(told.matches("error:").count(), 1, "{text}\n{told}");
    }
}
