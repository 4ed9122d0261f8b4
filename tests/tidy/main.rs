//! The architecture as a test: what the code may import and touch, read from its syntax tree.
//!
//! Each check is a function from sources to complaints. It runs on the repository, and on
//! planted sources that it must complain about: a check that cannot fail proves nothing.

mod form;
mod imports;
mod names;
mod seams;
mod sources;

use sources::{Source, modules_in_order, repository_sources};

fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_module_imports_only_what_is_declared_above_it() {
    none(&imports::check(&repository_sources(), &modules_in_order()));
}

#[test]
fn only_the_named_modules_touch_the_outside() {
    none(&seams::check(&repository_sources()));
}

#[test]
fn a_seam_that_nobody_uses_is_not_in_the_table() {
    none(&seams::unused(&repository_sources()));
}

#[test]
fn every_file_says_on_its_first_line_what_it_knows() {
    none(&form::first_lines(&repository_sources()));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    none(&form::lengths(&repository_sources()));
}

#[test]
fn a_mod_file_holds_no_code_beyond_one_door() {
    none(&form::mod_files(&repository_sources()));
}

#[test]
fn nothing_is_ignored_or_allowed_without_a_reason() {
    none(&form::attributes(&repository_sources()));
}

#[test]
fn every_path_in_the_documents_exists() {
    none(&form::paths_in_documents());
}

/// The complaints about one planted file, with the modules `low`, `own`, `high` in this order.
fn planted_import(path: &str, text: &str) -> Vec<String> {
    let order = ["low", "own", "high"].map(str::to_owned);
    imports::check(&[Source::planted(path, text)], &order)
}

#[test]
fn an_upward_import_is_found_in_every_form() {
    for (path, text) in [
        ("src/own/a.rs", "use crate::high::Thing;"),
        ("src/own/a.rs", "use crate::{high as _};"),
        ("src/own/a.rs", "use crate::{low::A, high::{B, C}};"),
        ("src/own/a.rs", "use super::super::high::Thing;"),
        ("src/own/a.rs", "fn f() { crate::high::g(); }"),
        (
            "src/own/a.rs",
            "fn f(_: &crate::high::T) -> super::super::high::U {}",
        ),
        (
            "src/own/a.rs",
            "fn f() { println!(\"{}\", crate::high::g()); }",
        ),
        (
            "src/own/a.rs",
            "mod deep { use super::super::super::high::T; }",
        ),
        ("src/own/mod.rs", "use super::high::Thing;"),
        ("src/own.rs", "use super::high::Thing;"),
        ("src/own.rs", "use crate::*;"),
        ("src/own.rs", "use crate::reexported;"),
        ("src/own.rs", "fn f(x: impl crate::high::Trait) {}"),
    ] {
        assert!(!planted_import(path, text).is_empty(), "{path}: {text}");
    }
}

#[test]
fn a_downward_import_is_fine() {
    for (path, text) in [
        ("src/own/a.rs", "use crate::low::Thing;"),
        ("src/own/a.rs", "use crate::own::Thing;"),
        (
            "src/own/a.rs",
            "use super::b::Thing; use super::super::low::T;",
        ),
        ("src/own/a.rs", "mod tests { use super::*; }"),
        ("src/own.rs", "use std::fs; use serde::Serialize;"),
        ("src/low.rs", "fn crate_high() {}"),
    ] {
        assert_eq!(planted_import(path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn a_touch_of_the_outside_is_found_where_it_is_not_named() {
    for text in [
        "use std::fs;",
        "use std::{env, fmt};",
        "use std::process::Command;",
        "use std::time::{Duration, Instant};",
        "fn f() { let _ = std::time::SystemTime::now(); }",
        "fn f() { dbg(format!(\"{:?}\", std::env::args())); }",
        "use rustix::process::kill_process;",
        "fn f() { start(\"git\"); }",
    ] {
        let planted = Source::planted("src/stats/x.rs", text);
        assert_eq!(seams::check(&[planted]).len(), 1, "{text}");
    }
    let tests = Source::planted("src/stats/x.rs", "#[cfg(test)] mod tests { use std::fs; }");
    assert_eq!(seams::check(&[tests]), [""; 0]);
}

#[test]
fn a_file_of_the_wrong_form_is_found() {
    let long = format!("//! Long.\n{}", "fn f() {}\n".repeat(400));
    let complaint = |check: fn(&[Source]) -> Vec<String>, path: &str, text: &str| {
        check(&[Source::planted(path, text)]).len()
    };
    assert_eq!(complaint(form::first_lines, "src/x.rs", "use a::b;"), 1);
    assert_eq!(complaint(form::first_lines, "src/x.rs", "//! Yes.\n"), 0);
    assert_eq!(complaint(form::lengths, "src/x.rs", &long), 1);
    let two = "pub fn f() {} pub fn g() {}";
    assert_eq!(complaint(form::mod_files, "src/x/mod.rs", two), 1);
    assert_eq!(complaint(form::mod_files, "src/x/y.rs", two), 0);
    assert_eq!(
        complaint(form::mod_files, "src/x/mod.rs", "struct S; impl S {}"),
        1
    );
    assert_eq!(
        complaint(form::attributes, "src/x.rs", "#[test] #[ignore] fn f() {}"),
        1
    );
    assert_eq!(
        complaint(
            form::attributes,
            "src/x.rs",
            "#[allow(dead_code)] fn f() {}"
        ),
        1
    );
    let hidden = "#[cfg_attr(test, allow(dead_code))] fn f() {}";
    assert_eq!(complaint(form::attributes, "src/x.rs", hidden), 1);
    assert_eq!(
        complaint(form::attributes, "src/x.rs", "#![allow(dead_code)]"),
        1
    );
    let with_reason = "#[test] #[ignore = \"takes an hour\"] fn f() {}";
    assert_eq!(complaint(form::attributes, "src/x.rs", with_reason), 0);
}

#[test]
fn a_path_that_does_not_exist_is_found_in_a_document() {
    let text = "See `src/lib.rs`, `src/nowhere.rs`, `NOTHING.md` and `a / b`.";
    assert_eq!(form::missing_paths("x.md", text).len(), 2);
}
