//! Interpreters and compilers, what was measured with each, and programs beside them.

use super::facts::{Facts, Installed, Measured, Trial};
use super::findings::{Finding, Group};
use crate::analysis::VerdictKind;
use crate::units::Bytes;

/// What is done where a trial says something wrong.
const RETRY: &str = "try again while the machine is less busy; if it stays, please report it with the output of \
                     `memcase doctor --json`";

pub(super) fn languages(facts: &Facts, all: &mut Vec<Finding>) {
    all.extend(facts.languages.iter().map(language));
}

fn language(found: &Installed) -> Finding {
    let (group, name) = (Group::Languages, found.language.name());
    if let Some(why) = &found.missing {
        let (what, remedy) = why.split_once(": ").unwrap_or((why, "install it"));
        return Finding::note(group, name, what, remedy);
    }
    let runtime = found
        .runtime
        .as_deref()
        .unwrap_or("its version is not known");
    let place = found
        .program
        .as_ref()
        .map_or(String::new(), |program| format!(" ({})", program.display()));
    if let Some(why) = &found.broken {
        return Finding::problem(
            group,
            name,
            format!("no program can be made ready{place}: {why}"),
            "repair or reinstall it; with a compiler, also its headers (Debian: libc6-dev, libstdc++-dev)",
        );
    }
    let text = format!("{runtime}{place}");
    match &found.trial {
        Some(trial) => tried(name, &text, trial),
        None => Finding::ok(group, name, text),
    }
}

fn tried(name: &str, text: &str, trial: &Trial) -> Finding {
    let group = Group::Languages;
    for (what, measured) in [
        ("with a leak", &trial.leak),
        ("that does nothing", &trial.null),
    ] {
        if measured.verdict.is_none() {
            return Finding::problem(
                group,
                name,
                format!(
                    "{text}: a case {what} can not be measured: {}",
                    measured.reason
                ),
                "run a case of it with `memcase run`, which shows what it wrote",
            );
        }
    }
    if grows(&trial.null) {
        let text = format!(
            "{text}: a case that does nothing is called a {}{}",
            trial.null.verdict.map_or("", VerdictKind::name),
            rate(&trial.null)
        );
        return Finding::problem(group, name, text, RETRY);
    }
    let leaked = trial.leaked;
    let seen = trial
        .leak
        .detection_limit
        .is_some_and(|limit| limit < f64::from(leaked));
    if trial.leak.verdict == Some(VerdictKind::Stable) && seen {
        let text =
            format!("{text}: a leak of {leaked} B an iteration is not found; it is called stable");
        return Finding::problem(group, name, text, RETRY);
    }
    let limit = trial.null.detection_limit.filter(|limit| limit.is_finite());
    let sees = limit.map_or(String::new(), |limit| {
        format!("; {} would have been seen", bytes(limit))
    });
    let cost = trial.turn_micros.map_or(String::new(), |micros| {
        format!("; an empty iteration takes {}", span(micros))
    });
    let open = |measured: &Measured| measured.verdict != Some(VerdictKind::Leak);
    if open(&trial.leak) || trial.null.verdict != Some(VerdictKind::Stable) {
        let what = if open(&trial.leak) {
            format!("a leak of {leaked} B an iteration is not proven in so short a run")
        } else {
            "a run that does nothing is not proven stable in so short a time".to_owned()
        };
        return Finding::note(group, name, format!("{text}: {what}{sees}{cost}"), RETRY);
    }
    let found = format!(
        "{text}: a leak of {leaked} B is found{}, and doing nothing is stable{sees}{cost}",
        rate(&trial.leak)
    );
    Finding::ok(group, name, found)
}

fn grows(measured: &Measured) -> bool {
    matches!(
        measured.verdict,
        Some(VerdictKind::Leak | VerdictKind::Spike)
    )
}

fn rate(measured: &Measured) -> String {
    measured
        .slope
        .map_or(String::new(), |slope| format!(" (+{}/iter)", bytes(slope)))
}

fn bytes(bytes: f64) -> String {
    if bytes < 1024.0 {
        return format!("{bytes:.1} B");
    }
    Bytes(bytes as u64).to_string()
}

fn span(micros: f64) -> String {
    if micros < 1000.0 {
        format!("{micros:.0} µs")
    } else {
        format!("{:.1} ms", micros / 1000.0)
    }
}

pub(super) fn tools(facts: &Facts, all: &mut Vec<Finding>) {
    for tool in &facts.tools {
        let group = Group::Tools;
        all.push(match (&tool.program, &tool.broken) {
            (None, _) => Finding::note(
                group,
                tool.name,
                format!("not found; {}", tool.purpose),
                tool.remedy,
            ),
            (Some(program), Some(why)) => Finding::note(
                group,
                tool.name,
                format!(
                    "{} does not work: {why}; {}",
                    program.display(),
                    tool.purpose
                ),
                tool.remedy,
            ),
            (Some(program), None) => {
                let version = tool.version.as_deref().unwrap_or_default();
                let place = program.display();
                Finding::ok(
                    group,
                    tool.name,
                    format!("{version} ({place}); {}", tool.purpose),
                )
            }
        });
    }
}
