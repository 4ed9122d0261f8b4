//! Programs in C around the step protocol, and their counters after each turn.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use memcase::measure::driver::step;
use memcase::measure::probe::counters::{Counters, InUse};
use memcase::measure::process::{Exit, Process, StartOptions};
use memcase::measure::{Session, SessionOptions};
use memcase::runtime::Launch;
use memcase::trace::Trace;
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// A program in C: text at file level, what is run once, and what is run at each turn, with its number in `i`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Program<'a> {
    pub(crate) prelude: &'a str,
    pub(crate) setup: &'a str,
    pub(crate) body: &'a str,
}

impl Program<'_> {
    pub(crate) fn text(&self) -> String {
        let Self {
            prelude,
            setup,
            body,
        } = self;
        format!(
            "#define _GNU_SOURCE\n\
             #include <errno.h>\n#include <malloc.h>\n#include <pthread.h>\n#include <signal.h>\n\
             #include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <sys/mman.h>\n\
             #include <sys/wait.h>\n#include <unistd.h>\n\
             #define CHECK(what) do {{ if (!(what)) {{ perror(#what); _exit(9); }} }} while (0)\n\
             static void answer(void) {{ CHECK(write(4, \"\\n\", 1) == 1); }}\n\
             static int order(void) {{ char byte; return read(3, &byte, 1) == 1; }}\n\
             {prelude}\n\
             int main(int argc, char **argv) {{\n(void) argc; (void) argv;\n{setup}\n\
             answer();\nfor (long i = 0; order(); i++) {{\n{body}\nanswer(); }}\nreturn 0; }}\n"
        )
    }
}

/// Compiles C with a compiler (`gcc`, `g++`, `musl-gcc`); the program is in the folder.
pub(crate) fn compile(
    folder: &Path,
    compiler: &str,
    name: &str,
    text: &str,
    flags: &[&str],
) -> PathBuf {
    let source = folder.join(format!(
        "{name}.{}",
        if compiler == "g++" { "cc" } else { "c" }
    ));
    std::fs::write(&source, text).unwrap();
    let built = folder.join(name);
    let output = Command::new(compiler)
        .args(["-O0", "-w", "-pthread"])
        .arg(&source)
        .arg("-o")
        .arg(&built)
        .args(flags)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{text}");
    built
}

/// Whether a compiler with these flags makes a program here; says so where it does not.
pub(crate) fn can_compile(compiler: &str, flags: &[&str]) -> bool {
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("try.c");
    std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let tried = Command::new(compiler)
        .arg(&source)
        .arg("-o")
        .arg(folder.path().join("try"))
        .args(flags)
        .output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        println!(
            "skipped: `{compiler} {}` makes no program here",
            flags.join(" ")
        );
    }
    can
}

pub(crate) fn launch(argv: &[&str]) -> Launch {
    Launch {
        argv: argv.iter().map(OsString::from).collect(),
        cwd: "/".into(),
        ..Launch::default()
    }
}

/// A target whose counters are read at its quiescent points.
pub(crate) struct Target {
    process: Process,
    counters: Counters,
    folder: TempDir,
}

impl Target {
    /// Compiles and starts a program.
    pub(crate) fn of(program: Program<'_>) -> Self {
        Self::built(program, "gcc", &[])
    }

    pub(crate) fn built(program: Program<'_>, compiler: &str, flags: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let built = compile(folder.path(), compiler, "program", &program.text(), flags);
        Self::start(&launch(&[built.to_str().unwrap()]), folder)
    }

    pub(crate) fn start(launch: &Launch, folder: TempDir) -> Self {
        let options = StartOptions {
            case: "test".to_owned(),
            process: 1,
            batch: 1,
            collect: true,
            trim: true,
            memory: None,
            log: folder.path().join("log"),
        };
        let mut process = Process::start(launch, &options).unwrap();
        let ready = step::answer(&mut process, Instant::now() + PATIENCE);
        if let Err(failure) = ready {
            panic!("{failure:?}: {}", process.end(false).1);
        }
        let counters = Counters::open(process.counters().unwrap()).unwrap();
        Self {
            process,
            counters,
            folder,
        }
    }

    /// What it has in use now.
    pub(crate) fn in_use(&mut self) -> InUse {
        let (sum, counted) = self.counters.read(std::iter::once(self.process.pid()));
        assert_eq!(counted, 1, "the target is counted");
        sum
    }

    /// What another process has in use.
    pub(crate) fn in_use_by(&mut self, pid: u32) -> Option<InUse> {
        let (sum, counted) = self.counters.read(std::iter::once(pid));
        (counted == 1).then_some(sum)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Processes that found no room.
    pub(crate) fn lost(&self) -> u32 {
        self.counters.lost()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn turn(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        if let Err(failure) = step::turn(&mut self.process, step::GO, deadline) {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            panic!("{failure:?}: {}", log.unwrap_or_default());
        }
    }

    /// What changes over one turn: bytes and blocks in use, and bytes mapped.
    pub(crate) fn change(&mut self) -> (i64, i64, i64) {
        let before = self.in_use();
        self.turn();
        let after = self.in_use();
        (
            after.bytes - before.bytes,
            after.blocks - before.blocks,
            after.mapped - before.mapped,
        )
    }

    /// Bytes and blocks that change over each of some turns.
    pub(crate) fn changes(&mut self, turns: usize) -> Vec<(i64, i64)> {
        (0..turns)
            .map(|_| {
                let (bytes, blocks, _) = self.change();
                (bytes, blocks)
            })
            .collect()
    }

    /// Ends it; its last words.
    pub(crate) fn end(mut self) -> String {
        self.process.close();
        let exit = self.process.wait(PATIENCE);
        let (_, output) = self.process.end(false);
        assert!(exit.is_some_and(Exit::is_success), "{exit:?}: {output}");
        output
    }
}

/// What each of a few turns of `body` changes, in bytes and blocks: the same in all but the first.
pub(crate) fn each(body: &str) -> (i64, i64) {
    each_of(Program {
        body,
        ..Program::default()
    })
}

pub(crate) fn each_of(program: Program<'_>) -> (i64, i64) {
    steady(Target::of(program))
}

pub(crate) fn steady(mut target: Target) -> (i64, i64) {
    target.turn();
    let changes = target.changes(5);
    assert!(
        changes.windows(2).all(|pair| pair[0] == pair[1]),
        "{changes:?}"
    );
    target.end();
    changes[0]
}

/// A session of a few turns; its trace.
pub(crate) fn session(launch: &Launch, turns: u64) -> Trace {
    let folder = TempDir::new().unwrap();
    let options = SessionOptions {
        case: "test".to_owned(),
        process: 1,
        timeout: PATIENCE,
        growth_cap: 1 << 30,
        horizon: 100,
        collect: true,
        trim: true,
        batch: 1,
        children: true,
        memory: None,
        log: folder.path().join("log"),
    };
    let mut session = Session::start(launch, options).unwrap();
    session
        .advance(turns, Instant::now() + PATIENCE, &mut |_, _| {})
        .unwrap();
    let finished = session.finish();
    assert_eq!(finished.broken, None, "{}", finished.output);
    finished.trace
}

/// Change of each metric's reading from one iteration to the next, the first left out.
pub(crate) fn steps(trace: &Trace, metric: memcase::trace::Metric) -> Vec<i64> {
    let values = &trace.get(metric).unwrap().values;
    values[1..]
        .windows(2)
        .map(|pair| pair[1] as i64 - pair[0] as i64)
        .collect()
}
