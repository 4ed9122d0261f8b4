//! `memcase plot`: a picture of traces, of results, of records.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::CliError;
use super::args::Color;
use super::output;
use super::traces::read_trace;
use crate::analysis;
use crate::outcome::ExitCode;
use crate::report::VerdictReport;
use crate::report::plot::{Along, Run, Scene, Theme, Wish, png, scene, svg, whole};
use crate::runner::artifacts::{Artifacts, folder_of, sides_of, traces_at};
use crate::trace::{Metric, Trace};

/// What an SVG measures; a PNG has twice as many pixels each way.
const USUAL: (u32, u32) = (960, 540);
/// Pixels each way.
const LEAST: u32 = 200;
const MOST: u32 = 10_000;

/// `memcase plot`.
#[derive(Debug, Args)]
pub(super) struct PlotArgs {
    /// Traces, folders of results or ids of cases that were run; several share the axes
    #[arg(required = true, value_name = "TRACE|FOLDER|ID")]
    what: Vec<PathBuf>,
    /// Write a picture: FILE.svg, FILE.png, or - for SVG on standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is drawn (default: the metric that decided)
    #[arg(long, value_name = "METRIC", value_parser = metric())]
    metric: Option<Metric>,
    /// What it is drawn against (default: what the traces were recorded against)
    #[arg(long, value_enum)]
    axis: Option<AxisChoice>,
    /// The ground of a picture
    #[arg(long, value_enum, default_value_t)]
    theme: ThemeChoice,
    /// Width and height of a picture in pixels (default: 960x540, PNG 1920x1080)
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<(u32, u32)>,
    /// What stands above it (default: the case)
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// When to colour a plot in the terminal
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

/// What readings are drawn against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AxisChoice {
    /// Iterations, or lines
    Iterations,
    /// Time; that of iterations is drawn as their mean
    Time,
}

/// The ground of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ThemeChoice {
    /// Dark on white
    #[default]
    Light,
    /// Light on dark
    Dark,
}

/// Formats of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
}

fn metric() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::ALL.map(Metric::name)).try_map(|name| {
        Metric::ALL
            .into_iter()
            .find(|metric| metric.name() == name)
            .ok_or("not a metric of memcase")
    })
}

/// `1280x720`.
fn size(text: &str) -> Result<(u32, u32), String> {
    let parsed = text
        .split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    parsed
        .filter(|(width, height)| {
            [width, height]
                .iter()
                .all(|side| (LEAST..=MOST).contains(side))
        })
        .ok_or_else(|| {
            format!("write width and height in pixels, each from {LEAST} to {MOST}: 1280x720")
        })
}

/// Traces that are drawn as one run, and what they may be called.
struct Group {
    /// The folder that they are in.
    folder: PathBuf,
    id: String,
    /// Where they were found, as it was written.
    place: String,
    traces: Vec<Trace>,
}

/// Draws.
pub(super) fn plot(args: &PlotArgs) -> Result<ExitCode, CliError> {
    let format = args.output.as_deref().map(format_of).transpose()?;
    if args.output.is_none() && args.size.is_some() {
        return Err(CliError::Usage(
            "`--size` is that of a picture; name its file too: `-o plot.svg`".to_owned(),
        ));
    }
    let scene = scene_of(args)?;
    let (Some(format), Some(path)) = (format, &args.output) else {
        let colour = output::coloured(args.color);
        let text = whole(&scene, output::screen(colour));
        io::stdout()
            .lock()
            .write_all(text.as_bytes())
            .map_err(CliError::Output)?;
        return Ok(ExitCode::AsClaimed);
    };
    let theme = match args.theme {
        ThemeChoice::Light => Theme::Light,
        ThemeChoice::Dark => Theme::Dark,
    };
    let times = if format == Format::Png { 2 } else { 1 };
    let size = args.size.unwrap_or((USUAL.0 * times, USUAL.1 * times));
    let (bytes, name) = match format {
        Format::Svg => (svg(&scene, theme, size).into_bytes(), "SVG"),
        Format::Png => {
            let png = png(&scene, theme, size).ok_or_else(|| {
                CliError::Usage(format!(
                    "a PNG of {}x{} pixels can not be held in memory; write a smaller one by `--size`",
                    size.0, size.1
                ))
            })?;
            (png, "PNG")
        }
    };
    let mut out = io::stdout().lock();
    if path.as_os_str() == "-" {
        out.write_all(&bytes).map_err(CliError::Output)?;
        return Ok(ExitCode::AsClaimed);
    }
    save(path, &bytes).map_err(|error| {
        CliError::Usage(format!(
            "`{}` could not be written: {error}",
            path.display()
        ))
    })?;
    let (width, height) = size;
    writeln!(out, "wrote {} ({name}, {width}x{height})", path.display())
        .map_err(CliError::Output)?;
    Ok(ExitCode::AsClaimed)
}

