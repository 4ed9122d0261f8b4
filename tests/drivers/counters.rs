//! The counters in the slot are exact.

use crate::draft::snippet;
use crate::lockstep::{BLOCKS, COLLECTS, EXTERNAL, FULL, HEAP, MALLOC, NOISE, Target};
use crate::{C, CPP, NODE, PYTHON, RUST};

#[test]
fn a_python_leak_shows_its_size_class_at_every_iteration() {
    let draft = snippet(
        PYTHON,
        &[
            ("setup", "kept = [None] * 1000"),
            ("run", "kept[iteration] = bytes(40)"),
        ],
    );
    let mut target = draft.start();
    let ready = target.read();
    assert_eq!(ready.version, 1);
    let all = COLLECTS | HEAP | BLOCKS | MALLOC | FULL;
    assert_eq!(ready.flags & all, all);
    assert!(target.turns(5));
    let mut before = target.read();
    let mut exact = 0;
    for _ in 0..500 {
        assert!(target.turns(1));
        let now = target.read();
        // 33 bytes of head and 40 of content in a class of 80.
        let grown = (
            now.blocks.wrapping_sub(before.blocks),
            now.heap.wrapping_sub(before.heap),
        );
        exact += u32::from(grown == (1, 80) && now.malloc == before.malloc);
        before = now;
    }
    assert_eq!(before.iterations, 505);
    // Now and then the interpreter drops an entry of a cache of its own.
    assert!(exact >= 498, "{exact}");
    assert!(target.collect());
    assert!(target.read().live().abs_diff(before.live()) <= NOISE);
    assert_eq!(target.finish(), (Some(0), String::new()));
}

#[test]
fn a_node_leak_shows_after_a_full_collection() {
    let draft = snippet(
        NODE,
        &[
            (
                "setup",
                "const kept = [];\nconst buffers = new Array(2000);",
            ),
            (
                "run",
                "kept.push({ n: iteration });\nbuffers[iteration] = Buffer.alloc(10000);",
            ),
        ],
    );
    let mut target = draft.start();
    assert_eq!(target.read().flags, COLLECTS | HEAP | EXTERNAL | FULL);
    assert!(target.turns(500) && target.collect());
    let early = target.read();
    assert!(target.turns(1000));
    assert_eq!(target.read().flags, COLLECTS | HEAP | EXTERNAL);
    assert!(target.collect());
    let late = target.read();
    assert_eq!(late.iterations, 1500);
    let external = (late.external - early.external) as f64 / 1000.0;
    assert!((external - 10_000.0).abs() < 1.0, "{external}");
    // An object of one field is 28 bytes or more, and a Buffer some 100.
    let heap = (late.heap as f64 - early.heap as f64) / 1000.0;
    assert!((50.0..500.0).contains(&heap), "{heap}");
    assert_eq!(target.finish(), (Some(0), String::new()));
}

#[test]
fn a_leak_in_a_compiled_language_shows_its_chunk_at_every_iteration() {
    for (language, run, chunk) in [
        (C, "char *p = malloc(100);", 112),
        (CPP, "new char[100];", 112),
        (RUST, "std::mem::forget(Box::new([0_u8; 100]));", 112),
        // Above the threshold a chunk is a mapping, with a head of 16 bytes.
        (C, "void *p = malloc(1 << 20);", (1 << 20) + 4096),
    ] {
        let mut target = snippet(language, &[("run", run)]).start();
        assert_eq!(
            target.read().flags & (MALLOC | FULL | COLLECTS),
            MALLOC | FULL | COLLECTS
        );
        assert!(target.turns(5));
        let early = target.read();
        assert!(target.turns(300));
        let late = target.read();
        assert_eq!(late.iterations, 305);
        assert_eq!(
            late.malloc - early.malloc,
            300 * chunk,
            "{language:?} {run}"
        );
        assert!(target.collect());
        assert_eq!(target.read().live(), late.live());
    }
}

#[test]
fn cyclic_garbage_of_python_is_collected_at_every_turn_unless_told_not_to() {
    let draft = snippet(
        PYTHON,
        &[
            ("setup", "import gc; gc.disable()"),
            ("run", "x = []; x.append(x)"),
        ],
    );
    let launch = draft.prepare().unwrap();
    for (collect, blocks) in [("1", 0), ("0", 1000)] {
        let mut target = Target::start(&launch, &[("MEMCASE_COLLECT", collect)]).unwrap();
        assert!(target.turns(10));
        let early = target.read();
        assert_eq!(early.flags & FULL != 0, collect == "1");
        assert!(target.turns(500));
        // Free lists of the interpreter hold a few of them.
        let more = target.read().blocks.saturating_sub(early.blocks);
        assert!(more <= blocks + 2 && more >= blocks * 9 / 10, "{more}");
        assert!(target.collect());
        assert_ne!(target.read().flags & FULL, 0);
        assert!(target.read().blocks <= early.blocks + 2);
    }
}
