//! Made-up machines, and what is said of each.

use std::path::PathBuf;

use super::*;
use crate::analysis::VerdictKind;
use crate::case::Language;
use crate::measure::kernel::Kernel;

/// A machine on which all works, with one language.
fn good() -> Facts {
    let measured = |verdict, slope| Measured {
        verdict: Some(verdict),
        slope: Some(slope),
        detection_limit: Some(6.25),
        ..Measured::default()
    };
    Facts {
        machine: Machine {
            kernel: "6.1".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 4,
            memory: 8 << 30,
            memory_limit: None,
            page: 4096,
            c_library: Some("glibc 2.36".to_owned()),
        },
        kernel: Kernel {
            statm_exact: Some(true),
            huge_pages: Some("madvise".to_owned()),
            ptrace_scope: Some(1),
            random_addresses: Some(true),
            cgroup: Some(2),
            swap: Some(0),
            ..Kernel::default()
        },
        library: Some(Library {
            language: Some(Language::C),
            counted: Some(Counted {
                iterations: 56,
                least: 80,
                most: 80,
            }),
            ..Library::default()
        }),
        folders: vec![Folder {
            kind: FolderKind::Artifacts,
            path: PathBuf::from(".memcase"),
            refused: None,
            free: Some(1 << 40),
        }],
        languages: vec![Installed {
            language: Language::Node,
            program: Some(PathBuf::from("/bin/node")),
            missing: None,
            runtime: Some("Node.js 20".to_owned()),
            broken: None,
            trial: Some(Trial {
                leaked: 64,
                leak: measured(VerdictKind::Leak, 80.0),
                null: measured(VerdictKind::Stable, 0.0),
                turn_micros: Some(12.4),
            }),
        }],
        tools: Vec::new(),
    }
}

/// What is said of the machine with one thing changed.
fn said(change: impl FnOnce(&mut Facts), name: &str) -> (Status, String, Option<String>) {
    let mut facts = good();
    change(&mut facts);
    let diagnosis = diagnose(facts);
    let found = diagnosis.findings.iter().find(|one| one.name == name);
    let found = found.unwrap_or_else(|| panic!("nothing of {name}"));
    let bad = found.status == Status::Problem;
    assert_eq!(diagnosis.ok, !bad, "one thing alone was changed");
    assert_eq!(diagnosis.problems, usize::from(bad));
    (found.status, found.text.clone(), found.remedy.clone())
}

fn refused() -> String {
    "permission denied".to_owned()
}

#[test]
fn a_good_machine_has_neither_problems_nor_notes() {
    let diagnosis = diagnose(good());
    assert!(diagnosis.ok && diagnosis.notes == 0, "{diagnosis:?}");
    let node = diagnosis.findings.last().unwrap();
    assert_eq!(
        node.text,
        "Node.js 20 (/bin/node): a leak of 64 B is found (+80.0 B/iter), and doing nothing is stable; 6.2 B would have \
         been seen; an empty iteration takes 12 µs"
    );
}

#[test]
fn what_memcase_needs_is_a_problem_with_a_remedy() {
    type Change = fn(&mut Facts);
    let bad: [(&str, Change, &str); 7] = [
        ("anonymous", |f| f.kernel.statm_exact = None, "mount /proc"),
        (
            "anonymous",
            |f| {
                f.kernel.statm_exact = Some(false);
                f.kernel.walk_refused = Some(refused());
            },
            "another kernel",
        ),
        (
            "peaks",
            |f| f.kernel.peak_refused = Some(refused()),
            "/proc",
        ),
        (
            "allocator",
            |f| f.library.as_mut().unwrap().count_refused = Some(refused()),
            "LD_PRELOAD",
        ),
        (
            "allocator",
            |f| f.library.as_mut().unwrap().counted.as_mut().unwrap().most = 96,
            "report",
        ),
        (
            "artifacts",
            |f| f.folders[0].refused = Some(refused()),
            "MEMCASE_DIR",
        ),
        (
            "node",
            |f| f.languages[0].broken = Some(refused()),
            "reinstall",
        ),
    ];
    for (name, change, remedy) in bad {
        let (status, text, told) = said(change, name);
        assert_eq!(status, Status::Problem, "{text}");
        assert!(told.unwrap().contains(remedy), "{text}");
    }
}

#[test]
fn what_can_be_done_without_is_a_note_with_a_remedy() {
    type Change = fn(&mut Facts);
    let poor: [(&str, Change, &str); 8] = [
        (
            "huge-pages",
            |f| f.kernel.huge_pages = Some("always".to_owned()),
            "madvise",
        ),
        (
            "tracing",
            |f| f.kernel.ptrace_scope = Some(2),
            "sysctl kernel.yama",
        ),
        ("tracing", |f| f.kernel.ptrace_scope = Some(3), "restart"),
        (
            "caps",
            |f| {
                f.kernel.cgroup = Some(1);
                f.kernel.group_refused = Some(refused());
            },
            "Delegate",
        ),
        ("anonymous", |f| f.kernel.statm_exact = Some(false), "6.2"),
        (
            "addresses",
            |f| f.kernel.random_addresses = Some(false),
            "setarch",
        ),
        (
            "artifacts",
            |f| f.folders[0].free = Some(1 << 20),
            "free some space",
        ),
        ("c-library", |f| f.machine.c_library = None, "glibc"),
    ];
    for (name, change, remedy) in poor {
        let (status, text, told) = said(change, name);
        assert_eq!(status, Status::Note, "{text}");
        assert!(told.unwrap().contains(remedy), "{text}");
    }
}

#[test]
fn a_language_that_is_missing_is_a_note_that_says_how_to_install_it() {
    let missing = "Node cases need `node`, which was not found: install Node.js 18 or later";
    let (status, text, remedy) = said(
        |f| f.languages[0].missing = Some(missing.to_owned()),
        "node",
    );
    assert_eq!(status, Status::Note);
    assert_eq!(text, "Node cases need `node`, which was not found");
    assert_eq!(remedy.as_deref(), Some("install Node.js 18 or later"));
}

#[test]
fn a_wrong_verdict_is_a_problem_and_an_open_one_a_note() {
    let with = |leak, null, limit| {
        let change = move |facts: &mut Facts| {
            let trial = facts.languages[0].trial.as_mut().unwrap();
            trial.leak.verdict = leak;
            trial.null.verdict = null;
            trial.leak.detection_limit = Some(limit);
        };
        said(change, "node").0
    };
    let (leak, stable) = (Some(VerdictKind::Leak), Some(VerdictKind::Stable));
    let open = Some(VerdictKind::Inconclusive);
    assert_eq!(with(leak, stable, 6.0), Status::Ok);
    assert_eq!(with(leak, leak, 6.0), Status::Problem);
    assert_eq!(with(stable, stable, 6.0), Status::Problem);
    // It said itself that so small a leak would not have been seen.
    assert_eq!(with(stable, stable, 200.0), Status::Note);
    assert_eq!(with(open, stable, 6.0), Status::Note);
    assert_eq!(with(leak, open, 6.0), Status::Note);
    assert_eq!(with(None, stable, 6.0), Status::Problem);
}
