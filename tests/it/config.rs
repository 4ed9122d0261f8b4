//! `memcase.toml`: where it is found, what goes before what, and how its mistakes are told.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Project, STABLE};

/// The settings that hold for a case, as `show-config --json` tells them.
fn settings(ended: &Ended, id: &str) -> Vec<Value> {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown = &ended.json()[0];
    let mut cases = shown["cases"].as_array().unwrap().iter();
    let case = cases.find(|case| case["id"] == id).unwrap();
    case["settings"].as_array().unwrap().clone()
}

/// A value and where it comes from, as `3 profile:4`.
fn held(settings: &[Value], key: &str) -> String {
    let found = settings.iter().find(|setting| setting["key"] == key);
    let found = found.unwrap_or_else(|| panic!("no {key}"));
    let origin = &found["origin"];
    let place = origin["line"].as_u64().map(|line| format!(":{line}"));
    let value = match &found["value"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let from = origin["from"].as_str().unwrap();
    format!("{value} {from}{}", place.unwrap_or_default())
}

fn show(project: &Project, variables: &[(&str, &str)], arguments: &[&str]) -> Vec<Value> {
    let mut command = project.command(&["show-config", "--json", "--exact", "a"]);
    command.args(arguments).envs(variables.iter().copied());
    settings(&Ended::of(command.output().unwrap()), "a")
}

#[test]
fn a_flag_goes_before_the_environment_the_profile_the_case_and_the_default() {
    const KEY: &str = "measure.time";
    let project = Project::new(&[("a", STABLE)]);
    let held = |variables: &[(&str, &str)], arguments: &[&str]| {
        held(&show(&project, variables, arguments), KEY)
    };
    assert_eq!(held(&[], &[]), "30 s default");
    project.write("cases/a.yaml", &STABLE.replace("240}", "240, time: 20 s}"));
    assert_eq!(held(&[], &[]), "20 s case:2");
    project.write(
        "memcase.toml",
        "[profile.default]\nmeasure.time = \"10 s\"\n",
    );
    assert_eq!(held(&[], &[]), "10 s profile:2");
    assert_eq!(held(&[("MEMCASE_TIME", "5s")], &[]), "5 s environment");
    assert_eq!(
        held(&[("MEMCASE_TIME", "5s")], &["--time", "3s"]),
        "3 s flag"
    );
}

#[test]
fn overrides_go_before_profiles_and_the_chosen_profile_before_those_behind_it() {
    let project = Project::new(&[("a", STABLE), ("b", STABLE)]);
    project.write(
        "memcase.toml",
        r#"[profile.default]
retries = 1
measure = { processes = 2, iterations = 300, time = "10 s" }
[[profile.default.overrides]]
filter = "id(=a)"
measure.iterations = 400
[profile.ci]
retries = 2
measure.processes = 4
[profile.nightly]
inherits = "ci"
retries = 3
[[profile.nightly.overrides]]
filter = "id(=b)"
retries = 9
[[profile.nightly.overrides]]
filter = "id(=a)"
limits.slope = "1 KiB"
[[profile.nightly.overrides]]
filter = "all()"
limits.slope = "2 KiB"
"#,
    );
    let default = show(&project, &[], &[]);
    assert_eq!(held(&default, "retries"), "1 profile:2");
    assert_eq!(held(&default, "measure.iterations"), "400 profile:6");
    let ci = show(&project, &[("MEMCASE_PROFILE", "ci")], &[]);
    assert_eq!(held(&ci, "retries"), "2 profile:8");
    assert_eq!(held(&ci, "measure.time"), "10 s profile:3");
    let nightly = show(
        &project,
        &[("MEMCASE_PROFILE", "ci")],
        &["--profile", "nightly"],
    );
    assert_eq!(held(&nightly, "retries"), "3 profile:12");
    assert_eq!(held(&nightly, "measure.processes"), "4 profile:9");
    assert_eq!(held(&nightly, "measure.iterations"), "400 profile:6");
    assert_eq!(held(&nightly, "limits.slope"), "1.00 KiB/iter profile:18");
}

#[test]
fn what_the_profile_says_is_what_the_case_is_measured_by() {
    let project = Project::new(&[("a", STABLE), ("by-clock", CLOCK)]);
    project.write(
        "memcase.toml",
        "[profile.default.measure]\nprocesses = 2\niterations = 60\ntime = \"1 s\"\n",
    );
    let ended = project.memcase(&["run", "--format", "json"]);
    let events = ended.json();
    let case = |id: &str| {
        let mut ended = events.iter().filter(|event| event["type"] == "case");
        ended.find(|event| event["id"] == id).unwrap().clone()
    };
    assert_eq!(
        (&case("a")["iterations"], &case("a")["processes"]),
        (&60.into(), &2.into())
    );
    // a count of iterations has no meaning for a program that is measured over time
    assert_eq!(case("by-clock")["processes"], 2, "{ended:?}");
    let started = &events[0];
    assert_eq!(started["profile"], "default");
}

const CLOCK: &str = "
target: {command: [sleep, '60']}
measure: {driver: clock}
";

#[test]
fn strict_is_the_default_under_ci_and_a_profile_may_say_otherwise() {
    let project = Project::new(&[("a", STABLE)]);
    let mode = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = project.command(&["show-config", "--json"]);
        command.args(arguments).envs(variables.iter().copied());
        let shown = &Ended::of(command.output().unwrap()).json()[0];
        held(shown["settings"].as_array().unwrap(), "mode")
    };
    assert_eq!(mode(&[], &[]), "normal default");
    assert_eq!(mode(&[("CI", "true")], &[]), "strict environment");
    assert_eq!(mode(&[], &["-P", "ci"]), "strict profile:0");
    assert_eq!(mode(&[("CI", "true")], &["--fast"]), "fast flag");
    project.write("memcase.toml", "[profile.default]\nmode = \"normal\"\n");
    assert_eq!(mode(&[("CI", "true")], &[]), "normal profile:2");
    assert_eq!(mode(&[], &["-P", "ci"]), "strict profile:0");
    project.write("memcase.toml", "[profile.ci]\nmode = \"fast\"\n");
    assert_eq!(mode(&[], &["-P", "ci"]), "fast profile:2");
}

