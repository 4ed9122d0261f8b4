//! Measures memcase on a folder of labelled leaks: writes case files, runs them, counts right and wrong.
//!
//! ```console
//! $ cargo run --release --example corpus -- FOLDER --language python,node,c,rust --markdown table.md
//! ```
//!
//! Each entry of the folder is a sub-folder with an `entry.yaml` that [`entry::Entry`] describes.

mod culprits;
mod entry;
mod render;
mod score;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Parser;

use entry::Entry;
use score::{Judged, Labelled};

/// What each leak is made of, where it is not the heap.
const KINDS: &str = include_str!("kinds.yaml");

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs memcase on a folder of labelled leaks and prints how often it was right.
#[derive(Parser)]
struct Arguments {
    /// The folder with a sub-folder an entry.
    corpus: PathBuf,
    /// Languages to run; the others are skipped and counted.
    #[arg(long, value_delimiter = ',', default_value = "python,node,c,rust")]
    language: Vec<String>,
    /// Only entries whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Where the case files go; cleared first.
    #[arg(long, default_value = "target/corpus")]
    output: PathBuf,
    /// Where the tables go, as Markdown.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Explain the leaks, and score the places and holders that are named.
    #[arg(long)]
    explain: bool,
    /// Write the case files and stop.
    #[arg(long)]
    convert_only: bool,
    /// The program to measure with; default: this package's, built by cargo.
    #[arg(long)]
    memcase: Option<PathBuf>,
    /// Read the events of an earlier run instead of running.
    #[arg(long)]
    events: Option<PathBuf>,
    /// Further arguments for `memcase run`.
    #[arg(last = true)]
    further: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "corpus: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let mut skipped = 0;
    let mut labelled = Vec::new();
    let kinds: BTreeMap<String, Vec<String>> = serde_yaml::from_str(KINDS)?;
    let heap = vec!["heap".to_owned()];
    if arguments.output.exists() {
        fs::remove_dir_all(&arguments.output)?;
    }
    for entry in entries(&arguments.corpus)? {
        let wanted = arguments
            .only
            .as_ref()
            .is_none_or(|part| entry.id.contains(part));
        if !arguments.language.contains(&entry.language) || !wanted {
            skipped += 1;
            continue;
        }
        let explained = |variant: &entry::Variant| variant.leaks || !arguments.explain;
        for variant in entry.variants().into_iter().filter(explained) {
            let id = format!("{}/{}/{}", entry.language, entry.id, variant.name);
            let file = arguments.output.join(format!("{id}.yaml"));
            fs::create_dir_all(file.parent().expect("the path has a folder"))?;
            fs::write(file, serde_yaml::to_string(&entry.case(&variant))?)?;
            labelled.push(Labelled {
                id,
                language: entry.language.clone(),
                title: entry.title.clone(),
                leaks: variant.leaks,
                kinds: kinds.get(&entry.id).unwrap_or(&heap).clone(),
                recorded: entry.recorded(&variant).filter(|_| variant.leaks),
            });
        }
    }
    say(&format!(
        "{} cases written, {skipped} entries skipped",
        labelled.len()
    ));
    if arguments.convert_only {
        return Ok(());
    }
    let events = match &arguments.events {
        Some(file) => fs::read_to_string(file)?,
        None => measure(arguments)?,
    };
    let judged = Judged::join(&labelled, &events);
    let text = if arguments.explain {
        culprits::markdown(&events)?
    } else {
        render::markdown(&judged, skipped)
    };
    io::stdout().write_all(text.as_bytes())?;
    if let Some(file) = &arguments.markdown {
        fs::write(file, text)?;
    }
    Ok(())
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn entries(corpus: &Path) -> Result<Vec<Entry>> {
    let mut files: Vec<_> = fs::read_dir(corpus)?
        .filter_map(|folder| folder.ok().map(|folder| folder.path().join("entry.yaml")))
        .filter(|file| file.exists())
        .collect();
    files.sort();
    let mut entries = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let entry = serde_yaml::from_str(&text);
        entries.push(entry.map_err(|error| format!("{}: {error}", file.display()))?);
    }
    Ok(entries)
}

/// Runs the cases and returns the events, which are kept beside the cases as well.
fn measure(arguments: &Arguments) -> Result<String> {
    let built = || {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["run", "--quiet", "--release", "--bin", "memcase", "--"]);
        command
    };
    let mut command = arguments.memcase.as_ref().map_or_else(built, Command::new);
    command
        .args([
            if arguments.explain { "explain" } else { "run" },
            "--format",
            "json",
        ])
        .arg(&arguments.output)
        .args(&arguments.further)
        .stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let lines = BufReader::new(child.stdout.take().expect("the pipe was asked for")).lines();
    let mut events = String::new();
    for line in lines {
        let line = line?;
        if let Some(event) = score::case_event(&line) {
            say(&format!(
                "{:12} {}",
                event.verdict.as_deref().unwrap_or("-"),
                event.id
            ));
        }
        events.push_str(&line);
        events.push('\n');
    }
    let status = child.wait()?;
    say(&format!("memcase: {status}"));
    fs::write(arguments.output.with_extension("events.jsonl"), &events)?;
    Ok(events)
}
