//! Java: one generated class around the snippet, compiled once by the JDK's compiler.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::prepare::{Context, Source, target_file, tools};
use super::program::{Text, hash};
use super::{Launch, PrepareError, find, tool};
use crate::case::{Case, Code, Snippet};
use crate::trace::Heap;

const DRIVER: &str = include_str!("java/Memcase.java");
const AROUND_FILE: &str = include_str!("java/AroundFile.java");
/// The tracer of a run that is explained, and what reads its recording: classes with their files.
const EXPLAIN: [(&str, &str); 6] = [
    (
        "MemcaseTracer",
        include_str!("java/explain/MemcaseTracer.java"),
    ),
    (
        "MemcaseFindings",
        include_str!("java/explain/MemcaseFindings.java"),
    ),
    (
        "MemcaseChains",
        include_str!("java/explain/MemcaseChains.java"),
    ),
    (
        "MemcaseVariables",
        include_str!("java/explain/MemcaseVariables.java"),
    ),
    (
        "MemcasePlaces",
        include_str!("java/explain/MemcasePlaces.java"),
    ),
    ("MemcaseJson", include_str!("java/explain/MemcaseJson.java")),
];
/// Without buffers of threads the recorder sees every allocation, and with few objects that are young it forgets
/// those that are dead before it has too many. G1 allocates nothing behind its back.
const TRACED: [&str; 4] = [
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:+UseG1GC",
    "-XX:-UseTLAB",
    "-Xmn4m",
];
/// Objects that the recorder may follow at once.
const FOLLOWED: usize = 200_000;
const COMPILE_LIMIT: Duration = Duration::from_mins(5);
const ASK_LIMIT: Duration = Duration::from_mins(1);
/// The compiler runs for a second: it need not optimise itself.
const COMPILER: [&str; 2] = ["-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC"];

/// The JVM and the compiler beside it: those the case names, `JAVA_HOME`, PATH.
pub(super) fn find(case: &Case, folder: &Path) -> Result<(PathBuf, PathBuf), PrepareError> {
    let missing = |program: &str, remedy: &str| PrepareError::Missing {
        language: "Java",
        program: program.to_owned(),
        remedy: remedy.to_owned(),
    };
    let java = if let Some(name) = tools(case).and_then(|tools| tools.interpreter.as_deref()) {
        let remedy = "correct `target.interpreter`, or leave it out to use `java`";
        find::program(name, folder).ok_or_else(|| missing(name, remedy))?
    } else {
        let remedy = "install a JDK, 11 or later (Debian: default-jdk-headless), or name its \
                      `java` with `target.interpreter`";
        std::env::var_os("JAVA_HOME")
            .map(|home| Path::new(&home).join("bin/java"))
            .filter(|program| find::is_program(program))
            .or_else(|| find::program("java", folder))
            .ok_or_else(|| missing("java", remedy))?
    };
    // A link may lead from a folder of programs into the JDK.
    let real = java.canonicalize().unwrap_or_else(|_| java.clone());
    let javac = [real, java.clone()]
        .iter()
        .map(|java| java.with_file_name("javac"))
        .find(|javac| find::is_program(javac))
        .or_else(|| find::program("javac", folder));
    let remedy = "the JVM is there and its compiler is not: install a JDK (Debian: \
                  default-jdk-headless)";
    let javac = javac.ok_or_else(|| missing("javac", remedy))?;
    Ok((java, javac))
}