/// Puts the whole file in place at once, so that a reader, or a second `plot`, never meets half of it.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.exists() && !path.is_file() {
        // A device or a pipe is written to, and stays what it is.
        return fs::write(path, bytes);
    }
    // A link stays one: what it points to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path
        .parent()
        .filter(|folder| *folder != Path::new(""))
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".memcase-plot-")
        // As far as the umask allows: others look at pictures.
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(&path).map(drop).map_err(io::Error::from)
}

fn format_of(path: &Path) -> Result<Format, CliError> {
    if path.as_os_str() == "-" {
        return Ok(Format::Svg);
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match extension.to_lowercase().as_str() {
        "svg" => Ok(Format::Svg),
        "png" => Ok(Format::Png),
        _ => Err(CliError::Usage(format!(
            "`{}` ends neither in .svg nor in .png; memcase draws these two, and `-o -` writes SVG to standard output",
            path.display()
        ))),
    }
}

fn scene_of(args: &PlotArgs) -> Result<Scene, CliError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut seen = BTreeSet::new();
    for what in &args.what {
        for path in found(what)? {
            let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if seen.insert(real) {
                add(&mut groups, &path)?;
            }
        }
    }
    let ids: BTreeSet<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    let by_id = ids.len() == groups.len() && !ids.contains("");
    let runs: Vec<Run> = groups
        .iter()
        .map(|group| {
            let traces: Vec<&Trace> = group.traces.iter().collect();
            let verdict = analysis::judge(&traces);
            Run {
                name: if by_id { &group.id } else { &group.place }.clone(),
                verdict: VerdictReport::new(&verdict, &traces),
                traces,
            }
        })
        .collect();
    let wish = Wish {
        metric: args.metric,
        along: args.axis.map(|axis| match axis {
            AxisChoice::Iterations => Along::Iterations,
            AxisChoice::Time => Along::Time,
        }),
        title: args.title.clone(),
    };
    scene(&runs, &wish).map_err(|error| CliError::Usage(error.to_string()))
}

/// The traces that a word names: a file, those of a folder, or those kept of a case.
fn found(what: &Path) -> Result<Vec<PathBuf>, CliError> {
    let shown = what.display();
    let fail = |why: String| Err(CliError::Usage(why));
    let extension = what.extension().unwrap_or_default();
    if what.is_file() && (extension == "yaml" || extension == "yml") {
        return fail(format!(
            "`{shown}` is a case file; run it, then give the id of the case to `memcase plot`"
        ));
    }
    if what.exists() {
        return match traces_at(what) {
            Ok(traces) if traces.is_empty() => fail(format!(
                "there are no traces in the folder `{shown}`; give the folder of one case"
            )),
            Ok(traces) => Ok(traces),
            Err(error) => fail(format!("`{shown}`: {error}")),
        };
    }
    let (root, id) = (Artifacts::place(), what.to_string_lossy());
    let mut folders = vec![folder_of(&root, &id)];
    let mut sides = sides_of(&root, &id);
    sides.sort_unstable();
    folders.extend(sides.iter().map(|side| folder_of(&root, side)));
    let kept: Vec<PathBuf> = folders
        .iter()
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| traces_at(folder).unwrap_or_default())
        .collect();
    if kept.is_empty() {
        return fail(format!(
            "`{shown}` is no file and no folder, and `{}` holds no traces of a case with this id; run the case first",
            root.display()
        ));
    }
    Ok(kept)
}

/// Reads a trace into the run that it belongs to: same folder, same case, another process.
fn add(groups: &mut Vec<Group>, path: &Path) -> Result<(), CliError> {
    let trace = read_trace(path)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let header = &trace.header;
    let own = |group: &&mut Group| {
        let mut processes = group.traces.iter().map(|other| other.header.process);
        group.folder == folder
            && group.id == header.case
            && processes.all(|process| process != header.process)
    };
    if let Some(group) = groups.iter_mut().find(own) {
        group.traces.push(trace);
        return Ok(());
    }
    let whole = path.file_name().unwrap_or_default().to_string_lossy();
    // The folder tells runs apart, unless they are in the same one.
    let alone = !groups.iter().any(|group| group.folder == folder);
    let of_folder = alone && whole.starts_with("trace-") && folder != Path::new("");
    let place = if of_folder { &folder } else { path };
    let place = place.display().to_string();
    groups.push(Group {
        folder,
        id: header.case.clone(),
        place,
        traces: vec![trace],
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_two_sides_in_reason() {
        assert_eq!(size("1280x720"), Ok((1280, 720)));
        assert_eq!(size("200×10000"), Ok((200, 10_000)));
        for text in [
            "",
            "x",
            "1280",
            "1280x",
            "0x0",
            "199x500",
            "99999x500",
            "-5x300",
            "1e3x500",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_ending_of_a_file_is_its_format() {
        assert_eq!(format_of(Path::new("a/b.SVG")).unwrap(), Format::Svg);
        assert_eq!(format_of(Path::new("b.png")).unwrap(), Format::Png);
        assert_eq!(format_of(Path::new("-")).unwrap(), Format::Svg);
        for other in ["plot", "plot.jpg", "png", ".png", "plot.svg.gz"] {
            assert!(format_of(Path::new(other)).is_err(), "{other}");
        }
    }
}
