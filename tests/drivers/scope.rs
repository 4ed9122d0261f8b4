//! What each part of a case sees, and the kinds of code that it can hold.

use std::ffi::OsStr;

use memcase::case::Language;

use crate::draft::{file, is_here, snippet};
use crate::lockstep::{HEAP, MALLOC, Target};
use crate::{C, CPP, NODE, PYTHON, RUST, SHELL};

/// Three lines that a language writes: from its set-up, two iterations and its teardown.
fn says(language: Language, parts: &[(&str, &str)], expected: &str) {
    let mut target = snippet(language, parts).start();
    assert!(target.turns(2));
    let (code, output) = target.finish();
    assert_eq!((code, output.as_str()), (Some(0), expected), "{parts:?}");
}

#[test]
fn names_of_setup_are_seen_and_names_of_run_are_local() {
    says(
        PYTHON,
        &[
            ("setup", "total = 10\nimport sys\nclass A: pass"),
            (
                "run",
                "total += iteration + 1\nfresh = A()\nassert 'fresh' not in globals()",
            ),
            ("teardown", "print(total, 'fresh' in globals())"),
        ],
        "13 False\n",
    );
    says(
        NODE,
        &[
            ("setup", "let total = 10;\nconst fs = require('fs');"),
            ("run", "total += iteration + 1; let fresh = 1;"),
            (
                "teardown",
                "console.log(total, typeof fresh, typeof fs.readSync);",
            ),
        ],
        "13 undefined function\n",
    );
    for language in [C, CPP] {
        says(
            language,
            &[
                (
                    "prelude",
                    "#include <math.h>\nstatic long more(long n) { return n + 1; }",
                ),
                ("setup", "long total = 10; char word[] = \"seen\";"),
                (
                    "run",
                    "total += more(iteration); if (iteration) break; total += 0;",
                ),
                ("teardown", "printf(\"%ld %s\\n\", total, word);"),
            ],
            "13 seen\n",
        );
    }
    says(
        RUST,
        &[
            (
                "prelude",
                "#![allow(dead_code)]\nfn more(n: u64) -> u64 { n + 1 }",
            ),
            (
                "setup",
                "let mut total = 10;\nuse std::collections::BTreeMap;",
            ),
            (
                "run",
                "total += more(iteration);\nBTreeMap::from([(total, 1)])",
            ),
            ("teardown", "println!(\"{total}\");"),
        ],
        "13\n",
    );
    says(
        SHELL,
        &[
            ("setup", "total=10"),
            ("run", "total=$((total + iteration + 1))"),
            ("teardown", "echo $total"),
        ],
        "13\n",
    );
}

#[test]
fn await_works_in_every_part() {
    says(
        PYTHON,
        &[
            (
                "setup",
                "import asyncio\nawait asyncio.sleep(0)\nseen = set()",
            ),
            (
                "run",
                "await asyncio.sleep(0)\nseen.add(asyncio.get_running_loop())",
            ),
            ("teardown", "await asyncio.sleep(0)\nprint(len(seen))"),
        ],
        "1\n",
    );
    says(
        NODE,
        &[
            ("setup", "let n = await Promise.resolve(1);"),
            (
                "run",
                "await new Promise(r => setTimeout(r, 1)); n += await 1;",
            ),
            ("teardown", "console.log(await n);"),
        ],
        "3\n",
    );
}

#[test]
fn a_python_body_that_no_function_can_hold_runs_at_module_level() {
    says(
        PYTHON,
        &[
            ("run", "from math import *\nlast = floor(iteration + .5)"),
            ("teardown", "print(last)"),
        ],
        "1\n",
    );
}

#[test]
fn what_python_code_defines_can_be_sent_to_another_process() {
    says(
        PYTHON,
        &[
            ("setup", "import pickle\ndef double(x): return 2 * x"),
            (
                "run",
                "again = pickle.loads(pickle.dumps(double))(iteration)",
            ),
            (
                "teardown",
                "print(again if 'again' in globals() else 'local')",
            ),
        ],
        "local\n",
    );
}

