//! The commands of the README are true: each is known here, and the cheap ones are run.

use std::fs;
use std::process::{Command, Output};

/// The lines behind `$ ` in the console blocks of a document.
fn commands(document: &str) -> Vec<String> {
    let file = format!("{}/{document}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(file).expect("the document is there");
    let mut inside = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ")
            && inside
        {
            commands.push(command.to_owned());
        }
    }
    commands
}

fn memcase(arguments: &str, folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env_remove("CI")
        .env_remove("MEMCASE_UPDATE")
        .env_remove("MEMCASE_DIR")
        .output()
        .expect("memcase starts")
}

#[test]
fn the_readme_shows_the_commands_that_are_tried() {
    assert_eq!(
        commands("README.md"),
        [
            // Both are what `.ci/run` does.
            "cargo run --release -- run cases/",
            "cargo test",
            // `cargo install` is cargo's; the other two are run below.
            "cargo install --path .",
            "memcase new my-leak --language python",
            "memcase run cases/my-leak.yaml",
        ]
    );
    let ci = fs::read_to_string(format!("{}/.ci/run", env!("CARGO_MANIFEST_DIR")));
    let ci = ci.expect("the check is there");
    assert!(ci.contains("--release --quiet -- run cases/"), "{ci}");
    assert!(ci.contains("\ncargo test"), "{ci}");
    assert_eq!(commands("CONTRIBUTING.md"), ["bash .ci/run"]);
}

#[test]
fn the_first_case_of_the_readme_runs_as_it_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let written = memcase("new my-leak --language python", folder.path());
    assert!(written.status.success(), "{written:?}");
    let run = memcase("run cases/my-leak.yaml", folder.path());
    let output = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert!(output.contains("test my-leak ... ok"), "{output}");
}

#[test]
fn the_commands_of_the_baselines_page_run_in_their_order() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/baselines.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let case = page.split("```yaml\n").nth(1).expect("a case is shown");
    let case = case.split("```").next().expect("the block ends");
    let file = case.lines().next().and_then(|line| line.strip_prefix("# "));
    let file = file.expect("the first line names the file");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    fs::create_dir(folder.path().join("cases")).expect("it can be made");
    fs::write(folder.path().join(file), case).expect("it can be written");
    let mut told = Vec::new();
    for command in commands("docs/baselines.md") {
        let arguments = command
            .strip_prefix("memcase ")
            .expect("they are memcase's");
        let ended = memcase(arguments, folder.path());
        assert_eq!(ended.status.code(), Some(0), "{command}: {ended:?}");
        told.push(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    assert_eq!(told.len(), 5);
    for (told, expected) in told.iter().zip([
        "new baseline pending",
        "new           kept (",
        "accepted  kept (",
        "as its baseline",
        "unchanged     kept",
    ]) {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
}

#[test]
fn the_plots_of_the_plot_page_are_what_memcase_draws() {
    let root = env!("CARGO_MANIFEST_DIR");
    let page = fs::read_to_string(format!("{root}/docs/plot.md")).expect("the page is there");
    let shown = page.split("```console\n").nth(1).expect("a plot is shown");
    let shown = shown.split("```").next().expect("the block ends");
    let (command, shown) = shown.split_once('\n').expect("the block has lines");
    assert_eq!(command, "$ memcase plot docs/plot");
    let drawn = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .args(["plot", "docs/plot"])
        .current_dir(root)
        .env("LC_ALL", "C.UTF-8")
        .env_remove("CLICOLOR_FORCE")
        .output()
        .expect("memcase starts");
    assert_eq!(String::from_utf8_lossy(&drawn.stdout), shown, "{drawn:?}");
    // Drawn by: memcase plot docs/plot --size 720x405 -o docs/plot/leak.svg
    let drawn = memcase("plot docs/plot --size 720x405 -o -", root.as_ref());
    let kept = fs::read_to_string(format!("{root}/docs/plot/leak.svg")).expect("it is there");
    assert!(
        String::from_utf8_lossy(&drawn.stdout) == kept,
        "docs/plot/leak.svg is not what memcase draws: draw it again"
    );
}

#[test]
fn the_case_of_the_readme_is_in_the_suite_and_says_the_same() {
    let root = env!("CARGO_MANIFEST_DIR");
    let readme = fs::read_to_string(format!("{root}/README.md")).expect("it is there");
    let shown = readme.split("```yaml\n").nth(1).expect("a case is shown");
    let shown = shown.split("```").next().expect("the block ends");
    let name = shown.lines().next().expect("the block has lines");
    let file = name
        .strip_prefix("# ")
        .expect("the first line names the file");
    let case = fs::read_to_string(format!("{root}/{file}")).expect("the file is there");
    for line in shown.lines().skip(1) {
        assert!(case.contains(line.trim()), "{file} has no line `{line}`");
    }
}

#[test]
fn every_case_of_the_repository_is_without_mistake() {
    let output = memcase("list cases/", env!("CARGO_MANIFEST_DIR").as_ref());
    assert!(output.status.success(), "{output:?}");
    let listed = String::from_utf8_lossy(&output.stdout);
    assert!(listed.lines().count() > 150, "{listed}");
}

#[test]
fn exit_codes_of_the_readme_are_those_of_the_program() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let code = |arguments| memcase(arguments, folder.path()).status.code();
    assert_eq!(code("run --no-such-flag"), Some(2));
    assert_eq!(code("run nowhere.yaml"), Some(2));
    fs::write(folder.path().join("bad.yaml"), "target: {}").expect("it can be written");
    assert_eq!(code("run bad.yaml"), Some(2));
    let none = "target: {language: shell, run: 'true'}\n";
    fs::write(folder.path().join("some.yaml"), none).expect("it can be written");
    assert_eq!(code("run some.yaml --tag nothing-has-this-tag"), Some(4));
}
