//! What a case file may say and where its code stands; the modules hold what is refused.

mod discovery;
mod drivers;
mod hostile;
mod keys;
mod matrix;
mod services;
mod targets;
mod values;
mod yaml;

use std::path::Path;
use std::time::Duration;

use memcase::case::file::parse;
use memcase::case::{Case, CaseError, Claim, Code, Language, Program, Snippet, schema, template};
use memcase::trace::Driver;
use memcase::trace::Metric;
use memcase::units::{Bytes, Rate};

fn read(text: &str) -> Vec<Case> {
    match parse(text.as_bytes(), Path::new("cases/a.yaml"), "a") {
        Ok(cases) => cases,
        Err(errors) => panic!("{}", shown(&errors)),
    }
}

fn refused(bytes: &[u8]) -> Vec<CaseError> {
    parse(bytes, Path::new("a.yaml"), "a").expect_err("the file is wrong")
}

fn shown(errors: &[CaseError]) -> String {
    let shown: Vec<String> = errors.iter().map(CaseError::to_string).collect();
    shown.join("\n")
}

/// The mistakes of a text as they are shown.
fn told(text: &str) -> String {
    let told: Vec<String> = match parse(text.as_bytes(), Path::new("a.yaml"), "a") {
        Ok(_) => vec!["accepted".to_owned()],
        Err(errors) => errors.iter().map(|error| error.render(false)).collect(),
    };
    told.join("\n")
}

fn snippet(case: &Case) -> &Snippet {
    match &case.target.program {
        Program::Snippet(snippet) => snippet,
        other => panic!("not a snippet: {other:?}"),
    }
}

/// A case that uses every key.
const EVERY_KEY: &str = r"
name: every-key
description: all keys at once
source: somewhere/project#12
tags: [slow, c]
target:
  language: c
  prelude: |
    #include <stdlib.h>
  setup: int n = 0;
  run: n++;
  teardown: n = 0;
  flags: [-O2, -lm]
  interpreter: clang
  env: {A: text, B: 1.10, C: null}
  clean-env: true
  cwd: data
  stdin: 'yes'
expect:
  leak: {slope: 1 KiB..2 KiB/iter}
  cyclic-garbage: allowed
limits: {slope: 64 B, peak: 512 MiB, spike: 10 MB, memory: 1 GiB, fds: 1, threads: 2, children: 3, timeout: 2 min}
measure:
  processes: 5
  iterations: 1000
  time: 500 ms
  metric: live
  collect: false
  trim: false
  batch: 10
  driver: step
  children: true
";

fn rate(bytes: f64) -> Rate {
    Rate {
        bytes,
        ..Rate::default()
    }
}

#[test]
fn every_key_is_lowered_to_what_it_means() {
    let cases = read(EVERY_KEY);
    let case = &cases[0];
    assert_eq!((case.id.0.as_str(), case.line), ("every-key", 2));
    assert_eq!(case.tags, ["slow", "c"]);
    let code = snippet(case);
    assert_eq!(code.language, Language::C);
    assert_eq!(code.tools.flags, ["-O2", "-lm"]);
    assert_eq!(code.tools.interpreter.as_deref(), Some("clang"));
    let env: Vec<(&str, Option<&str>)> = case
        .target
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .collect();
    assert_eq!(env, [("A", Some("text")), ("B", Some("1.10")), ("C", None)]);
    assert!(case.target.clean_env);
    assert_eq!(case.target.cwd.as_deref(), Some(Path::new("data")));
    assert_eq!(case.target.stdin.as_deref(), Some("yes"));
    assert_eq!(case.expect.claim, Claim::Leak);
    assert_eq!(case.expect.slope, Some((rate(1024.0), rate(2048.0))));
    assert!(case.expect.cyclic_garbage_allowed);
    assert_eq!(case.limits.slope, Some(rate(64.0)));
    assert_eq!(case.limits.memory, Some(Bytes(1 << 30)));
    assert_eq!(case.limits.peak, Some(Bytes(512 << 20)));
    assert_eq!(case.limits.spike, Some(Bytes(10_000_000)));
    assert_eq!(
        (case.limits.fds, case.limits.threads, case.limits.children),
        (Some(1), Some(2), Some(3))
    );
    assert_eq!(case.limits.timeout, Some(Duration::from_mins(2)));
    let measure = &case.measure;
    assert_eq!(
        (measure.processes, measure.iterations, measure.batch),
        (Some(5), Some(1000), Some(10))
    );
    assert_eq!(measure.time, Some(Duration::from_millis(500)));
    assert_eq!(measure.metric, Some(Metric::Live));
    assert_eq!(
        (measure.collect, measure.trim, measure.children),
        (Some(false), Some(false), Some(true))
    );
    assert_eq!(measure.driver, Driver::Step);
}

