//! Errors point at the line of the case file.

use memcase::case::Language;

use crate::draft::{Draft, snippet};
use crate::lockstep::Target;
use crate::{C, CPP, NODE, PYTHON, RUST, SHELL};

/// Runs one turn that fails; its exit code, and its output with places translated.
fn fails(language: Language, parts: &[(&str, &str)]) -> String {
    let draft = snippet(language, parts);
    let launch = draft.prepare().unwrap();
    let mut target = Target::start(&launch, &[]).unwrap();
    assert!(!target.turns(1));
    let (code, output) = target.finish();
    assert_ne!(code, Some(0), "{output}");
    shown(&draft, &launch.source_map.translate(&output))
}

/// Output with the case file's folder left out.
fn shown(draft: &Draft, output: &str) -> String {
    output.replace(&format!("{}/", draft.folder.path().display()), "")
}

#[test]
fn syntax_errors_point_at_the_case_file() {
    for (language, parts, place) in [
        (
            PYTHON,
            [("setup", "x = 1"), ("run", "y = 2\nz = = 3")],
            "File \"case.yaml\", line 6",
        ),
        (
            NODE,
            [("setup", "let x = 1;"), ("run", "let y;\nlet = = 3;")],
            "case.yaml:6",
        ),
        (
            NODE,
            [("setup", "if (1) {"), ("run", "let y;")],
            "case.yaml:3",
        ),
        (
            SHELL,
            [("setup", "x=1"), ("run", "y=2\n)")],
            "case.yaml: 6:",
        ),
        (
            C,
            [("setup", "int x = 1;"), ("run", "int y;\nlet z = 3;")],
            "case.yaml:6:5: error",
        ),
        (
            CPP,
            [("prelude", "#include <no_such.h>"), ("run", "int y;")],
            "case.yaml:3:14: fatal error",
        ),
        (
            RUST,
            [
                ("setup", "let x = 1;"),
                ("run", "let y = 1;\nlet z: u8 = x + no_such;"),
            ],
            "--> case.yaml:6:21\n",
        ),
        (
            RUST,
            [("setup", "let x = {"), ("run", "let y = 1;")],
            "--> case.yaml:5:",
        ),
    ] {
        let draft = snippet(language, &parts);
        let output = shown(&draft, &draft.refused());
        assert!(output.contains(place), "{output}");
    }
}

#[test]
fn errors_at_run_time_point_at_the_case_file() {
    let output = fails(
        PYTHON,
        &[("setup", "def f():\n    1 / 0"), ("run", "x = 1\nf()")],
    );
    assert!(
        output.contains("File \"case.yaml\", line 7, in run\n    f()\n"),
        "{output}"
    );
    assert!(
        output.contains("File \"case.yaml\", line 4, in f\n"),
        "{output}"
    );
    assert!(!output.contains("python-"), "{output}");
    let output = fails(
        NODE,
        &[("setup", "const f = null;"), ("run", "let x = 1;\nf();")],
    );
    assert!(output.contains("case.yaml:6:5"), "{output}");
    let output = fails(
        RUST,
        &[("run", "let none: Option<u8> = None;\nnone.unwrap();")],
    );
    assert!(output.contains("case.yaml:4:10"), "{output}");
    let output = fails(
        C,
        &[
            ("prelude", "#include <assert.h>"),
            ("run", "assert(iteration);"),
        ],
    );
    assert!(output.contains("case.yaml:5: main: Assertion"), "{output}");
    let output = fails(NODE, &[("run", "await null; null.x;")]);
    assert!(output.contains("case.yaml:3:22"), "{output}");
    let output = fails(
        SHELL,
        &[
            ("setup", "x=1"),
            ("run", "y=2\nexit 3 || no_such; x=$((1 +))"),
        ],
    );
    assert!(output.is_empty(), "{output}");
    let output = fails(
        SHELL,
        &[("setup", "x=1"), ("run", "y=2\n: \"${no_such?is unset}\"")],
    );
    assert!(output.contains("case.yaml: 6:"), "{output}");
}
