//! Packages are installed once, by one run at a time, and what the tools say is passed on.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;

use crate::draft::{Draft, snippet};
use crate::lockstep::Target;
use memcase::case::Language;
use memcase::runtime::environments;

/// Cases that require a package, and what they print in the end.
fn cases() -> Vec<Draft> {
    let python = [
        ("setup", "import six"),
        ("run", "six.text_type(1)"),
        ("teardown", "print('used', six.__version__)"),
    ];
    let node = [
        (
            "setup",
            "const isNumber = require('is-number');\nconst { default: same } = await import('is-number');",
        ),
        (
            "run",
            "if (!isNumber(iteration) || same !== isNumber) throw new Error('not a number');",
        ),
        (
            "teardown",
            "console.log('used', require('is-number/package.json').version);",
        ),
    ];
    let rust = [
        (
            "setup",
            "let one = itoa::Buffer::new().format(1).to_owned();",
        ),
        ("run", "std::hint::black_box(&one);"),
        ("teardown", "println!(\"used {one}\");"),
    ];
    [
        (Language::Python, &python, "six==1.16.0"),
        (Language::Node, &node, "is-number@7.0.0"),
        (Language::Rust, &rust, "itoa@1"),
    ]
    .into_iter()
    .map(|(language, parts, package)| {
        let mut draft = snippet(language, parts);
        draft.tools().requires = vec![package.to_owned()];
        draft
    })
    .collect()
}

/// This test's own program, running `name` with a cache of its own.
fn again(name: &str, cache: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("environments::{name}"),
            "--ignored",
            "--nocapture",
        ])
        .env("MEMCASE_CACHE_DIR", cache)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn output(child: Child) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{text}");
    text.into_owned()
}

#[test]
fn two_runs_that_require_the_same_build_it_once() {
    let cache = tempfile::tempdir().unwrap();
    let both = [(); 2].map(|()| again("installs_and_uses_packages", cache.path()));
    let said = both.map(output).concat();
    for language in ["python", "node", "rust"] {
        let line = format!("progress: building {language} environment");
        assert_eq!(said.matches(&line).count(), 1, "{said}");
    }
    for line in ["used 1.16.0", "used 7.0.0", "used 1\n"] {
        assert_eq!(said.matches(line).count(), 2, "{said}");
    }
    let said = output(again("lists_and_cleans", cache.path()));
    assert!(said.contains("python [\"six==1.16.0\"] complete"), "{said}");
    let said = output(again("installs_and_uses_packages", cache.path()));
    assert_eq!(said.matches("progress: building").count(), 3, "{said}");
    let said = output(again("installs_and_uses_packages", cache.path()));
    assert_eq!(said.matches("progress: building").count(), 0, "{said}");
}

#[test]
#[ignore = "started by the test above in a process with its own cache"]
fn installs_and_uses_packages() {
    for draft in cases() {
        let told = Mutex::new(Vec::new());
        let progress = |what: &str| told.lock().unwrap().push(what.to_owned());
        let launch = memcase::runtime::prepare(&draft.case, draft.folder.path(), &progress);
        for what in told.into_inner().unwrap() {
            println!("progress: {what}");
        }
        let mut target = Target::start(&launch.unwrap(), &[]).unwrap();
        assert!(target.turns(3));
        let (code, output) = target.finish();
        assert_eq!(code, Some(0), "{output}");
        print!("{output}");
    }
}

#[test]
#[ignore = "started by the test above in a process with its own cache"]
fn lists_and_cleans() {
    for found in environments::list().unwrap() {
        let state = if found.complete { "complete" } else { "broken" };
        println!("{} {:?} {state}", found.language, found.requires);
        assert!(found.bytes > 1000, "{found:?}");
    }
    assert_eq!(environments::clean().unwrap().len(), 3);
    assert_eq!(environments::list().unwrap(), []);
}

#[test]
fn what_the_package_manager_says_is_passed_on() {
    let cache = tempfile::tempdir().unwrap();
    let said = output(again("refuses_what_cannot_be_installed", cache.path()));
    assert!(said.contains("pip install six==99.0.0 failed:"), "{said}");
    assert!(
        said.to_lowercase().contains("no matching distribution") || said.contains("unsatisfiable"),
        "{said}"
    );
    let left = std::fs::read_dir(cache.path().join("environments")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter()
            .all(|name| name.to_string_lossy().ends_with(".lock")),
        "{left:?}"
    );
}

#[test]
#[ignore = "started by the test above in a process with its own cache"]
fn refuses_what_cannot_be_installed() {
    let mut draft = snippet(Language::Python, &[("run", "pass")]);
    draft.tools().requires = vec!["six==99.0.0".to_owned()];
    println!("{}", draft.refused());
}

#[test]
fn packages_are_refused_where_a_language_has_none() {
    for (language, run) in [(Language::C, ";"), (Language::Shell, ":")] {
        let mut draft = snippet(language, &[("run", run)]);
        draft.tools().requires = vec!["six".to_owned()];
        assert!(draft.refused().contains("`requires`"));
    }
}
