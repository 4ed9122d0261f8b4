//! The programs in `docs/protocol.md` speak the protocol that it describes.

use std::process::Command;

use memcase::case::{CommandTarget, Program};

use crate::draft::{Draft, draft};

const PAGE: &str = include_str!("../../docs/protocol.md");

/// The only block of that kind on the page.
fn block(kind: &str) -> &'static str {
    let (_, after) = PAGE.split_once(&format!("```{kind}\n")).unwrap();
    after.split_once("```").unwrap().0
}

fn command(argv: &[&str], shell: bool) -> Draft {
    let argv = argv.iter().map(|&word| word.to_owned()).collect();
    draft(Program::Command(CommandTarget { argv, shell }), "")
}

/// Runs it for 2,000 turns; by how much its anonymous memory grows.
fn growth(draft: &Draft) -> u64 {
    let mut target = draft.start();
    assert!(target.turns(100));
    let early = target.read();
    assert_eq!(early.version, 0);
    assert!(target.turns(2_000));
    let late = target.read();
    assert_eq!(target.finish(), (Some(0), String::new()));
    late.anon - early.anon
}

#[test]
fn the_program_in_c_leaks_as_it_says() {
    let draft = command(&["./target"], false);
    let source = draft.folder.path().join("target.c");
    std::fs::write(&source, block("c")).unwrap();
    let compiled = Command::new("cc")
        .args(["-w", "-o"])
        .arg(draft.folder.path().join("target"))
        .arg(source)
        .status();
    assert!(compiled.unwrap().success());
    // 112 bytes an iteration, in steps of pages.
    assert!((200_000..=240_000).contains(&growth(&draft)));
}

#[test]
fn the_program_in_bash_leaks() {
    let draft = command(&["bash", "target.sh"], false);
    std::fs::write(draft.folder.path().join("target.sh"), block("bash")).unwrap();
    assert!(growth(&draft) >= 100_000);
}

#[test]
fn a_command_through_the_shell_is_one_text() {
    let script = "printf '\\n' >&4; while read -r _ <&3; do : $((n += 1)); printf '\\n' >&4; done";
    assert_eq!(growth(&command(&[script], true)), 0);
}
