//! What a case is made of, as far as can be told without running it: files that touch it when they change.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::eyes::Places;
use crate::case::{Case, Code, Language, Program, Request, Stop, Tools};

/// Of a target's own file so much is searched for names of files.
const SEARCHED: usize = 1 << 18;

/// No name of a file is longer, for the kernel.
const LONGEST: usize = 4096;

/// What a case is made of; no path has a link in it, but perhaps in its last part.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct MadeOf {
    /// Files that are named.
    files: BTreeSet<PathBuf>,
    /// Folders of which every file counts.
    whole: BTreeSet<PathBuf>,
    /// Folders of which sources count.
    sources: BTreeSet<PathBuf>,
    /// How names of sources end.
    endings: BTreeSet<&'static str>,
}

impl MadeOf {
    /// What `case` is made of, of a run that was started in the folder `here`.
    pub fn of(case: &Case, here: &Path) -> Self {
        let mut made = Self::default();
        made.add_file(&case.file);
        let folder = real(case.file.parent().unwrap_or(Path::new("")));
        let mut bases = vec![folder.clone()];
        if folder.starts_with(here) {
            made.sources.insert(here.to_owned());
        }
        if let Some(cwd) = &case.target.cwd {
            let cwd = real(&folder.join(cwd));
            made.add_folder(&cwd, here, &folder);
            bases.push(cwd);
        }
        made.sources.insert(folder);
        let mut search = Search {
            made: &mut made,
            bases,
            here,
        };
        search.program(&case.target.program);
        for value in case.target.env.values().flatten() {
            search.words(value);
        }
        if made.endings.is_empty() {
            // Nothing tells what the program is written in.
            let all = Language::ALL.into_iter().flat_map(endings);
            made.endings.extend(all.copied());
        }
        made
    }

    /// Whether a change of `path` touches the case. `was_folder` says that a watched folder went or came there, and
    /// `ignored` that it is no source.
    pub fn is_touched_by(&self, path: &Path, was_folder: bool, ignored: bool) -> bool {
        if self.files.contains(path) {
            return true;
        }
        let below = |folders: &BTreeSet<PathBuf>| folders.iter().any(|f| path.starts_with(f));
        let ending = path.extension().and_then(|ending| ending.to_str());
        let is_source = was_folder || ending.is_some_and(|ending| self.endings.contains(ending));
        !ignored && (below(&self.whole) || (is_source && below(&self.sources)))
    }

    /// Whether the file is named, so that it is looked at wherever it is.
    pub fn names(&self, path: &Path) -> bool {
        self.files.contains(path)
    }

    /// Adds the folders where it is to be seen.
    pub fn add_to(&self, places: &mut Places) {
        let folders = self.files.iter().filter_map(|file| file.parent());
        places.folders.extend(folders.map(Path::to_owned));
        let trees = self.whole.iter().chain(&self.sources);
        places.trees.extend(trees.cloned());
    }

    /// A file, as it is named and where it lies.
    fn add_file(&mut self, path: &Path) {
        let named = path.parent().zip(path.file_name());
        let named = named.map(|(folder, name)| real(folder).join(name));
        self.files.extend(named);
        self.files.insert(real(path));
    }

    /// A folder that is named. Of one that holds the project, or the case, only sources count.
    fn add_folder(&mut self, path: &Path, here: &Path, folder: &Path) {
        let all = if here.starts_with(path) || folder.starts_with(path) {
            &mut self.sources
        } else {
            &mut self.whole
        };
        all.insert(path.to_owned());
    }
}

/// Where it lies; a path that leads nowhere is kept, from the root.
fn real(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// The search for names of files and folders in texts.
struct Search<'a> {
    made: &'a mut MadeOf,
    /// Folders that relative names are meant from.
    bases: Vec<PathBuf>,
    here: &'a Path,
}

