//! Which files are found, what their cases are called, and what is left out.

use std::path::PathBuf;

use crate::shown;
use memcase::case::{load, load_one};
use std::fs;
use std::os::unix::fs::symlink;

const CASE: &str = "target: {language: python, run: pass}\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn ids(paths: &[PathBuf]) -> Vec<String> {
    load(paths)
        .cases
        .into_iter()
        .map(|case| case.id.0)
        .collect()
}

#[test]
fn folders_are_searched_in_order_and_others_left_out() {
    let root = folder(&[
        ("b.yaml", CASE),
        ("a/z.yml", CASE),
        (
            "a/c.yaml",
            "name: q\ntarget: {language: c, run: f();}\n---\nname: p\ntarget: {language: c, run: f();}\n",
        ),
        ("a/snapshots/s.yaml", "no case"),
        ("target/t.yaml", "no case"),
        ("node_modules/n.yaml", "no case"),
        (".hidden/h.yaml", "no case"),
        ("notes.txt", "no case"),
    ]);
    let loaded = load(&[root.path().to_path_buf()]);
    assert_eq!(shown(&loaded.errors), "");
    let found: Vec<String> = loaded.cases.into_iter().map(|case| case.id.0).collect();
    assert_eq!(found, ["a/c/q", "a/c/p", "a/z", "b"]);
}

#[test]
fn a_file_given_by_itself_is_called_by_its_stem_and_read_once() {
    let root = folder(&[("sub/one.yaml", CASE)]);
    let file = root.path().join("sub/one.yaml");
    assert_eq!(ids(&[file.clone(), file]), ["one"]);
}

#[test]
fn a_path_that_cannot_be_a_name_is_refused_with_what_to_rename() {
    for path in ["two words.yaml", "two words/one.yaml"] {
        let root = folder(&[(path, CASE)]);
        let errors = shown(&load(&[root.path().to_path_buf()]).errors);
        assert!(errors.contains("rename its file or folder"), "{errors}");
    }
}

#[test]
fn an_id_taken_twice_names_both_places() {
    let one = folder(&[("same.yaml", CASE)]);
    let two = folder(&[("same.yml", CASE)]);
    let loaded = load(&[one.path().to_path_buf(), two.path().to_path_buf()]);
    assert_eq!(loaded.errors.len(), 1);
    let text = loaded.errors[0].to_string();
    assert!(
        text.contains("same.yaml:1") && text.contains("same.yml:1:1"),
        "{text}"
    );
}

#[test]
fn mistakes_of_all_files_are_told_together_and_good_cases_kept() {
    let root = folder(&[
        ("a.yaml", "x: 1\n"),
        ("b.yaml", CASE),
        ("c.yaml", "target: 1\n"),
    ]);
    let loaded = load(&[root.path().to_path_buf(), root.path().join("none.yaml")]);
    assert_eq!((loaded.cases.len(), loaded.errors.len()), (1, 4));
    assert!(shown(&loaded.errors).contains("there is no such file"));
}

#[test]
fn a_link_out_of_the_root_is_not_followed_and_a_note_says_so() {
    let outside = folder(&[("secret.yaml", CASE)]);
    let root = folder(&[("real/a.yaml", CASE)]);
    symlink(outside.path(), root.path().join("folder")).expect("a link");
    symlink(
        outside.path().join("secret.yaml"),
        root.path().join("file.yaml"),
    )
    .expect("a link");
    symlink(root.path(), root.path().join("real/loop")).expect("a link");
    symlink(
        root.path().join("real/a.yaml"),
        root.path().join("again.yaml"),
    )
    .expect("a link");
    let loaded = load(&[root.path().to_path_buf()]);
    let found: Vec<&str> = loaded.cases.iter().map(|case| case.id.0.as_str()).collect();
    assert_eq!(
        (found, shown(&loaded.errors)),
        (vec!["real/a"], String::new())
    );
    assert_eq!(loaded.notes.len(), 2, "{:?}", loaded.notes);
    assert!(loaded.notes[0].contains("file.yaml is a symbolic link out of its root"));
}

#[test]
fn one_case_is_found_without_reading_the_others() {
    let root = folder(&[
        ("bad.yaml", "x: 1\n"),
        ("a/one.yaml", CASE),
        (
            "a/two.yaml",
            "name: p\ntarget: {language: c, run: f();}\n---\nname: q\ntarget: {language: c, run: f();}\n",
        ),
        (
            "a/file.yaml",
            "name: other\ntarget: {language: c, run: f();}\n",
        ),
    ]);
    for (id, errors) in [("a/one", 0), ("a/two/q", 0), ("a/other", 2), ("a/none", 2)] {
        let loaded = load_one(root.path(), id);
        let found = loaded.cases.iter().filter(|case| case.id.0 == id).count();
        assert_eq!(loaded.cases.len(), found);
        assert_eq!(
            (found == 1, loaded.errors.len()),
            (id != "a/none", errors),
            "{id}"
        );
    }
    assert!(load_one(root.path(), "../a").cases.is_empty());
}

#[test]
fn a_file_that_a_case_names_must_be_there() {
    let root = folder(&[("a.yaml", "target: {language: python, file: body.py}\n")]);
    let loaded = load(&[root.path().to_path_buf()]);
    assert_eq!((loaded.errors[0].line, loaded.errors[0].column), (1, 34));
    fs::write(root.path().join("body.py"), "def run(): pass\n").expect("a file");
    assert_eq!(ids(&[root.path().to_path_buf()]), ["a"]);
}
