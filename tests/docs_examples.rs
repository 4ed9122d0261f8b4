//! Every case in the README and the docs is one that memcase accepts, or refuses where the text says so.

use std::fs;
use std::path::{Path, PathBuf};

use memcase::case::file::parse;
use memcase::config;
use memcase::filter::Filter;

/// A fenced block: its info string, the line it begins on, its text.
struct Block {
    info: String,
    line: usize,
    text: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.trim_end().strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block {
                    info: info.trim().to_owned(),
                    line: index + 1,
                    text: String::new(),
                });
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text += line;
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).expect("docs/ is there");
    let mut pages: Vec<PathBuf> = docs
        .map(|entry| entry.expect("docs/ can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain([root.join("README.md")])
        .filter(|path| path.is_file())
        .collect();
    pages.sort();
    pages
}

#[test]
fn every_case_in_the_docs_is_accepted_or_refused_as_it_says() {
    let mut wrong: Vec<String> = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page is text");
        for block in blocks(&text) {
            let invalid = match block.info.as_str() {
                "yaml" => false,
                "yaml invalid" => true,
                _ => continue,
            };
            if !block.text.lines().any(|line| line.starts_with("target:")) {
                continue;
            }
            seen += 1;
            let place = format!("{}:{}", page.display(), block.line);
            match parse(block.text.as_bytes(), Path::new("example.yaml"), "example") {
                Ok(_) if invalid => wrong.push(format!("{place}: accepted, marked invalid")),
                Err(errors) if !invalid => {
                    for error in errors {
                        wrong.push(format!("{place}: {}", error.render(false)));
                    }
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 10, "only {seen} cases found in the docs");
}

#[test]
fn every_filter_expression_in_the_docs_is_read() {
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page is text");
        for block in blocks(&text).iter().filter(|block| block.info == "filter") {
            for line in block.text.lines() {
                seen += 1;
                if let Err(error) = Filter::parse(line) {
                    let shown = error.in_text(line, "-E").render(false);
                    panic!("{}:{}: {shown}", page.display(), block.line);
                }
            }
        }
    }
    assert!(seen >= 5, "only {seen} expressions found in the docs");
}

#[test]
fn every_configuration_in_the_docs_is_read() {
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page is text");
        for block in blocks(&text).iter().filter(|block| block.info == "toml") {
            if !block.text.contains("[profile.") {
                continue;
            }
            seen += 1;
            if let Err(errors) = config::parse(&block.text, Path::new("memcase.toml")) {
                let shown: Vec<String> = errors.iter().map(|error| error.render(false)).collect();
                panic!("{}:{}: {}", page.display(), block.line, shown.join("\n"));
            }
        }
    }
    assert!(seen >= 1, "no configuration found in the docs");
}
