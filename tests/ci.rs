//! What stands in `docs/ci.md`, `action.yml` and the hooks is read by a parser, and its commands are run.

mod place;

use std::fs;
use std::path::Path;
use std::process::Output;

use place::Place;
use serde_yaml::Value;

const CASE: &str = "target: {language: python, run: 'x = [1] * 100'}\nmeasure: {iterations: 240}\n";

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// A repository with cases.
fn repository() -> Place {
    let cases = ["cases/a/one.yaml", "cases/b/two.yaml"];
    Place::with(cases.map(|case| (case.to_owned(), CASE.to_owned())))
}

impl Place {
    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Runs a line or a script as a server's shell does.
    fn bash(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        self.shell(script)
            .env("PATH", self.search_path())
            .env_remove("CI")
            .env_remove("MEMCASE_DIR")
            .env_remove("CARGO_TARGET_DIR")
            .env("GITHUB_STEP_SUMMARY", self.path().join("summary.md"))
            .env("GITHUB_OUTPUT", self.path().join("output"))
            .envs(variables.iter().copied())
            .output()
            .expect("bash starts")
    }
}

/// The fenced blocks of a document in one language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = text(document);
    let fence = format!("\n```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned())
        .collect()
}

/// All strings in a document, at any depth.
fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Sequence(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Mapping(values) => values.values().for_each(|value| strings(value, into)),
        _ => {}
    }
}

/// The commands of memcase in the snippets, as they are run.
fn commands() -> Vec<String> {
    let mut all = Vec::new();
    for block in blocks("docs/ci.md", "yaml") {
        strings(&yaml(&block), &mut all);
    }
    for block in blocks("docs/ci.md", "groovy") {
        all.extend(block.split('\'').map(str::to_owned));
    }
    all.retain(|text| text.starts_with("memcase "));
    all
}

#[test]
fn the_commands_of_the_snippets_are_those_of_the_program() {
    let place = repository();
    let commands = commands();
    assert_eq!(commands.len(), 5, "{commands:?}");
    for command in commands {
        for part in ["1", "2"] {
            let command = command.replace("${{ matrix.part }}", part);
            let output = place.bash(&command, &[]);
            assert!(output.status.success(), "{command}: {output:?}");
            // What the next job finds where it has downloaded it.
            let events = place.path().join("events.jsonl");
            if events.exists() {
                let there = place.path().join(format!("parts/part-{part}"));
                fs::create_dir_all(&there).expect("a folder can be made");
                fs::rename(events, there.join("events.jsonl")).expect("it can be moved");
            }
        }
    }
    assert!(place.read("summary.md").contains("2 as claimed"));
    assert!(place.read("junit.xml").contains("tests=\"2\""));
}

#[test]
fn the_action_runs_the_cases_and_hands_on_their_exit_code() {
    let action = yaml(&text("action.yml"));
    assert_eq!(action["runs"]["using"], "composite");
    let steps = action["runs"]["steps"].as_sequence().expect("it has steps");
    for step in steps {
        // A composite action is refused without it.
        assert_eq!(step["shell"], "bash");
    }
    let script = |step: usize| steps[step]["run"].as_str().expect("it runs something");
    let place = repository();
    let installed = place.bash(script(0), &[("GITHUB_ACTION_PATH", "/nowhere")]);
    assert!(
        installed.status.success(),
        "a memcase that is there is used: {installed:?}"
    );

    let folder = action["inputs"]["results"]["default"]
        .as_str()
        .expect("it has a default");
    let cases = action["inputs"]["cases"]["default"]
        .as_str()
        .expect("it has a default");
    let given = |cases| [("CASES", cases), ("MEMCASE_DIR", folder)];
    let output = place.bash(script(1), &given(cases));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(place.read("output"), "exit-code=0\n");
    assert!(
        place
            .read(&format!("{folder}/junit.xml"))
            .contains("tests=\"2\"")
    );
    assert!(place.read("summary.md").contains("| a/one |"));

    place.write("cases/c.yaml", &format!("{CASE}expect: leak\n"));
    let several = "cases/c.yaml --strict; touch injected";
    let output = place.bash(script(1), &given(several));
    assert_eq!(output.status.code(), Some(2), "words are words: {output:?}");
    assert!(!place.path().join("injected").exists());
    let output = place.bash(script(1), &given("cases/a cases/c.yaml"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(place.read("output").ends_with("exit-code=1\n"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("::error file=cases/c.yaml,line=1,"), "{err}");
}

#[test]
fn the_hooks_take_the_files_that_have_changed() {
    let hooks = yaml(&text(".pre-commit-hooks.yaml"));
    let hooks = hooks.as_sequence().expect("it is a list");
    let place = repository();
    place.write("cases/wrong.yaml", "target: {}\n");
    for hook in hooks {
        let entry = hook["entry"].as_str().expect("it has an entry");
        assert_eq!(hook["language"], "rust");
        let run = |files: &str| place.bash(&format!("{entry} {files}"), &[]).status.code();
        assert_eq!(run("cases/a/one.yaml cases/b/two.yaml"), Some(0), "{entry}");
        assert_eq!(run("cases/a/one.yaml cases/wrong.yaml"), Some(2), "{entry}");
        let id = hook["id"].as_str().expect("it has an id");
        assert!(
            text("docs/ci.md").contains(&format!("`{id}`")),
            "{id} is documented"
        );
    }
    assert_eq!(hooks.len(), 2);
}