#[test]
fn what_is_left_out_stays_open() {
    let cases = read("target: {language: shell, run: ':'}\n");
    let case = &cases[0];
    assert_eq!(case.id.0, "a");
    assert_eq!(case.expect, memcase::case::Expectation::default());
    assert_eq!(case.limits, memcase::case::Limits::default());
    assert_eq!(case.measure, memcase::case::MeasureSettings::default());
}

#[test]
fn a_command_is_a_list_or_one_line_for_the_shell() {
    let cases = read(
        "name: list\ntarget:\n  command: [./serve, --port, 80]\n---\n\
         name: line\ntarget:\n  command: ./serve | cat\n  shell: true\n",
    );
    let commands: Vec<(Vec<String>, bool)> = cases
        .iter()
        .map(|case| match &case.target.program {
            Program::Command(command) => (command.argv.clone(), command.shell),
            other => panic!("not a command: {other:?}"),
        })
        .collect();
    assert_eq!(commands[0].0, ["./serve", "--port", "80"]);
    assert_eq!((commands[1].0.len(), commands[1].1), (1, true));
}

#[test]
fn a_file_is_found_beside_the_case() {
    let cases = read("target: {language: python, file: lib/body.py}\n");
    match &cases[0].target.program {
        Program::File(file) => assert_eq!(file.path, Path::new("cases/lib/body.py")),
        other => panic!("not a file: {other:?}"),
    }
}

#[test]
fn a_name_replaces_the_stem_and_several_names_follow_it() {
    let target = "target: {language: python, run: pass}\n";
    let ids = |text: &str| -> Vec<String> {
        parse(text.as_bytes(), Path::new("x.yaml"), "field/pandas")
            .expect("good cases")
            .into_iter()
            .map(|case| case.id.0)
            .collect()
    };
    assert_eq!(ids(target), ["field/pandas"]);
    assert_eq!(ids(&format!("name: csv\n{target}")), ["field/csv"]);
    assert_eq!(
        ids(&format!(
            "name: csv\n{target}---\nname: json\n{target}---\n"
        )),
        ["field/pandas/csv", "field/pandas/json"]
    );
}

#[test]
fn code_knows_the_line_of_the_file_on_which_it_begins() {
    let text = "# comment\n\
        name: one\n\
        target:\n\
        \x20 language: c\n\
        \x20 prelude: &code |  # comment\n\
        \x20   line6();\n\
        \x20 setup: >-\n\
        \x20   line8();\n\
        \x20   line9();\n\
        \x20 run: |2\n\
        \n\
        \x20   line12();\n\
        \x20 teardown:\n\
        \x20   line14();\n\
        # comment\n\
        ---\n\
        name: two\n\
        target: {language: c, run: \"line18();\", setup: 'line18()',\n\
        \x20 teardown: line19()}\n\
        ---\n\
        name: three\n\
        target:\n\
        \x20 language: c\n\
        \x20 setup: !!str |\n\
        \x20   line25();\n\
        \x20 run: &run\n\
        \x20   |-\n\
        \x20   line28();\n\
        \x20 teardown: *run\n";
    for text in [
        text.to_owned(),
        text.replace('\n', "\r\n"),
        format!("\u{feff}{text}"),
    ] {
        let cases = read(&text);
        let lines = |case: &Case| {
            let code = snippet(case);
            let line = |code: &Option<Code>| code.as_ref().map_or(0, |code| code.line);
            [
                line(&code.prelude),
                line(&code.setup),
                code.run.line,
                line(&code.teardown),
            ]
        };
        assert_eq!(lines(&cases[0]), [6, 8, 11, 14]);
        assert_eq!(lines(&cases[1]), [0, 18, 18, 19]);
        assert_eq!(lines(&cases[2]), [0, 25, 28, 28]);
        assert_eq!(
            cases.iter().map(|case| case.line).collect::<Vec<_>>(),
            [2, 17, 21]
        );
    }
}

#[test]
fn a_new_case_of_every_language_is_accepted() {
    for language in Language::ALL {
        let cases = read(&template("first", language));
        assert_eq!(snippet(&cases[0]).language, language);
    }
}

#[test]
fn the_schema_in_the_docs_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/case.schema.json");
    if std::env::var_os("MEMCASE_BLESS").is_some() {
        std::fs::write(&path, schema::json()).expect("docs/ can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == schema::json(),
        "docs/case.schema.json is out of date; write it anew with\n  \
         MEMCASE_BLESS=1 cargo test --test case_files the_schema"
    );
}
