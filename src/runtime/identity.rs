//! What a case runs, as a name: two runs with the same name are of the same target.

use std::fs;

use super::program::hash;
use crate::case::{Case, Code, Program, Request, Tools};

/// Digits that are kept; a change is to be seen, not to be proven.
const DIGITS: usize = 16;

/// A hash of what the case runs, as it is written: the code, the arguments, their surroundings.
///
/// What is installed for it (`requires`, `interpreter`) is left out: a baseline is there to tell
/// what a new version of a package does. Binaries behind a command are not read, for the same reason.
pub fn identity(case: &Case) -> String {
    let mut parts: Vec<String> = Vec::new();
    match &case.target.program {
        Program::Snippet(snippet) => {
            parts.push(format!("snippet {}", snippet.language.name()));
            let code =
                |code: &Option<Code>| code.as_ref().map_or(String::new(), |c| c.text.clone());
            parts.push(code(&snippet.prelude));
            parts.push(code(&snippet.setup));
            parts.push(snippet.run.text.clone());
            parts.push(code(&snippet.teardown));
            flags(&snippet.tools, &mut parts);
        }
        Program::File(file) => {
            parts.push(format!("file {}", file.language.name()));
            // A file that can not be read fails when it is run, and says so.
            parts.push(fs::read_to_string(&file.path).unwrap_or_default());
            flags(&file.tools, &mut parts);
        }
        Program::Command(command) => {
            parts.push(format!("command, shell {}", command.shell));
            parts.extend(command.argv.iter().cloned());
        }
        Program::Service(service) => {
            parts.push(format!("service, shell {}", service.command.shell));
            parts.extend(service.command.argv.iter().cloned());
            match &service.request {
                Request::Http(http) => {
                    parts.push(format!("request {} {}", http.method, http.url));
                    parts.extend(
                        http.headers
                            .iter()
                            .map(|(name, value)| format!("{name}: {value}")),
                    );
                    parts.push(http.body.clone().unwrap_or_default());
                }
                Request::Command(argv) => {
                    parts.push("request by a command".to_owned());
                    parts.extend(argv.iter().cloned());
                }
            }
        }
    }
    let target = &case.target;
    parts.push(format!("clean {}", target.clean_env));
    for (name, value) in &target.env {
        parts.push(format!("{name}={value:?}"));
    }
    parts.push(target.stdin.clone().unwrap_or_default());
    let measure = &case.measure;
    parts.push(format!("batch {}", measure.batch.unwrap_or(1)));
    parts.push(format!("children {:?}", measure.children));
    parts.push(measure.progress.clone().unwrap_or_default());
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let mut name = hash(&parts);
    name.truncate(DIGITS);
    name
}

fn flags(tools: &Tools, parts: &mut Vec<String>) {
    parts.push(tools.flags.len().to_string());
    parts.extend(tools.flags.iter().cloned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::file::parse;
    use std::path::Path;

    fn name(text: &str) -> String {
        let cases = parse(text.as_bytes(), Path::new("a.yaml"), "a").unwrap();
        identity(&cases[0])
    }

    #[test]
    fn a_name_changes_with_what_is_run_and_with_nothing_else() {
        let base = name("target: {language: python, run: 'pass'}\n");
        for same in [
            "description: other\ntarget: {language: python, run: 'pass'}\n",
            "target: {language: python, run: 'pass', requires: [six==1.16.0]}\nexpect: leak\n",
            "target: {language: python, run: 'pass'}\nlimits: {slope: 1 KiB}\nmeasure: {processes: 5}\n",
        ] {
            assert_eq!(name(same), base, "{same}");
        }
        for other in [
            "target: {language: python, run: 'x = 1'}\n",
            "target: {language: shell, run: 'pass'}\n",
            "target: {language: python, setup: 'x = 1', run: 'pass'}\n",
            "target: {language: python, run: 'pass', flags: [-O]}\n",
            "target: {language: python, run: 'pass', env: {A: b}}\n",
            "target: {language: python, run: 'pass'}\nmeasure: {batch: 2}\n",
        ] {
            assert_ne!(name(other), base, "{other}");
        }
        assert_eq!(base.len(), DIGITS);
    }
}
