//! Where blocks that stay were asked for: the line of the case first, with the exact bytes.

use std::time::Instant;

use memcase::case::file::parse;
use memcase::explain::{Findings, Owner, Surroundings, native_findings};
use memcase::measure::{Session, SessionOptions};
use memcase::runtime::prepare;
use tempfile::TempDir;

use crate::target::PATIENCE;

const WARM_UP: u64 = 10;
pub(crate) const HALF: u64 = 20;

/// Runs a case under the tracer of call paths, over a window.
pub(crate) fn traced(case: &str) -> Findings {
    try_traced(case).unwrap()
}

pub(crate) fn try_traced(case: &str) -> Result<Findings, String> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("case.yaml");
    std::fs::write(&file, case).unwrap();
    let case = parse(case.as_bytes(), &file, "case").unwrap().remove(0);
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let mut launch = prepare(&case, &work, &|_| ()).unwrap();
    launch.traces_stacks = true;
    let options = SessionOptions {
        case: "test".to_owned(),
        process: 1,
        timeout: PATIENCE,
        growth_cap: u64::MAX,
        horizon: 100,
        collect: true,
        trim: true,
        batch: 1,
        children: false,
        memory: None,
        log: folder.path().join("log"),
    };
    let mut session = Session::start(&launch, options).unwrap();
    for to in [WARM_UP, WARM_UP + HALF, WARM_UP + 2 * HALF] {
        let until = Instant::now() + PATIENCE;
        session.advance(to, until, &mut |_, _| {}).unwrap();
        session.mark()?;
    }
    let traced = session.traced()?;
    let finished = session.finish();
    assert_eq!(finished.broken, None, "{}", finished.output);
    Ok(native_findings(&traced, &Surroundings::of(&case, &launch)))
}

/// The innermost place of the largest site that is not the language's own: file name, line, function; and the
/// bytes an iteration.
pub(crate) fn first(findings: &Findings) -> (String, u32, String, f64) {
    let site = findings
        .sites
        .first()
        .unwrap_or_else(|| panic!("{findings:?}"));
    let place = site
        .stack
        .iter()
        .find(|place| place.owner != Owner::Language);
    let place = place.unwrap_or_else(|| panic!("{site:?}"));
    let file = place.file.rsplit('/').next().unwrap_or_default();
    let bytes = (site.bytes.0 + site.bytes.1) as f64 / (findings.to - findings.from) as f64;
    (file.to_owned(), place.line, place.function.clone(), bytes)
}

#[track_caller]
fn is_named(case: &str, line: u32, function: &str, bytes: f64) {
    let findings = traced(case);
    let (file, found, name, rate) = first(&findings);
    assert_eq!((&*file, found), ("case.yaml", line), "{findings:#?}");
    assert_eq!((&*name, rate), (function, bytes), "{findings:#?}");
    assert_eq!(findings.notes, [""; 0]);
}

#[test]
fn the_line_of_a_c_case_is_named_with_its_bytes() {
    let case = "\
target:
  language: c
  run: |
    free(malloc(500));
    char *kept =
      malloc(100);
    kept[0] = 1;
";
    is_named(case, 6, "main", 112.0);
}

#[test]
fn a_function_of_a_cpp_case_is_named_and_not_the_library_below_it() {
    let case = "\
target:
  language: cpp
  prelude: |
    #include <map>
    #include <string>
    struct Names {
      std::map<long, std::string> all;
      void add(long number) {
        all[number] = std::string(200, 'x');
      }
    };
    static Names names;
  run: |
    names.add(iteration);
";
    let findings = traced(case);
    let total: i64 = findings
        .sites
        .iter()
        .map(|site| site.bytes.0 + site.bytes.1)
        .sum();
    // A node of the tree and the text.
    assert_eq!(total / 2 / HALF as i64, 80 + 224, "{findings:#?}");
    let (file, line, function, _) = first(&findings);
    assert_eq!((&*file, line), ("case.yaml", 9));
    assert!(function.starts_with("Names::add"), "{function}");
}

#[test]
fn the_line_of_a_rust_case_is_named_with_its_bytes() {
    let case = "\
target:
  language: rust
  prelude: |
    fn intern(text: &str) -> &'static str {
        Box::leak(text.to_owned().into_boxed_str())
    }
  run: |
    intern(&\"y\".repeat(100));
";
    is_named(case, 5, "case::intern", 112.0);
}
