//! Where the library is not loaded, and that this is said; and what else is loaded beside it.

use std::path::Path;

use memcase::runtime::Launch;
use memcase::trace::{Heap, Metric, Trace};
use tempfile::TempDir;

use crate::target::{Program, Target, can_compile, compile, launch, session, steady, steps};

const KEEPS: Program<'static> = Program {
    prelude: "",
    setup: "",
    body: "CHECK(malloc(100));",
};

/// The trace of a program that keeps 100 bytes a turn, built with these flags.
fn trace_of(compiler: &str, flags: &[&str]) -> Option<Trace> {
    if !can_compile(compiler, flags) {
        return None;
    }
    let folder = TempDir::new().unwrap();
    let built = compile(folder.path(), compiler, "program", &KEEPS.text(), flags);
    Some(session(&launch(&[built.to_str().unwrap()]), 5))
}

/// Holds that nothing was counted, for this reason, and resident memory was read.
fn assert_refused(trace: &Trace, why: &str) {
    let said = trace.header.uncounted.as_deref().expect("it says so");
    assert!(said.contains(why), "{said}");
    assert_eq!(
        (trace.header.heap, trace.header.live_complete),
        (Heap::None, false)
    );
    assert!(trace.get(Metric::Native).is_none() && trace.get(Metric::Mapped).is_none());
    assert_eq!(trace.get(Metric::Anon).expect("it is read").len(), 6);
}

#[test]
fn a_static_program_is_measured_without_and_says_so() {
    for flags in [["-static"], ["-static-pie"]] {
        if let Some(trace) = trace_of("gcc", &flags) {
            assert_refused(&trace, "linked statically");
        }
    }
}

#[test]
fn a_musl_program_is_measured_without_and_says_so() {
    if let Some(trace) = trace_of("musl-gcc", &[]) {
        assert_refused(&trace, "musl");
    }
    if let Some(trace) = trace_of("musl-gcc", &["-static"]) {
        assert_refused(&trace, "linked statically");
    }
}

#[test]
fn a_program_with_a_sanitizer_is_measured_without_and_says_so() {
    let address = "-fsanitize=address";
    for (flags, name) in [
        (vec![address], "AddressSanitizer"),
        (vec!["-fsanitize=leak"], "LeakSanitizer"),
        (vec![address, "-static-libasan"], "AddressSanitizer"),
        (vec![address, "-static-libasan", "-s"], "malloc of its own"),
    ] {
        if !can_compile("gcc", &flags) {
            continue;
        }
        let folder = TempDir::new().unwrap();
        let built = compile(folder.path(), "gcc", "program", &KEEPS.text(), &flags);
        let mut launch = launch(&[built.to_str().unwrap()]);
        let quiet = Some("detect_leaks=0".into());
        launch.env.insert("ASAN_OPTIONS".into(), quiet.clone());
        launch.env.insert("LSAN_OPTIONS".into(), quiet);
        assert_refused(&session(&launch, 5), name);
    }
}

#[test]
fn a_program_with_its_own_allocator_is_measured_without_and_says_so() {
    let folder = TempDir::new().unwrap();
    // A bump allocator in the place of malloc, and one that a program calls by a name of its own.
    let own = "static char heap[1 << 24]; static size_t used;
        void *malloc(size_t n) { void *p = heap + used; used += n + 15 & ~15UL; return p; }
        void free(void *p) {} void *calloc(size_t n, size_t m) { return malloc(n * m); }
        void *realloc(void *p, size_t n) { return p ? memcpy(malloc(n), p, n) : malloc(n); }";
    let other = "void *_rjem_malloc(size_t n) { static char heap[1 << 24]; return heap; }";
    for (prelude, flags, why) in [
        (own, &[][..], "malloc of its own"),
        (own, &["-s"], "malloc of its own"),
        (other, &[], "jemalloc"),
    ] {
        let program = Program { prelude, ..KEEPS };
        let built = compile(folder.path(), "gcc", "program", &program.text(), flags);
        let link = folder.path().join(why.replace(' ', "-") + &flags.concat());
        std::fs::rename(&built, &link).unwrap();
        assert_refused(&session(&launch(&[link.to_str().unwrap()]), 5), why);
    }
}

#[test]
fn a_sanitizer_keeps_the_c_librarys_own_counters_from_being_complete() {
    // As a C case is launched: its driver reads mallinfo2, of which the sanitizer's blocks are no part.
    let flags = ["-fsanitize=address"];
    if !can_compile("gcc", &flags) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let built = compile(folder.path(), "gcc", "program", &KEEPS.text(), &flags);
    let launch = Launch {
        heap: Heap::Malloc,
        live_complete: true,
        ..launch(&[built.to_str().unwrap()])
    };
    let mut launch = launch;
    launch
        .env
        .insert("ASAN_OPTIONS".into(), Some("detect_leaks=0".into()));
    assert!(!session(&launch, 5).header.live_complete);
}

#[test]
fn a_32_bit_program_is_measured_without_and_says_so() {
    if let Some(trace) = trace_of("gcc", &["-m32"]) {
        assert_refused(&trace, "64-bit");
    }
}

#[test]
fn a_go_program_is_known_by_its_section_as_malloc_does_not_see_its_heap() {
    let folder = TempDir::new().unwrap();
    let marked = Program {
        prelude: "__attribute__((section(\".go.buildinfo\"))) char mark[16] = \"\\xff Go buildinf:\";",
        ..KEEPS
    };
    let built = compile(folder.path(), "gcc", "program", &marked.text(), &[]);
    assert_refused(&session(&launch(&[built.to_str().unwrap()]), 5), "Go");
}