#[test]
fn a_bash_array_declared_in_setup_is_seen_in_run() {
    let mut draft = snippet(
        SHELL,
        &[
            ("setup", "declare -a seen=()"),
            ("run", "local word=x; seen+=(\"$word\")"),
            ("teardown", "echo ${#seen[@]}"),
        ],
    );
    draft.tools().interpreter = Some("bash".to_owned());
    let mut target = draft.start();
    assert!(target.turns(3));
    assert_eq!(target.finish(), (Some(0), "3\n".to_owned()));
}

#[test]
fn a_file_beside_the_case_can_hold_the_code() {
    for (language, name, text) in [
        (
            PYTHON,
            "target.py",
            "n = 0\ndef run(iteration):\n    global n\n    n += iteration\n\
             def teardown():\n    print(n)\n",
        ),
        (
            PYTHON,
            "other.py",
            "async def setup():\n    global n\n    n = 0\n\
             async def run():\n    global n\n    n += 1\n\
             def teardown():\n    print(n)\n",
        ),
        (
            NODE,
            "target.cjs",
            "let n = 0; exports.run = (iteration) => { n += iteration; };\n\
             exports.teardown = () => console.log(n);\n",
        ),
        (
            NODE,
            "target.mjs",
            "let n; export async function setup() { n = 0; }\n\
             export async function run(iteration) { n += iteration; }\n\
             export function teardown() { console.log(n); }\n",
        ),
        (
            C,
            "target.c",
            "static long n;\nvoid run(long iteration) { n += iteration; }\n\
             void teardown(void) { printf(\"%ld\\n\", n); }\n",
        ),
        (
            CPP,
            "target.cpp",
            "#include <iostream>\nstatic long n;\nvoid setup() { n = 0; }\n\
             void run(long iteration) { n += iteration; }\n\
             void teardown() { std::cout << n << std::endl; }\n",
        ),
        (
            RUST,
            "target.rs",
            "use std::sync::atomic::{AtomicU64, Ordering::SeqCst};\n\
             static N: AtomicU64 = AtomicU64::new(0);\n\
             fn run(iteration: u64) { N.fetch_add(iteration, SeqCst); }\n\
             pub fn teardown() { println!(\"{}\", N.load(SeqCst)); }\n",
        ),
        (
            SHELL,
            "target.sh",
            "setup() { n=0; }\nrun() { n=$((n + $1)); }\nteardown() { echo $n; }\n",
        ),
    ] {
        let mut target = file(language, name, text).start();
        assert!(target.turns(3));
        let (code, output) = target.finish();
        assert_eq!((code, output.as_str()), (Some(0), "3\n"), "{name}");
    }
}

#[test]
fn a_batch_runs_several_iterations_in_one_turn() {
    for (language, teardown) in [
        (PYTHON, "print(seen)"),
        (NODE, "console.log(seen);"),
        (C, "printf(\"%d\\n\", seen);"),
        (RUST, "println!(\"{seen}\");"),
        (SHELL, "echo $seen"),
    ] {
        let (setup, run) = match language {
            PYTHON => ("seen = 0", "seen += iteration"),
            NODE => ("let seen = 0;", "seen += iteration;"),
            C => ("int seen = 0;", "seen += iteration;"),
            RUST => ("let mut seen = 0;", "seen += iteration"),
            _ => ("seen=0", "seen=$((seen + iteration))"),
        };
        let draft = snippet(
            language,
            &[("setup", setup), ("run", run), ("teardown", teardown)],
        );
        let launch = draft.prepare().unwrap();
        let mut target = Target::start(&launch, &[("MEMCASE_BATCH", "5")]).unwrap();
        assert!(target.turns(2));
        if language == SHELL {
            assert_eq!(target.finish(), (Some(0), "45\n".to_owned()));
            continue;
        }
        assert_eq!(target.read().iterations, 10);
        assert!(target.double() && target.turns(1));
        assert_eq!(target.read().iterations, 20);
        assert_eq!(target.finish(), (Some(0), "190\n".to_owned()));
    }
}

