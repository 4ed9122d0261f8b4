//! What the tests of the drivers share: a case from YAML-like text, and a harness.

use std::io::Write as _;
use std::path::Path;

use memcase::case::{
    Case, CaseId, Code, Expectation, FileTarget, Language, Limits, MeasureSettings, Program,
    Snippet, Target, Tools,
};

use crate::lockstep;

/// A case under construction: a file on disk that holds the code where the case says it is.
pub(crate) struct Draft {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) case: Case,
}

/// A case with the given parts, indented by four columns in a file like a case file:
/// `prelude` / `setup` / `run` / `teardown`, in the order given.
pub(crate) fn snippet(language: Language, parts: &[(&str, &str)]) -> Draft {
    let mut file = String::from("target:\n");
    let mut snippet = Snippet {
        language,
        prelude: None,
        setup: None,
        run: Code::default(),
        teardown: None,
        tools: Tools::default(),
    };
    for (name, text) in parts {
        file.push_str("  ");
        file.push_str(name);
        file.push_str(": |\n");
        let code = Code {
            text: format!("{text}\n"),
            line: file.lines().count() + 1,
        };
        for line in text.lines() {
            file.push_str("    ");
            file.push_str(line);
            file.push('\n');
        }
        match *name {
            "prelude" => snippet.prelude = Some(code),
            "setup" => snippet.setup = Some(code),
            "run" => snippet.run = code,
            "teardown" => snippet.teardown = Some(code),
            other => panic!("no part is called {other}"),
        }
    }
    draft(Program::Snippet(snippet), &file)
}

/// Whether a language can be run here. If not, the test says why it is skipped, past the capture
/// of its output.
pub(crate) fn is_here(language: Language) -> bool {
    let draft = snippet(language, &[("run", "")]);
    let Some(reason) = memcase::runtime::missing(&draft.case) else {
        return true;
    };
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "skipped: {reason}");
    false
}

/// A case with a file target beside it.
pub(crate) fn file(language: Language, name: &str, text: &str) -> Draft {
    let mut draft = draft(
        Program::File(FileTarget {
            language,
            path: name.into(),
            tools: Tools::default(),
        }),
        "target: {}\n",
    );
    let path = draft.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    if let Program::File(target) = &mut draft.case.target.program {
        target.path = path;
    }
    draft
}

/// A case for any program.
pub(crate) fn draft(program: Program, text: &str) -> Draft {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.yaml");
    std::fs::write(&path, text).unwrap();
    Draft {
        case: Case {
            id: CaseId("case".to_owned()),
            file: path,
            line: 1,
            description: None,
            source: None,
            tags: Vec::new(),
            ignore: None,
            target: Target {
                program,
                env: std::collections::BTreeMap::new(),
                clean_env: false,
                cwd: None,
                stdin: None,
            },
            expect: Expectation::default(),
            limits: Limits::default(),
            measure: MeasureSettings::default(),
        },
        folder,
    }
}

impl Draft {
    /// What the interpreter or compiler needs.
    pub(crate) fn tools(&mut self) -> &mut Tools {
        match &mut self.case.target.program {
            Program::Snippet(snippet) => &mut snippet.tools,
            Program::File(file) => &mut file.tools,
            Program::Command(_) | Program::Service(_) => panic!("a program has no tools"),
        }
    }

    /// Makes it ready; generated programs go beside the case.
    pub(crate) fn prepare(
        &self,
    ) -> Result<memcase::runtime::Launch, memcase::runtime::PrepareError> {
        self.prepare_in(self.folder.path())
    }

    /// Makes it ready with generated programs in `work`.
    pub(crate) fn prepare_in(
        &self,
        work: &Path,
    ) -> Result<memcase::runtime::Launch, memcase::runtime::PrepareError> {
        memcase::runtime::prepare(&self.case, work, &|_| ())
    }

    /// Makes it ready and starts it.
    pub(crate) fn start(&self) -> lockstep::Target {
        lockstep::Target::start(&self.prepare().unwrap(), &[]).unwrap()
    }

    /// What it says instead of getting ready.
    pub(crate) fn refused(&self) -> String {
        match self.prepare() {
            Err(error) => error.to_string(),
            Ok(launch) => match lockstep::Target::start(&launch, &[]) {
                Err(output) => output,
                Ok(_) => panic!("it got ready"),
            },
        }
    }
}