pub(super) fn prepare(context: &Context) -> Result<Launch, PrepareError> {
    let source = context.source()?;
    context.refuse_packages(
        &source,
        "name the archives with `flags: [-cp, lib/NAME.jar]`",
    )?;
    let (java, javac) = find(context.case, &context.folder)?;
    let version = tool::version(&java)?;
    let mut launch = context.launch();
    let mut files = vec![context.write("Memcase", ".java", DRIVER)?];
    let mut beside = String::new();
    // Where the lines of the case stand, for the tracer.
    let place;
    match &source {
        Source::Snippet(snippet) => {
            let case_text = std::fs::read_to_string(&context.file).unwrap_or_default();
            let text = assemble(snippet, &case_text);
            let (text, segments) = text.finish();
            let path = context.write("java", ".java", &text)?;
            // The compiler names the path, and the JVM the file.
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let map = &mut launch.source_map.files;
            map.insert(name.into_owned(), segments.clone());
            map.insert(path.display().to_string(), segments);
            place = format!("-Dmemcase.source={}", path.display());
            files.push(path);
        }
        Source::File(target) => {
            let path = target_file(target);
            let class = path.file_stem().unwrap_or_default().to_string_lossy();
            let text = AROUND_FILE.replace("CLASS", &class);
            files.push(context.write("java", ".java", &text)?);
            // A file target can change under the same name: its content counts.
            beside = context.read(&path)?;
            place = format!("-Dmemcase.file={}", path.display());
            files.push(path);
        }
    }
    let mut given = Flags::new(&source.tools().flags, &context.folder);
    if context.explained {
        refuse_without_recorder(&java)?;
        for (name, text) in EXPLAIN {
            files.push(context.write(name, ".java", text)?);
        }
        given.trace(context, place);
        launch.takes_explain_orders = true;
    }
    let classes = compile(context, &javac, &version, &files, &beside, &given)
        .map_err(|error| error.translated(&launch.source_map))?;
    launch.argv.push(java.into());
    launch.argv.extend(given.jvm.iter().map(Into::into));
    launch.argv.extend(given.both.iter().map(Into::into));
    let mut path = classes.into_os_string();
    path.push(":");
    path.push(&given.class_path);
    launch.argv.extend(["-cp".into(), path, "Memcase".into()]);
    launch.runtime = version;
    launch.heap = Heap::Jvm;
    if context.collects() {
        launch
            .reducers
            .push("System.gc at sparse points".to_owned());
    }
    Ok(launch)
}

/// The arguments of a case, by who takes them.
struct Flags {
    /// The case's own class path and its folder.
    class_path: String,
    /// For the compiler and the JVM: modules.
    both: Vec<String>,
    /// For the JVM.
    jvm: Vec<String>,
}

impl Flags {
    fn new(flags: &[String], folder: &Path) -> Self {
        let mut found = Self {
            class_path: String::new(),
            both: Vec::new(),
            jvm: Vec::new(),
        };
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            if matches!(flag.as_str(), "-cp" | "-classpath" | "--class-path") {
                for entry in flags.next().map_or("", String::as_str).split(':') {
                    let entry = folder.join(entry);
                    found.class_path.push_str(&entry.to_string_lossy());
                    found.class_path.push(':');
                }
            } else if flag.starts_with("--add-") {
                found.both.push(flag.clone());
                if !flag.contains('=') {
                    found.both.extend(flags.next().cloned());
                }
            } else {
                found.jvm.push(flag.clone());
            }
        }
        found.class_path.push_str(&folder.to_string_lossy());
        found
    }

    /// Makes them those of a run that is explained.
    fn trace(&mut self, context: &Context, place: String) {
        self.jvm.retain(|flag| !chooses_memory(flag));
        self.jvm.extend(TRACED.map(str::to_owned));
        let mut recorder = format!("-XX:FlightRecorderOptions=old-object-queue-size={FOLLOWED}");
        let repository = context.work.display().to_string();
        // A comma would begin another option: then it is the folder of temporary files.
        if !repository.contains(',') {
            recorder = format!("{recorder},repository={repository}");
        }
        let folder = format!("-Dmemcase.folder={}", context.folder.display());
        self.jvm.extend([recorder, place, folder]);
    }
}

/// Whether a flag chooses the collector or its young generation.
fn chooses_memory(flag: &str) -> bool {
    let collector = flag.starts_with("-XX:+Use") && flag.ends_with("GC");
    let young = ["-Xmn", "-XX:NewSize=", "-XX:MaxNewSize=", "-XX:NewRatio="];
    collector || young.iter().any(|begin| flag.starts_with(begin))
}

/// A JVM whose modules have no recorder can not be traced.
fn refuse_without_recorder(java: &Path) -> Result<(), PrepareError> {
    let what = "asking the JVM for its modules";
    let said = tool::run(what, Command::new(java).arg("--list-modules"), ASK_LIMIT)?;
    let has = |name: &str| {
        said.lines()
            .any(|line| line.split('@').next() == Some(name))
    };
    if has("jdk.jfr") && has("jdk.management") {
        return Ok(());
    }
    Err(PrepareError::Unsupported {
        what: format!(
            "{} has no JDK Flight Recorder (the modules jdk.jfr and jdk.management)",
            java.display()
        ),
        remedy: "a Java case is explained by a JDK with HotSpot that has all of its modules"
            .to_owned(),
    })
}