#[test]
fn a_case_can_switch_it_off() {
    let folder = TempDir::new().unwrap();
    let built = compile(folder.path(), "gcc", "program", &KEEPS.text(), &[]);
    let mut launch = launch(&[built.to_str().unwrap()]);
    launch.env.insert("LD_PRELOAD".into(), None);
    assert_refused(&session(&launch, 5), "the case removes LD_PRELOAD");
}

/// A library that tells of itself when it is loaded, and in the place of `getuid`.
fn library(folder: &Path) -> String {
    let text = "#include <stdlib.h>\n#include <unistd.h>\n\
                static void *early[100];\n\
                __attribute__((constructor)) static void begin(void) {\n\
                for (int k = 0; k < 100; k++) early[k] = malloc(100);\n\
                write(1, \"other library loaded\\n\", 21); }\n\
                void give_back(void) { for (int k = 0; k < 100; k++) { free(early[k]); early[k] = 0; } }\n\
                void *keep(void) { return malloc(200); }\n\
                uid_t getuid(void) { return 4321; }\n";
    compile(folder, "gcc", "libother.so", text, &["-shared", "-fPIC"])
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn what_is_preloaded_already_stays_and_still_works() {
    let folder = TempDir::new().unwrap();
    let other = library(folder.path());
    let program = Program {
        body: "CHECK(getuid() == 4321); CHECK(malloc(100));",
        ..Program::default()
    };
    let built = compile(folder.path(), "gcc", "program", &program.text(), &[]);
    let mut launch = launch(&[built.to_str().unwrap()]);
    launch.env.insert("LD_PRELOAD".into(), Some(other.into()));
    let mut target = Target::start(&launch, folder);
    target.turn();
    assert_eq!(target.changes(5), [(112, 1); 5]);
    let output = target.end();
    assert_eq!(output, "other library loaded");
}

#[test]
fn what_libraries_allocate_before_main_is_counted_and_can_be_given_back() {
    let folder = TempDir::new().unwrap();
    let other = library(folder.path());
    let program = Program {
        prelude: "void give_back(void); void *keep(void);",
        body: "if (i == 1) give_back(); CHECK(keep());",
        ..Program::default()
    };
    let built = compile(folder.path(), "gcc", "program", &program.text(), &[&other]);
    let mut target = Target::start(&launch(&[built.to_str().unwrap()]), folder);
    target.turn();
    assert_eq!(
        target.changes(3),
        [(208 - 100 * 112, 1 - 100), (208, 1), (208, 1)]
    );
    assert!(target.folder().exists());
    target.end();
}

#[test]
fn libraries_loaded_later_are_counted() {
    let folder = TempDir::new().unwrap();
    let other = library(folder.path());
    let program = Program {
        prelude: "#include <dlfcn.h>\nstatic void *(*keep)(void);",
        setup: &format!(
            "void *library = dlopen(\"{other}\", RTLD_NOW); CHECK(library); CHECK(keep = dlsym(library, \"keep\"));"
        ),
        body: &format!(
            "CHECK(keep()); void *again = dlopen(\"{other}\", RTLD_NOW); CHECK(again); CHECK(!dlclose(again));"
        ),
    };
    let built = compile(folder.path(), "gcc", "program", &program.text(), &["-ldl"]);
    assert_eq!(
        steady(Target::start(&launch(&[built.to_str().unwrap()]), folder)),
        (208, 1)
    );
}

#[test]
fn another_allocator_that_is_linked_in_is_counted_as_it_rounds() {
    let flags = ["-Wl,--no-as-needed", "-ljemalloc"];
    if !can_compile("gcc", &flags) {
        return;
    }
    assert_eq!(steady(Target::built(KEEPS, "gcc", &flags)), (112, 1));
    let returned = Program {
        body: "free(malloc(100)); char *p = realloc(malloc(10), 5000); CHECK(p); free(p);
               CHECK(!posix_memalign((void **) &p, 64, 100)); free(p);",
        ..Program::default()
    };
    assert_eq!(steady(Target::built(returned, "gcc", &flags)), (0, 0));
    let trace = trace_of("gcc", &flags).unwrap();
    assert_eq!(steps(&trace, Metric::Native), [112; 4]);
    let library = trace.header.private_allocator.expect("it is noted");
    assert!(library.contains("jemalloc"), "{library}");
}

#[test]
fn children_that_cannot_have_the_library_do_their_work() {
    let folder = TempDir::new().unwrap();
    let mut commands = vec![
        "env -i /bin/true".to_owned(),
        "env LD_PRELOAD= /bin/true".to_owned(),
    ];
    for (k, (compiler, flags)) in [
        ("gcc", vec!["-static"]),
        ("gcc", vec!["-m32"]),
        ("musl-gcc", vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        if can_compile(compiler, &flags) {
            let text = "#include <stdlib.h>\nint main(void) { return !malloc(100); }\n";
            let name = format!("child{k}");
            let built = compile(folder.path(), compiler, &name, text, &flags);
            commands.push(built.to_str().unwrap().to_owned());
        }
    }
    let run = format!("CHECK(!system(\"{}\"));", commands.join(" && "));
    let program = Program {
        body: &format!("{run} CHECK(malloc(100));"),
        ..Program::default()
    };
    assert_eq!(steady(Target::of(program)), (112, 1));
}
