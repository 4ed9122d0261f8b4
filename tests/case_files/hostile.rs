//! Hostile and broken files are refused at once, and nothing panics.

use std::path::Path;

use memcase::case::file::parse;
use memcase::case::{Language, template};

use crate::{EVERY_KEY, refused};

fn first_message(bytes: &[u8]) -> (usize, usize, String) {
    let errors = refused(bytes);
    (errors[0].line, errors[0].column, errors[0].message.clone())
}

#[test]
fn a_file_too_large_is_refused_unread() {
    let (line, _, message) = first_message(&vec![b'#'; (1 << 20) + 1]);
    assert_eq!(
        (line, message.as_str()),
        (0, "the file is larger than 1 MiB")
    );
}

#[test]
fn bytes_that_are_not_text_are_refused_with_their_place() {
    assert_eq!(
        first_message(b"name: a\nsource: \xff\n"),
        (2, 9, "the file is not UTF-8".to_owned())
    );
    for stray in ["\0", "\u{1b}[31m", "\u{85}", "\u{2028}", "\r"] {
        let (line, column, message) =
            first_message(format!("name: a\nsource: {stray}x\n").as_bytes());
        assert_eq!((line, column), (2, 9), "{message}");
        assert!(message.contains("cannot stand in a case file"), "{message}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["[", "{a: ", "- ", "? "] {
        let (line, _, message) = first_message(open.repeat(50_000).as_bytes());
        assert!(line == 1 && message.contains("nested"), "{open}: {message}");
    }
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        text = format!("{text}a{level}: &a{level} [{below}]\n");
    }
    let (_, _, message) = first_message(text.as_bytes());
    assert!(message.contains("aliases counted"), "{message}");

    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(500_000),
        "*a, ".repeat(1000)
    );
    let (_, _, message) = first_message(long.as_bytes());
    assert!(message.contains("4 MiB"), "{message}");

    let (_, _, message) = first_message(b"a: &a [*a]\n");
    assert!(message.contains("contains it"), "{message}");
}

#[test]
fn masses_of_documents_keys_and_values_are_refused() {
    let keys: Vec<String> = (0..50_000).map(|n| format!("k{n}: v\n")).collect();
    for (text, told) in [
        ("---\n".repeat(200_000), "documents"),
        ("- a\n".repeat(200_000), "values"),
        (keys.concat(), "keys"),
    ] {
        let (_, _, message) = first_message(text.as_bytes());
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn one_file_tells_a_hundred_mistakes_at_most() {
    let errors = refused("--- a\n".repeat(900).as_bytes());
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100].message, "and 800 more mistakes");
}

#[test]
fn no_mistake_can_write_to_the_terminal() {
    for error in refused(b"\"a\\e[31m\": 1\ntarget: {language: \"\\e[2J\"}\n") {
        let text = format!("{error}{}", error.render(false));
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}

/// Sebastiano Vigna's splitmix64, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("below a usize")
    }
}

fn mutated(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = b"\n\t :-[]{}&*!|>'\"%@`#?,~<0\xe9"[random.below(25)],
            2 => bytes.truncate(at),
            3 => {
                let mut lines: Vec<Vec<u8>> = bytes
                    .split(|byte| *byte == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
                let (one, two) = (random.below(lines.len()), random.below(lines.len()));
                lines.swap(one, two);
                bytes = lines.join(&b'\n');
            }
            4 => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, b" \n:-&*[{"[random.below(8)]),
        }
    }
    bytes
}

#[test]
fn no_text_makes_the_reader_panic() {
    let mut seeds: Vec<String> = Language::ALL
        .into_iter()
        .map(|language| template("seed", language))
        .collect();
    seeds.push(EVERY_KEY.to_owned());
    let mut random = Random(1);
    let (mut good, mut bad) = (0, 0);
    for round in 0..3000 {
        let bytes = mutated(seeds[round % seeds.len()].as_bytes(), &mut random);
        match parse(&bytes, Path::new("a.yaml"), "a") {
            Ok(_) => good += 1,
            Err(errors) => {
                bad += 1;
                assert!(!errors.is_empty());
                for error in errors {
                    let lines = bytes.split(|byte| *byte == b'\n').count();
                    assert!(error.line <= lines, "{error}");
                    assert!(!error.render(true).is_empty());
                }
            }
        }
    }
    assert!(good > 100 && bad > 1000, "{good} good, {bad} bad");
}
