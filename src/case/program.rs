//! What the keys of `target` mean together: a snippet, a file or a command.

use std::path::{Path, PathBuf};

use super::error::printable;
use super::lower::Lower;
use super::model::{CommandTarget, FileTarget, Language, Program, Snippet, Target, Tools};
use super::report::{key_mark, walk};
use super::written::{WrittenCommand, WrittenTarget};

impl Lower<'_, '_> {
    /// The target, or none where a mistake leaves it without meaning.
    pub(crate) fn target(&mut self, mut written: WrittenTarget) -> Option<Target> {
        let env = written.env.take().unwrap_or_default();
        for name in env.keys() {
            if name.is_empty() || name.contains(['=', '\0']) {
                let (_, node) = walk(self.root, "target.env");
                let mark = node.get(name).map_or(node.mark, |(key, _)| key.mark);
                self.add(
                    mark,
                    "target.env",
                    format!("`{}` is not the name of a variable", printable(name, 60)),
                    "write `NAME: value`",
                );
            }
        }
        let cwd = self
            .text("target.cwd", written.cwd.take())
            .map(PathBuf::from);
        let stdin = written.stdin.take();
        let clean_env = written.clean_env.unwrap_or(false);
        let program = self.program(written);
        Some(Target {
            program: program?,
            env,
            clean_env,
            cwd,
            stdin,
        })
    }

    fn program(&mut self, written: WrittenTarget) -> Option<Program> {
        if written.service.is_some() {
            return self.service(written);
        }
        if written.command.is_some() {
            return self.command(written);
        }
        if written.shell.is_some() {
            self.wrong_key(
                "target.shell",
                "speaks of `command`, and there is none",
                "for a snippet of shell write `language: shell`",
            );
        }
        if written.file.is_none() && written.run.is_none() {
            let doubtful = ["run", "file", "command", "service"]
                .iter()
                .any(|key| self.report.doubts(&format!("target.{key}")));
            if !doubtful {
                self.missing(
                    "target.run",
                    key_mark(self.root, "target"),
                    "is missing, so there is nothing to run",
                    "add `run:` with a snippet, `file:` with functions, or `command:` or `service:` with a program",
                );
            }
        }
        if written.file.is_some() {
            self.refuse_code_beside_file(&written);
        }
        let Some(language) = written.language else {
            self.missing(
                "target.language",
                key_mark(self.root, "target"),
                "is missing",
                "add `language:` with `python`, `node`, `ruby`, `perl`, `php`, `lua`, `java`, `c`, `cpp`, `rust` or `shell`",
            );
            return None;
        };
        let tools = self.tools(language, &written);
        if written.file.is_some() {
            return self.file(language, tools, written.file);
        }
        if written.prelude.is_some() && !language.has_prelude() {
            self.wrong_key(
                "target.prelude",
                format!("has no meaning in {}", language.name()),
                "it holds file-level code of a compiled language; put imports and functions into `setup`",
            );
        }
        let prelude = self.code("target.prelude", written.prelude);
        let setup = self.code("target.setup", written.setup);
        let teardown = self.code("target.teardown", written.teardown);
        let run = self.code("target.run", written.run);
        Some(Program::Snippet(Snippet {
            language,
            prelude,
            setup,
            run: run?,
            teardown,
            tools,
        }))
    }

    pub(super) fn tools(&mut self, language: Language, written: &WrittenTarget) -> Tools {
        let requires = written.requires.clone().unwrap_or_default();
        for (index, package) in requires.iter().enumerate() {
            let path = format!("target.requires.{index}");
            if package.trim().is_empty() || package.contains(['\n', '\0']) {
                self.wrong(
                    &path,
                    "is not a package",
                    "write for example `requires: [pandas==2.0.3]`",
                );
            } else if package.starts_with('-') && language != Language::Python {
                self.wrong(
                    &path,
                    format!("`{}` is an option, not a package", printable(package, 60)),
                    "name the package alone; only Python takes options of pip here (`--no-binary ijson`)",
                );
            }
        }
        if !requires.is_empty() && !language.has_packages() {
            self.wrong_key(
                "target.requires",
                format!("memcase knows no packages for {}", language.name()),
                instead_of_packages(language),
            );
        }
        Tools {
            flags: written.flags.clone().unwrap_or_default(),
            requires,
            interpreter: self.text("target.interpreter", written.interpreter.clone()),
        }
    }