impl Search<'_> {
    fn program(&mut self, program: &Program) {
        match program {
            Program::Snippet(snippet) => {
                self.language(snippet.language);
                let parts = [&snippet.prelude, &snippet.setup, &snippet.teardown];
                let parts = parts.into_iter().flatten().chain([&snippet.run]);
                for Code { text, .. } in parts {
                    self.code(text);
                }
                self.tools(&snippet.tools);
            }
            Program::File(file) => {
                self.language(file.language);
                self.made.add_file(&file.path);
                let folder = real(file.path.parent().unwrap_or(Path::new("")));
                self.made.sources.insert(folder.clone());
                self.bases.push(folder);
                // One that can not be read fails when it is run, and says so.
                let text = fs::read(&file.path).unwrap_or_default();
                let text = String::from_utf8_lossy(&text[..text.len().min(SEARCHED)]);
                self.code(&text);
                self.tools(&file.tools);
            }
            Program::Command(command) => self.argv(&command.argv),
            Program::Service(service) => {
                self.argv(&service.command.argv);
                if let Request::Command(argv) = &service.request {
                    self.argv(argv);
                }
                if let Stop::Command(argv) = &service.stop {
                    self.argv(argv);
                }
                if let Some((language, tools)) = &service.packages {
                    self.language(*language);
                    self.tools(tools);
                }
            }
        }
    }

    fn language(&mut self, language: Language) {
        self.made.endings.extend(endings(language));
    }

    fn tools(&mut self, tools: &Tools) {
        let words = tools.flags.iter().chain(&tools.requires);
        for word in words.chain(&tools.interpreter) {
            self.words(word);
        }
    }

    /// Arguments of a program: a script among them tells what it is written in.
    fn argv(&mut self, argv: &[String]) {
        for word in argv {
            for file in self.words(word) {
                for language in Language::ALL {
                    if ends_with(&file, endings(language)) {
                        self.language(language);
                    }
                }
            }
        }
    }

    /// Names in a flag, an argument or a variable; the files among them are returned.
    fn words(&mut self, text: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for path in self.named(text, |name| name.contains(['/', '.'])) {
            if path.is_dir() {
                let folder = self.bases[0].clone();
                self.made.add_folder(&real(&path), self.here, &folder);
            } else {
                self.made.add_file(&path);
                files.push(path);
            }
        }
        files
    }

    /// Names in code: folders, as of a path to search for modules, and sources. Other files may be those that the code
    /// writes.
    fn code(&mut self, text: &str) {
        let is_name = |name: &str| name.contains('/') || is_source(Path::new(name));
        for path in self.named(text, is_name) {
            if path.is_dir() {
                self.made.sources.insert(real(&path));
            } else if is_source(&path) {
                self.made.add_file(&path);
            }
        }
    }

    /// Paths of the text that lead somewhere. Whole ones count below the present folder, and as files.
    fn named(&self, text: &str, is_name: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let is_end = |c: char| c.is_whitespace() || "\"'`=:,;()[]{}<>|&".contains(c);
        let mut found = Vec::new();
        for piece in text.split(is_end).chain([text]) {
            let value = piece.strip_prefix('-').and_then(|rest| rest.get(1..));
            for name in [Some(piece), value].into_iter().flatten() {
                if !is_name(name) || name.len() > LONGEST || name.contains(['\n', '\0']) {
                    continue;
                }
                for base in &self.bases {
                    let path = base.join(name);
                    let counts = Path::new(name).is_relative() || path.starts_with(self.here);
                    if path.is_file() || (counts && path.is_dir()) {
                        found.push(path);
                    }
                }
            }
        }
        found
    }
}

/// Whether a file is a source in any language.
fn is_source(path: &Path) -> bool {
    let mut all = Language::ALL.into_iter();
    all.any(|language| ends_with(path, endings(language)))
}

fn ends_with(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.contains(&ending))
}

