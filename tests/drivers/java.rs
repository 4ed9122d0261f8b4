//! Java: scope, places, counters on and off the heap, and the driver's own loop.

use crate::JAVA;
use crate::draft::{Draft, file, is_here, snippet};
use crate::lockstep::{COLLECTS, EXTERNAL, FULL, HEAP, Target};

/// Keeps classes of loaders of their own: metadata outside the heap.
const CLASS_LOADERS: [(&str, &str); 3] = [
    (
        "prelude",
        "import java.lang.reflect.Proxy;\nimport java.net.URLClassLoader;\nimport java.util.*;",
    ),
    ("setup", "List<Object> kept = new ArrayList<>();"),
    (
        "run",
        "ClassLoader loader = new URLClassLoader(new java.net.URL[0]);\n\
         kept.add(Proxy.newProxyInstance(loader, new Class<?>[] {Runnable.class}, (a, b, c) -> null));",
    ),
];
const BUFFERS: [(&str, &str); 3] = [
    ("prelude", "import java.nio.ByteBuffer;"),
    ("setup", "ByteBuffer[] kept = new ByteBuffer[5000];"),
    (
        "run",
        "kept[iteration] = ByteBuffer.allocateDirect(10_000);",
    ),
];

fn shown(draft: &Draft, output: &str) -> String {
    output.replace(&format!("{}/", draft.folder.path().display()), "")
}

#[test]
fn the_prelude_holds_imports_and_members_and_setup_is_seen_in_run() {
    if !is_here(JAVA) {
        return;
    }
    let parts = [
        (
            "prelude",
            "import java.util.*;\n\nstatic int more(int n) { return n + 1; }\nclass A {}\nint calls;",
        ),
        (
            "setup",
            "int total = 10;\nList<A> seen = new ArrayList<>();",
        ),
        (
            "run",
            "total += more(iteration); seen.add(new A()); calls++;\n\
             Runnable closure = () -> System.out.println(iteration);\n\
             if (iteration == 0) continue;\nclosure.run();",
        ),
        (
            "teardown",
            "System.out.println(total + \" \" + seen.size() + \" \" + calls);",
        ),
    ];
    let draft = snippet(JAVA, &parts);
    let mut target = draft.start();
    assert!(target.turns(2));
    assert_eq!(target.finish(), (Some(0), "1\n13 2 2\n".to_owned()));
}

#[test]
fn a_batch_runs_several_iterations_in_one_turn() {
    if !is_here(JAVA) {
        return;
    }
    let parts = [
        ("setup", "int n = 0;"),
        ("run", "n += iteration; if (n > 0) break;"),
        ("teardown", "System.out.println(n);"),
    ];
    let draft = snippet(JAVA, &parts);
    let launch = draft.prepare().unwrap();
    let mut target = Target::start(&launch, &[("MEMCASE_BATCH", "5")]).unwrap();
    assert!(target.turns(2));
    assert_eq!(target.read().iterations, 10);
    assert!(target.double() && target.turns(1));
    assert_eq!(target.finish(), (Some(0), "190\n".to_owned()));
}

#[test]
fn a_class_beside_the_case_can_hold_the_code() {
    if !is_here(JAVA) {
        return;
    }
    let whole = "public class Target {\n  static int n;\n  static void setup() { n = 0; }\n\
                 static void run(int iteration) { n += iteration; }\n\
                 public static void teardown() { System.out.println(n); }\n}\n";
    let plain = "class Plain {\n  static int n;\n  private static int run() { return ++n; }\n\
                 static void teardown() { System.out.println(n); }\n}\n";
    for (name, text) in [("Target.java", whole), ("Plain.java", plain)] {
        let draft = file(JAVA, name, text);
        let mut target = draft.start();
        assert!(target.turns(3), "{}", target.output());
        assert_eq!(target.finish(), (Some(0), "3\n".to_owned()));
    }
    let none = file(JAVA, "None.java", "class None {}\n").refused();
    assert!(
        none.contains("the class None has no method `static void run(int)`"),
        "{none}"
    );
}

#[test]
fn errors_point_at_the_case_file() {
    if !is_here(JAVA) {
        return;
    }
    for (parts, place) in [
        (
            [("setup", "int x = 1;"), ("run", "int y;\nint z = = 3;")],
            "case.yaml:6: error",
        ),
        (
            [("setup", "int x = no;"), ("run", "int y;")],
            "case.yaml:3: error",
        ),
        (
            [
                ("prelude", "import java.util.*;\nNone f() {}"),
                ("run", "int y;"),
            ],
            "case.yaml:4: error",
        ),
    ] {
        let draft = snippet(JAVA, &parts);
        let output = shown(&draft, &draft.refused());
        assert!(output.contains(place), "{output}");
    }
    let parts = [
        (
            "prelude",
            "void f() {\n  throw new IllegalStateException(\"no more\"); }",
        ),
        ("run", "int x = 1;\nf();"),
    ];
    let draft = snippet(JAVA, &parts);
    let launch = draft.prepare().unwrap();
    let mut target = Target::start(&launch, &[]).unwrap();
    assert!(!target.turns(1));
    let (code, output) = target.finish();
    assert_eq!(code, Some(1));
    let output = shown(&draft, &launch.source_map.translate(&output));
    for place in ["no more", "f(case.yaml:4)", "memcase(case.yaml:7)"] {
        assert!(output.contains(place), "{place}: {output}");
    }
    assert!(!output.contains("Memcase."), "{output}");
}