    fn refuse_code_beside_file(&mut self, written: &WrittenTarget) {
        self.refuse_beside(
            "file",
            &[
                ("prelude", written.prelude.is_some()),
                ("setup", written.setup.is_some()),
                ("run", written.run.is_some()),
                ("teardown", written.teardown.is_some()),
            ],
            "keep either the file or the inline code",
        );
    }

    fn file(&mut self, language: Language, tools: Tools, file: Option<String>) -> Option<Program> {
        let written = self.text("target.file", file)?;
        let path = self.file.parent().unwrap_or(Path::new("")).join(&written);
        if !(self.exists)(&path) {
            self.wrong(
                "target.file",
                format!(
                    "there is no file `{}` beside the case",
                    printable(&written, 80)
                ),
                "the path starts at the folder of the case file",
            );
        }
        Some(Program::File(FileTarget {
            language,
            path,
            tools,
        }))
    }

    fn command(&mut self, written: WrittenTarget) -> Option<Program> {
        self.refuse_beside(
            "command",
            &[
                ("language", written.language.is_some()),
                ("prelude", written.prelude.is_some()),
                ("setup", written.setup.is_some()),
                ("run", written.run.is_some()),
                ("teardown", written.teardown.is_some()),
                ("file", written.file.is_some()),
                ("flags", written.flags.is_some()),
                ("requires", written.requires.is_some()),
                ("interpreter", written.interpreter.is_some()),
            ],
            "a command is a whole program; keep either the command or the code",
        );
        let command = self.argv("target", written.command, written.shell)?;
        Some(Program::Command(command))
    }

    /// The words of a command: those of a list, or a line for a shell.
    pub(super) fn argv(
        &mut self,
        place: &str,
        written: Option<WrittenCommand>,
        shell: Option<bool>,
    ) -> Option<CommandTarget> {
        let path = format!("{place}.command");
        let shell = shell.unwrap_or(false);
        let argv = match written? {
            WrittenCommand::List(argv) => argv,
            WrittenCommand::Line(line) if shell => vec![line],
            WrittenCommand::Line(line) => {
                let words: Vec<&str> = line.split_whitespace().collect();
                self.wrong(
                    &path,
                    "is one text, and no shell splits it",
                    &format!(
                        "write `command: [{}]`, or add `shell: true`",
                        printable(&words.join(", "), 80)
                    ),
                );
                return None;
            }
        };
        if shell && argv.len() != 1 {
            self.wrong(
                &path,
                "is a list, and `shell: true` takes one line",
                "write the line as text, or remove `shell: true`",
            );
        }
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            self.wrong(&path, "names no program", "put the program first");
        }
        Some(CommandTarget { argv, shell })
    }

    pub(super) fn refuse_beside(&mut self, kept: &str, keys: &[(&str, bool)], help: &str) {
        for (key, _) in keys.iter().filter(|(_, present)| *present) {
            self.wrong_key(
                &format!("target.{key}"),
                format!("cannot stand beside `{kept}`"),
                help,
            );
        }
    }
}

/// How a case comes to libraries where memcase installs none.
fn instead_of_packages(language: Language) -> &'static str {
    match language {
        Language::Java => "name the archives with `flags: [-cp, lib/NAME.jar]`",
        Language::Ruby | Language::Perl => {
            "install them on the machine, or name their folder with `flags: [-I, FOLDER]`"
        }
        Language::Php => "install them beside the case, and `require` their autoloader in `setup`",
        Language::Lua => "install them on the machine, or set `LUA_PATH` in `env`",
        Language::Shell => "install them on the machine",
        Language::C | Language::Cpp | Language::Python | Language::Node | Language::Rust => {
            "link a library of the system with `flags: [-lz]`"
        }
    }
}