/// How the names of a language's sources end, and of what is loaded into its programs.
fn endings(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => &["py", "pyi", "pyx", "pxd", "pth", "so"],
        Language::Node => &[
            "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "json", "node", "wasm",
        ],
        Language::C | Language::Cpp => &[
            "c", "h", "cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "h++", "ipp", "tpp", "inl",
            "inc", "def", "s", "S", "a", "o", "so",
        ],
        Language::Rust => &["rs", "toml"],
        Language::Shell => &["sh", "bash", "dash", "ksh", "zsh"],
        Language::Java => &["java", "jar", "class"],
        Language::Ruby => &["rb", "so"],
        Language::Perl => &["pl", "pm", "so"],
        Language::Php => &["php", "inc"],
        Language::Lua => &["lua", "so"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::discover;

    /// A project with one case, and which of these files touch it.
    fn touching(case: &str, files: &[&str], ask: &[&str]) -> Vec<String> {
        let place = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(place.path()).unwrap();
        for (file, text) in files
            .iter()
            .map(|file| (*file, ""))
            .chain([("cases/a.yaml", case)])
        {
            let path = top.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let loaded = discover::load(&[top.join("cases")]);
        assert_eq!(loaded.errors, []);
        let made = MadeOf::of(&loaded.cases[0], &top);
        let touches = |file: &&&str| made.is_touched_by(&top.join(file), false, false);
        let touching = ask.iter().filter(touches);
        touching.map(|file| (*file).to_owned()).collect()
    }

    #[test]
    fn the_case_and_all_sources_of_its_language_in_the_project_touch_it() {
        let case = "target: {language: python, run: 'pass'}\n";
        let ask = [
            "cases/a.yaml",
            "cases/b.yaml",
            "cases/helper.py",
            "src/pkg/deep/mod.py",
            "src/pkg/native.so",
            "src/x.js",
            "README.md",
        ];
        assert_eq!(
            touching(case, &[], &ask),
            [
                "cases/a.yaml",
                "cases/helper.py",
                "src/pkg/deep/mod.py",
                "src/pkg/native.so"
            ]
        );
    }

    #[test]
    fn files_and_folders_that_a_case_names_touch_it() {
        let case = "
target:
  language: c
  prelude: |
    #include \"../vendor/list.h\"
  run: ';'
  flags: [-I../native/include, -lz]
  env: {DATA: 'data/table.csv'}
  cwd: work
";
        let files = [
            "vendor/list.h",
            "native/include/a.weird",
            "cases/data/table.csv",
            "cases/work/input.txt",
        ];
        let mut ask = files.to_vec();
        ask.extend(["cases/data/other.csv", "native/notes.txt"]);
        assert_eq!(touching(case, &files, &ask), files);
    }

    #[test]
    fn a_command_is_touched_by_its_program_and_by_the_sources_of_its_scripts_language() {
        let case = "target: {command: [python3, ../tool/serve.py, --config, ../tool/conf.ini]}\nmeasure: {driver: clock}\n";
        let files = ["tool/serve.py", "tool/conf.ini"];
        let mut ask = files.to_vec();
        ask.extend(["lib/other.py", "lib/other.rb", "tool/other.ini"]);
        assert_eq!(
            touching(case, &files, &ask),
            ["tool/serve.py", "tool/conf.ini", "lib/other.py"]
        );
        let case = "target: {command: [../bin/serve]}\nmeasure: {driver: clock}\n";
        let ask = ["bin/serve", "lib/other.rb", "notes.txt"];
        assert_eq!(touching(case, &["bin/serve"], &ask), ask[..2]);
    }

    #[test]
    fn files_that_code_may_write_do_not_touch_it() {
        let case =
            "target: {language: python, run: \"open('../out.txt', 'w'); open('../in.js')\"}\n";
        let files = ["out.txt", "in.js"];
        assert_eq!(touching(case, &files, &files), ["in.js"]);
    }

    #[test]
    fn what_is_ignored_touches_only_where_it_is_named() {
        let mut made = MadeOf::default();
        made.files.insert("/p/bin/app".into());
        made.sources.insert("/p".into());
        made.endings.insert("py");
        let touches = |path: &str, was_folder, ignored| {
            made.is_touched_by(Path::new(path), was_folder, ignored)
        };
        assert!(touches("/p/bin/app", false, true));
        assert!(!touches("/p/gen.py", false, true));
        assert!(touches("/p/gen.py", false, false));
        assert!(touches("/p/pkg", true, false));
        assert!(!touches("/p/pkg", false, false));
    }
}