#[test]
fn a_signal_of_the_snippet_does_not_end_its_loop() {
    let c = "#include <signal.h>\n#include <unistd.h>\nstatic void tick(int n) { (void)n; }";
    let rust = "unsafe extern \"C\" {\n fn signal(n: i32, f: extern \"C\" fn(i32)) -> usize;\n\
                fn siginterrupt(n: i32, on: i32) -> i32;\n\
                fn ualarm(at: u32, every: u32) -> u32;\n}\n\
                extern \"C\" fn tick(_: i32) {}";
    let start = "signal(SIGALRM, tick); siginterrupt(SIGALRM, 1); ualarm(200, 200);";
    let start_rust = "unsafe { signal(14, tick); siginterrupt(14, 1); ualarm(200, 200); }";
    for (language, prelude, setup) in [(C, c, start), (CPP, c, start), (RUST, rust, start_rust)] {
        let parts = [("prelude", prelude), ("setup", setup), ("run", ";")];
        let mut target = snippet(language, &parts).start();
        assert!(target.turns(2_000), "{language:?}");
        let (code, output) = target.finish();
        assert_eq!(code, Some(0), "{language:?}: {output}");
    }
}

#[test]
fn a_missing_interpreter_is_said_without_starting_anything() {
    for language in Language::ALL {
        let mut draft = snippet(language, &[("run", "1")]);
        if is_here(language) {
            assert_eq!(memcase::runtime::missing(&draft.case), None);
        }
        draft.tools().interpreter = Some("no-such-interpreter".to_owned());
        let reason = memcase::runtime::missing(&draft.case).unwrap();
        assert!(reason.contains("`no-such-interpreter`"), "{reason}");
        assert_eq!(draft.refused(), reason);
    }
}

#[test]
fn a_working_folder_that_is_not_there_is_named() {
    for language in Language::ALL {
        let mut draft = snippet(language, &[("run", "1")]);
        draft.case.target.cwd = Some("no-such-folder".into());
        let reason = draft.refused();
        assert!(
            reason.contains("`target.cwd` is `no-such-folder`"),
            "{reason}"
        );
    }
}

#[test]
fn a_clean_environment_holds_what_the_case_and_memcase_set() {
    let mut draft = snippet(
        PYTHON,
        &[
            ("setup", "import os"),
            ("run", "pass"),
            (
                "teardown",
                "print(os.environ.get('PATH'), os.environ['WORD'])",
            ),
        ],
    );
    draft.case.target.clean_env = true;
    let set = [("WORD", Some("x".to_owned())), ("NOT_THIS", None)];
    draft.case.target.env = set.map(|(name, value)| (name.to_owned(), value)).into();
    let launch = draft.prepare().unwrap();
    assert!(launch.clean_env);
    let names: Vec<_> = launch
        .env
        .keys()
        .map(|name| name.to_string_lossy())
        .collect();
    assert_eq!(names, ["NOT_THIS", "WORD"]);
    assert_eq!(
        launch.uncounted_env.get(OsStr::new("GLIBC_TUNABLES")),
        Some(&"glibc.malloc.tcache_count=0".into())
    );
}

#[test]
fn without_pymalloc_the_c_allocator_counts_everything() {
    let mut draft = snippet(
        PYTHON,
        &[
            ("setup", "kept = [None] * 1000"),
            ("run", "kept[iteration] = bytes(40)"),
        ],
    );
    let value = Some("malloc".to_owned());
    draft.case.target.env = [("PYTHONMALLOC".to_owned(), value)].into();
    assert!(draft.prepare().unwrap().live_complete);
    let mut target = draft.start();
    assert!(target.turns(5));
    let early = target.read();
    assert_eq!(early.flags & (HEAP | MALLOC), MALLOC);
    assert!(target.turns(500));
    // 33 bytes of head, 40 of content and 8 of the chunk, in steps of 16; a chunk can be
    // a step larger where a free one is not worth splitting.
    let grown = target.read().live() - early.live();
    assert!((500 * 96..500 * 100).contains(&grown), "{grown}");
}