#[test]
fn the_file_is_found_here_or_above_or_is_named() {
    let project = Project::new(&[("deep/cases/a", STABLE)]);
    project.write("memcase.toml", "[profile.default]\nretries = 1\n");
    project.write("other.toml", "[profile.default]\nretries = 2\n");
    let below = project.path().join("cases/deep");
    let from_below = |arguments: &[&str]| {
        let mut command = project.command(&["show-config", "--json", "a"]);
        let ended = command
            .args(arguments)
            .current_dir(&below)
            .output()
            .unwrap();
        held(&settings(&Ended::of(ended), "a"), "retries")
    };
    assert_eq!(from_below(&[]), "1 profile:2");
    assert_eq!(
        from_below(&["--config-file", "../../other.toml"]),
        "2 profile:2"
    );
    project.write(
        "cases/deep/.config/memcase.toml",
        "[profile.default]\n\nretries = 3\n",
    );
    assert_eq!(from_below(&[]), "3 profile:3");
    project.write("cases/deep/memcase.toml", "");
    let mut command = project.command(&["show-config"]);
    let ended = Ended::of(command.current_dir(&below).output().unwrap());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.err.contains(".config/memcase.toml` is there too"),
        "{ended:?}"
    );
    let ended = project.memcase(&["run", "--config-file", "nowhere.toml"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("nowhere.toml"), "{ended:?}");
}

#[test]
fn an_unknown_profile_is_told_with_those_that_there_are() {
    let project = Project::new(&[("a", STABLE)]);
    let ended = project.memcase(&["run", "--profile", "cii"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("`cii` is no profile"), "{ended:?}");
    assert!(ended.err.contains("did you mean `ci`?"), "{ended:?}");
    project.write("memcase.toml", "[profile.nightly]\n");
    let ended = project.memcase(&["run", "--profile", "weekly"]);
    assert!(
        ended.err.contains("`ci`, `default`, `nightly`"),
        "{ended:?}"
    );
}

#[test]
fn the_schema_of_the_configuration_is_the_one_in_the_docs() {
    let project = Project::new(&[]);
    let ended = project.memcase(&["schema", "--config"]);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config.schema.json");
    let kept = fs::read_to_string(kept).unwrap();
    assert!(
        ended.out == kept,
        "cargo run -- schema --config > docs/config.schema.json\n{}",
        ended.out
    );
}
