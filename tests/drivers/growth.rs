//! The drivers' own loops grow by nothing, or by a known step.

use crate::draft::snippet;
use crate::lockstep::NOISE;
use crate::{C, CPP, NODE, PYTHON, RUST, SHELL};

#[test]
fn the_loop_of_python_grows_by_nothing_over_100_000_turns() {
    let draft = snippet(PYTHON, &[("run", "pass")]);
    let mut target = draft.start();
    assert!(target.turns(10));
    let early = target.read();
    assert!(target.turns(100_000));
    let late = target.read();
    assert!(late.live().abs_diff(early.live()) <= NOISE);
    assert!(late.blocks.abs_diff(early.blocks) <= 2);
    assert!(late.anon.saturating_sub(early.anon) <= 64 << 10);
}

#[test]
fn the_loop_of_node_grows_by_one_step_over_100_000_turns() {
    let draft = snippet(NODE, &[("run", "")]);
    let mut target = draft.start();
    assert!(target.turns(20_000) && target.collect());
    let early = target.read();
    assert!(target.turns(80_000) && target.collect());
    let late = target.read();
    // The compilers of V8 and the first full collections; it does not grow with the turns.
    assert!(
        late.heap.saturating_sub(early.heap) <= 48 << 10,
        "{early:?} {late:?}"
    );
    assert_eq!(late.external, early.external);
    assert!(late.anon.saturating_sub(early.anon) <= 3 << 20);
}

#[test]
fn the_loop_of_the_shell_grows_by_nothing_over_100_000_turns() {
    for interpreter in ["sh", "bash"] {
        let mut draft = snippet(SHELL, &[("run", ":")]);
        draft.tools().interpreter = Some(interpreter.to_owned());
        let mut target = draft.start();
        assert!(target.turns(1_000));
        let early = target.read();
        assert!(target.turns(99_000));
        let late = target.read();
        assert_eq!(late.version, 0);
        assert_eq!(late.anon, early.anon);
    }
}

#[test]
fn the_loop_of_a_compiled_language_grows_by_nothing_over_100_000_turns() {
    for language in [C, CPP, RUST] {
        let mut target = snippet(language, &[("run", ";")]).start();
        assert!(target.turns(10));
        let early = target.read();
        assert!(target.turns(100_000));
        let late = target.read();
        assert_eq!(late.live(), early.live(), "{language:?}");
        assert_eq!(late.anon, early.anon, "{language:?}");
    }
}