/// Compiles into a folder of classes, unless the same was compiled before.
fn compile(
    context: &Context,
    javac: &Path,
    version: &str,
    files: &[PathBuf],
    beside: &str,
    given: &Flags,
) -> Result<PathBuf, PrepareError> {
    static FRESH: AtomicUsize = AtomicUsize::new(0);
    let names: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
    let key = hash(&[
        &names.join("\n"),
        beside,
        &javac.to_string_lossy(),
        version,
        &given.class_path,
        &given.both.join("\n"),
    ]);
    let built = context.work.join(format!("classes-{key}"));
    if built.exists() {
        return Ok(built);
    }
    // Another case may be compiling the same: the first one to finish wins.
    let number = FRESH.fetch_add(1, Ordering::Relaxed);
    let fresh = context.work.join(format!("compiling-{key}-{number}"));
    let what = "compiling the Java code";
    (context.progress)(what);
    let mut command = Command::new(javac);
    command
        .args(COMPILER)
        .args([
            "-g",
            "-nowarn",
            "-Xlint:none",
            "-proc:none",
            "-encoding",
            "UTF-8",
        ])
        .args(&given.both)
        .args(["-cp", &given.class_path, "-d"])
        .arg(&fresh)
        .args(files)
        .current_dir(&context.folder);
    tool::run(what, &mut command, COMPILE_LIMIT)?;
    match std::fs::rename(&fresh, &built) {
        Err(error) if !built.exists() => Err(PrepareError::Io {
            what: format!("naming {}", built.display()),
            error,
        }),
        _ => Ok(built),
    }
}

/// The snippet within one method: what `setup` declares is seen by `run` and `teardown`.
/// `break` and `continue` end an iteration.
fn assemble(snippet: &Snippet, case_text: &str) -> Text {
    let mut text = Text::default();
    let (imports, members) = split(snippet.prelude.as_ref());
    if let Some(imports) = imports {
        text.code(&imports, case_text);
    }
    text.own("final class MemcaseCase {");
    if let Some(members) = members {
        text.code(&members, case_text);
    }
    text.own("void memcase() throws Throwable {");
    if let Some(setup) = &snippet.setup {
        text.code(setup, case_text);
    }
    text.own(
        "Memcase.ready();
for (int memcaseLeft, memcaseNext = 0; (memcaseLeft = Memcase.turn()) > 0; Memcase.answer(memcaseNext))
while (memcaseLeft-- > 0) {
final int iteration = memcaseNext++;
for (boolean memcaseOnce = true; memcaseOnce; memcaseOnce = false) {",
    );
    text.code(&snippet.run, case_text);
    text.own("}}");
    if let Some(teardown) = &snippet.teardown {
        text.code(teardown, case_text);
    }
    text.own("}}");
    text
}

/// The imports at the head of a prelude, which stand in front of a class, and the rest,
/// which stands within it.
fn split(prelude: Option<&Code>) -> (Option<Code>, Option<Code>) {
    let Some(prelude) = prelude else {
        return (None, None);
    };
    let lines: Vec<_> = prelude.text.lines().collect();
    let is_import = |line: &&str| line.trim_start().starts_with("import ");
    let head = lines.iter().rposition(is_import).map_or(0, |last| last + 1);
    let piece = |from: usize, to: usize| {
        (from < to).then(|| Code {
            text: lines[from..to].join("\n"),
            line: prelude.line + from,
        })
    };
    (piece(0, head), piece(head, lines.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_stand_in_front_of_the_class_and_the_rest_within_it() {
        let prelude = Code {
            text: "import a.B;\n\nimport c.*;\nstatic int n;\nint f() { return n; }\n".to_owned(),
            line: 4,
        };
        let (imports, members) = split(Some(&prelude));
        assert_eq!(imports.unwrap().text, "import a.B;\n\nimport c.*;");
        let members = members.unwrap();
        assert_eq!(members.line, 7);
        assert_eq!(members.text, "static int n;\nint f() { return n; }");
        assert_eq!(split(None), (None, None));
    }

    #[test]
    fn class_paths_and_modules_go_to_the_compiler_too() {
        let flags = [
            "-Xmx64m",
            "-cp",
            "a.jar:/b.jar",
            "--add-modules",
            "java.sql",
        ];
        let flags = Flags::new(&flags.map(str::to_owned), Path::new("/cases"));
        assert_eq!(flags.class_path, "/cases/a.jar:/b.jar:/cases");
        assert_eq!(flags.both, ["--add-modules", "java.sql"]);
        assert_eq!(flags.jvm, ["-Xmx64m"]);
    }
}