#[test]
fn flags_go_to_the_machine_and_a_class_path_to_the_compiler_too() {
    if !is_here(JAVA) {
        return;
    }
    let mut draft = snippet(
        JAVA,
        &[
            ("run", "Beside.n += iteration;"),
            (
                "teardown",
                "System.out.println(Beside.n + \" \" + System.getProperty(\"word\"));",
            ),
        ],
    );
    let library = draft.folder.path().join("library");
    std::fs::create_dir(&library).unwrap();
    let source = library.join("Beside.java");
    std::fs::write(&source, "public class Beside { public static int n; }").unwrap();
    let compiled = std::process::Command::new("javac").arg(&source).status();
    assert!(compiled.unwrap().success());
    std::fs::remove_file(source).unwrap();
    draft.tools().flags = ["-Dword=x", "-cp", "library"].map(str::to_owned).into();
    let mut target = draft.start();
    assert!(target.turns(3));
    assert_eq!(target.finish(), (Some(0), "3 x\n".to_owned()));
}

#[test]
fn a_leak_on_the_heap_shows_after_a_collection() {
    if !is_here(JAVA) {
        return;
    }
    let parts = [
        ("setup", "byte[][] kept = new byte[5000][];"),
        ("run", "kept[iteration] = new byte[1000];"),
    ];
    let draft = snippet(JAVA, &parts);
    let mut target = draft.start();
    assert_eq!(target.read().flags, COLLECTS | HEAP | EXTERNAL | FULL);
    assert!(target.turns(100));
    assert_eq!(target.read().flags, COLLECTS);
    assert!(target.collect());
    let early = target.read();
    assert!(target.turns(2000) && target.collect());
    let late = target.read();
    assert_eq!(late.iterations, 2100);
    let grown = (late.heap as f64 - early.heap as f64) / 2000.0;
    // A head of 16 bytes.
    assert!((1012.0..1020.0).contains(&grown), "{grown}");
}

#[test]
fn classes_and_direct_buffers_are_counted_outside_the_heap() {
    if !is_here(JAVA) {
        return;
    }
    for (parts, range) in [
        (&CLASS_LOADERS, 1_000.0..8_000.0),
        (&BUFFERS, 9_990.0..10_200.0),
    ] {
        let draft = snippet(JAVA, parts);
        let mut target = draft.start();
        assert!(target.turns(200) && target.collect());
        let early = target.read();
        assert!(target.turns(1000) && target.collect());
        let grown = (target.read().external as f64 - early.external as f64) / 1000.0;
        assert!(range.contains(&grown), "{grown}");
    }
}

#[test]
fn direct_buffers_that_are_dropped_are_given_back_by_a_collection() {
    if !is_here(JAVA) {
        return;
    }
    let parts = [
        BUFFERS[0],
        ("setup", "ByteBuffer[] kept = new ByteBuffer[10];"),
        (
            "run",
            "kept[iteration % 10] = ByteBuffer.allocateDirect(10_000);",
        ),
    ];
    let draft = snippet(JAVA, &parts);
    let mut target = draft.start();
    assert!(target.turns(200) && target.collect());
    let early = target.read();
    assert!(target.turns(1000) && target.collect());
    let grown = target.read().external as f64 - early.external as f64;
    // Ten are kept; profiles of the compilers are among the metadata.
    assert!(grown.abs() < 64_000.0, "{grown}");
}

#[test]
fn the_loop_of_java_grows_by_nothing_over_100_000_turns() {
    if !is_here(JAVA) {
        return;
    }
    let draft = snippet(JAVA, &[("run", "")]);
    let mut target = draft.start();
    assert!(target.turns(20_000) && target.collect());
    let early = target.read();
    assert!(target.turns(80_000) && target.collect());
    let late = target.read();
    println!("{early:?} {late:?}");
    assert!(
        late.heap.abs_diff(early.heap) <= 16 << 10,
        "{early:?} {late:?}"
    );
    assert!(late.external.saturating_sub(early.external) <= 16 << 10);
    assert!(late.anon.saturating_sub(early.anon) <= 3 << 20);
}
