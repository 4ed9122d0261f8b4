//! Ruby, Perl, PHP and Lua: what is counted, and what their drivers' own loops add.

use crate::draft::{is_here, snippet};
use crate::lockstep::{BLOCKS, COLLECTS, FULL, HEAP, MALLOC, Reading, Target};
use crate::scripts::{ALL, here};
use crate::{LUA, PERL, PHP, RUBY};

/// The growth of a reading, by iteration.
fn growth(early: &Reading, late: &Reading) -> f64 {
    (late.live() as f64 - early.live() as f64) / (late.iterations - early.iterations) as f64
}

#[test]
fn a_leak_shows_its_bytes_at_every_iteration() {
    for (language, (setup, run, flags, bytes)) in here([
        (
            RUBY,
            (
                "kept = Array.new(2000)",
                "kept[iteration] = 'x' * 1000",
                COLLECTS | HEAP | BLOCKS | FULL,
                // A slot and the text with its end.
                40 + 1001,
            ),
        ),
        (
            PHP,
            (
                "$kept = new SplFixedArray(2000);",
                "$kept[$iteration] = str_repeat('x', 1000);",
                COLLECTS | HEAP | FULL,
                // A head of 24 bytes, the text and its end, in a class of 1,280.
                1280,
            ),
        ),
        (
            LUA,
            (
                "local kept = table.pack(string.rep('x', 2000):byte(1, -1))",
                "kept[iteration + 1] = string.rep(string.char(iteration % 250), 1000)",
                COLLECTS | HEAP | FULL,
                // A head of 24 bytes, the text and its end.
                1025,
            ),
        ),
    ]) {
        let draft = snippet(language, &[("setup", setup), ("run", run)]);
        let mut target = draft.start();
        assert_eq!(target.read().version, 1);
        assert_eq!(target.read().flags & flags, flags, "{language:?}");
        assert!(target.turns(20) && target.collect());
        let early = target.read();
        assert!(target.turns(1000) && target.collect());
        let late = target.read();
        assert_eq!(late.iterations, 1020);
        let grown = growth(&early, &late);
        assert!(
            (grown - f64::from(bytes)).abs() < 1.0,
            "{language:?} {grown}"
        );
    }
}

#[test]
fn garbage_is_no_growth_and_cycles_are_collected() {
    for (language, run) in here([
        (RUBY, "a = []; a << a << ('x' * 5000)"),
        (
            PHP,
            "$a = new stdClass; $a->self = $a; $a->text = str_repeat('x', 5000);",
        ),
        (LUA, "local a = {}; a.self = a; a.text = ('x'):rep(5000)"),
    ]) {
        let draft = snippet(language, &[("run", run)]);
        let mut target = draft.start();
        assert!(target.turns(100) && target.collect());
        let early = target.read();
        assert!(target.turns(1000) && target.collect());
        let late = target.read();
        let grown = growth(&early, &late).abs();
        assert!(grown < 1.0, "{language:?} {grown}");
    }
}

#[test]
fn without_collections_a_turn_is_not_full_but_c_is() {
    for (language, ()) in here([(RUBY, ()), (PHP, ()), (LUA, ())]) {
        let draft = snippet(language, &[("run", "")]);
        let launch = draft.prepare().unwrap();
        let mut target = Target::start(&launch, &[("MEMCASE_COLLECT", "0")]).unwrap();
        assert!(target.turns(3));
        assert_eq!(target.read().flags & FULL, 0, "{language:?}");
        assert!(target.collect());
        assert_eq!(target.read().flags & FULL, FULL, "{language:?}");
    }
}

#[test]
fn php_counts_the_c_allocator_where_ffi_is_there() {
    if !is_here(PHP) {
        return;
    }
    let mut draft = snippet(PHP, &[("run", "")]);
    let complete = draft.prepare().unwrap().live_complete;
    assert_eq!(draft.start().read().flags & MALLOC != 0, complete);
    draft.tools().flags = vec!["-n".to_owned(), "-d".to_owned(), "ffi.enable=0".to_owned()];
    assert!(!draft.prepare().unwrap().live_complete);
    assert_eq!(draft.start().read().flags & MALLOC, 0);
}

#[test]
fn the_loops_of_scripting_languages_grow_by_nothing_over_100_000_turns() {
    for (language, ()) in here(ALL.map(|language| (language, ()))) {
        let draft = snippet(language, &[("run", "")]);
        let mut target = draft.start();
        let read = |target: &mut Target| {
            assert!(language == PERL || target.collect());
            target.read()
        };
        assert!(target.turns(1_000));
        let early = read(&mut target);
        assert!(target.turns(99_000));
        let late = read(&mut target);
        println!("{language:?} {early:?} {late:?}");
        assert!(late.live().abs_diff(early.live()) <= 256, "{language:?}");
        assert!(
            late.anon.saturating_sub(early.anon) <= 64 << 10,
            "{language:?}"
        );
    }
}
