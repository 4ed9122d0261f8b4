//! `memcase plot`, and `--plot` of `run` and `judge`.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

use crate::support::{Ended, LEAK, Project, SPIKE, STABLE};

/// A trace as it is kept: one process, `live` at each of `values`.
fn trace(case: &str, process: u32, values: impl IntoIterator<Item = u64>) -> String {
    let mut text = format!(
        "{{\"trace\":{{\"version\":1,\"case\":\"{case}\",\"process\":{process},\"axis\":\"iterations\",\
         \"heap\":\"none\",\"live_complete\":true,\"collected\":true,\"trimmed\":true,\
         \"anon_granularity\":4096,\"environment\":{{\"runtime\":\"a test\",\"kernel\":\"\",\
         \"arch\":\"\",\"cpus\":1,\"memory\":0,\"page\":4096,\"reducers\":[]}}}}}}\n"
    );
    for (i, value) in values.into_iter().enumerate() {
        writeln!(text, "{{\"i\":{i},\"live\":{value}}}").unwrap();
    }
    text
}

fn leaking(n: u64) -> impl Iterator<Item = u64> {
    (0..n).map(|i| 1_000_000 + 4_096 * i)
}

/// A project with the trace of a leak, `leak.jsonl`.
fn with_trace() -> Project {
    let project = Project::new(&[]);
    project.write("leak.jsonl", &trace("my/leak", 1, leaking(300)));
    project
}

/// Runs it where the locale is UTF-8.
fn utf8(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = project.command(arguments);
    Ended::of(command.env("LC_ALL", "C.UTF-8").output().unwrap())
}

/// Fails where a text is no XML; returns the texts of `title` and `desc`, and all `aria-label`s.
fn read_svg(text: &str) -> (String, String, Vec<String>) {
    let mut reader = Reader::from_str(text);
    let (mut inside, mut labels) = (String::new(), Vec::new());
    let (mut title, mut told, mut depth) = (String::new(), String::new(), 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                depth += 1;
                inside = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                for attribute in tag.attributes() {
                    let attribute = attribute.unwrap();
                    if attribute.key.as_ref() == b"aria-label" {
                        let label = attribute.normalized_value(XmlVersion::Implicit1_0);
                        labels.push(label.unwrap().into_owned());
                    }
                }
            }
            Event::Empty(tag) => tag.attributes().for_each(|attribute| {
                attribute.unwrap();
            }),
            Event::End(_) => {
                depth -= 1;
                inside.clear();
            }
            Event::Text(text) => {
                let text = text.decode().unwrap();
                match inside.as_str() {
                    "title" => title += &text,
                    "desc" => told += &text,
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    (title, told, labels)
}

/// Width, height and pixels of a PNG.
fn read_png(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let picture = tiny_skia::Pixmap::decode_png(bytes).unwrap();
    (picture.width(), picture.height(), picture.data().to_vec())
}

#[test]
fn a_trace_is_drawn_in_the_terminal_with_axes_units_and_the_fit() {
    let ended = utf8(&with_trace(), &["plot", "leak.jsonl"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let out = &ended.out;
    assert!(
        out.starts_with("my/leak\nleak: +4.00 KiB/iter (95% CI "),
        "{out}"
    );
    for part in [
        "live heap (MiB)",
        "iterations",
        "fit +4.00 KiB/iter",
        "process 1",
        "┤",
        "└──",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let braille = |c: char| ('\u{2801}'..='\u{28ff}').contains(&c);
    assert!(out.chars().filter(|c| braille(*c)).count() > 60, "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 79), "{out}");
    assert!(!out.contains('\u{1b}'), "{out}");
}

#[test]
fn where_the_locale_is_not_utf8_a_plot_is_ascii() {
    let project = with_trace();
    let mut command = project.command(&["plot", "leak.jsonl"]);
    let ended = Ended::of(command.env("LC_ALL", "C").output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.is_ascii(), "{}", ended.out);
    assert!(ended.out.contains("  * process 1\n"), "{}", ended.out);
    assert!(ended.out.matches('*').count() > 30, "{}", ended.out);
}

#[test]
fn colour_is_for_those_who_want_it() {
    let project = with_trace();
    let always = utf8(&project, &["plot", "leak.jsonl", "--color", "always"]);
    assert!(always.out.contains("\u{1b}[34m"), "{always:?}");
    let mut command = project.command(&["plot", "leak.jsonl"]);
    command.envs([("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    let none = Ended::of(command.output().unwrap());
    assert!(!none.out.contains('\u{1b}'), "{none:?}");
}

#[test]
fn an_svg_is_well_formed_and_tells_the_numbers_of_the_result() {
    let project = with_trace();
    let ended = project.memcase(&["plot", "leak.jsonl", "-o", "leak.svg"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.out, "wrote leak.svg (SVG, 960x540)\n");
    let (title, told, labels) = read_svg(&project.read("leak.svg"));
    assert_eq!(title, "my/leak");
    let judged = project.memcase(&["judge", "leak.jsonl", "--format", "json"]);
    let judged = &judged.json()[0];
    assert_eq!(judged["slope"]["estimate"], 4096.0);
    assert!(told.contains("leak: +4.00 KiB/iter (95% CI "), "{told}");
    assert!(
        told.contains("process 1: 300 readings of live heap, 977 KiB at iteration 0, 2.12 MiB at iteration 299"),
        "{told}"
    );
    assert!(
        labels.iter().any(|label| label == "live heap (MiB)"),
        "{labels:?}"
    );
    assert!(
        labels
            .iter()
            .any(|label| label.starts_with("fit +4.00 KiB/iter"))
    );
}

#[test]
fn svg_on_standard_output_is_the_same_file() {
    let project = with_trace();
    let shown = project.memcase(&["plot", "leak.jsonl", "-o", "-"]);
    assert_eq!((shown.code, shown.err.as_str()), (Some(0), ""));
    project.memcase(&["plot", "leak.jsonl", "-o", "leak.svg"]);
    assert_eq!(shown.out, project.read("leak.svg"));
}

#[test]
fn a_png_has_the_size_asked_for_and_its_theme() {
    let project = with_trace();
    for (arguments, size, ground) in [
        (&["--size", "640x360"][..], (640, 360), [255, 255, 255, 255]),
        (
            &["--size", "200x200", "--theme", "dark"],
            (200, 200),
            [22, 24, 29, 255],
        ),
        (&[], (1920, 1080), [255, 255, 255, 255]),
    ] {
        let all = [&["plot", "leak.jsonl", "-o", "leak.png"], arguments].concat();
        let ended = project.memcase(&all);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let bytes = fs::read(project.path().join("leak.png")).unwrap();
        let (width, height, pixels) = read_png(&bytes);
        assert_eq!((width, height), size);
        assert_eq!(pixels[..4], ground);
        let drawn = pixels.chunks(4).filter(|pixel| *pixel != ground).count();
        assert!(drawn > 500, "{drawn} pixels are drawn");
    }
}

#[test]
fn a_run_is_drawn_by_its_id_and_below_its_explanation() {
    let project = Project::new(&[("grows", LEAK), ("still", STABLE)]);
    let mut command = project.command(&["run", "cases", "--plot"]);
    let ran = Ended::of(command.env("LC_ALL", "C.UTF-8").output().unwrap());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let (_, below) = ran.out.split_once("---- grows ----").unwrap();
    assert!(below.contains("\n  live heap (MiB)\n"), "{}", ran.out);
    assert!(below.contains("    ⠄⠂ fit +"), "{}", ran.out);
    assert_eq!(ran.out.matches("live heap (").count(), 1, "{}", ran.out);
    let drawn = utf8(&project, &["plot", "grows"]);
    assert_eq!(drawn.code, Some(0), "{drawn:?}");
    assert!(drawn.out.starts_with("grows\nleak: +"), "{}", drawn.out);
    assert!(
        drawn.out.contains("3 processes · 240 iterations · CPython"),
        "{}",
        drawn.out
    );
    let folder = utf8(&project, &["plot", ".memcase/grows"]);
    assert_eq!(folder.out, drawn.out);
    let both = utf8(&project, &["plot", "grows", "still", "--metric", "anon"]);
    assert!(
        both.out
            .starts_with("anonymous memory of 2 runs\ngrows: leak: "),
        "{}",
        both.out
    );
    assert!(
        both.out.contains("  ⠒⠒ grows\n  ⠒⠒ still\n"),
        "{}",
        both.out
    );
    let time = utf8(&project, &["plot", "grows", "--axis", "time"]);
    assert!(
        time.out.contains("an iteration drawn as its mean,"),
        "{}",
        time.out
    );
    let judged = utf8(&project, &["judge", ".memcase/grows", "--plot"]);
    assert!(judged.out.contains("\nlive heap (MiB)\n"), "{}", judged.out);
}

#[test]
fn a_spike_is_drawn_by_its_peaks() {
    let project = Project::new(&[("once", SPIKE)]);
    assert_eq!(project.memcase(&["run", "cases"]).code, Some(0));
    let drawn = project.memcase(&["plot", "once", "-o", "-"]);
    let (_, told, labels) = read_svg(&drawn.out);
    assert!(
        labels.iter().any(|label| label == "peak memory (MiB)"),
        "{labels:?}"
    );
    let at = "above its base at iteration 150";
    assert!(labels.iter().any(|label| label.ends_with(at)), "{labels:?}");
    assert!(
        told.contains("between the peaks (anonymous memory): "),
        "{told}"
    );
}

#[test]
fn several_traces_of_one_folder_are_one_case_or_several_runs() {
    let project = with_trace();
    project.write("second.jsonl", &trace("my/leak", 2, leaking(300)));
    project.write("again.jsonl", &trace("my/leak", 1, leaking(200)));
    let one = utf8(&project, &["plot", "leak.jsonl", "second.jsonl"]);
    assert!(
        one.out.contains("2 processes · 299 iterations"),
        "{}",
        one.out
    );
    let two = utf8(&project, &["plot", "leak.jsonl", "again.jsonl"]);
    assert!(
        two.out.contains("⠒⠒ leak.jsonl\n  ⠒⠒ again.jsonl\n"),
        "{}",
        two.out
    );
    let same = utf8(&project, &["plot", "leak.jsonl", "./leak.jsonl"]);
    assert!(same.out.contains("1 process · "), "{}", same.out);
}

#[test]
fn what_can_not_be_drawn_is_refused_with_what_to_do() {
    let project = with_trace();
    project.write("none.jsonl", &trace("none", 1, []));
    project.write("case.yaml", "target: {}\n");
    project.write("text.jsonl", "no trace\n");
    project.write("empty.jsonl", "");
    fs::write(project.path().join("bytes.jsonl"), [0xff, 0xfe, 0x00]).unwrap();
    fs::create_dir(project.path().join("folder")).unwrap();
    for (arguments, expected) in [
        (&["plot"][..], "TRACE|FOLDER|ID"),
        (&["plot", "nowhere"], "run the case first"),
        (&["plot", "none.jsonl"], "`none` has no readings"),
        (&["plot", "case.yaml"], "is a case file"),
        (&["plot", "folder"], "there are no traces in the folder"),
        (&["plot", "text.jsonl"], "`text.jsonl`: line 1 of the trace"),
        (&["plot", "empty.jsonl"], "the trace is empty"),
        (&["plot", "bytes.jsonl"], "line 1 of the trace"),
        (&["plot", "leak.jsonl", "--metric", "fds"], "it has: live"),
        (
            &["plot", "leak.jsonl", "--metric", "rss"],
            "possible values: live",
        ),
        (
            &["plot", "leak.jsonl", "--axis", "time"],
            "use `--axis iterations`",
        ),
        (
            &["plot", "leak.jsonl", "-o", "leak.jpg"],
            "neither in .svg nor in .png",
        ),
        (
            &["plot", "leak.jsonl", "-o", "nowhere/leak.svg"],
            "could not be written",
        ),
        (
            &["plot", "leak.jsonl", "--size", "1x1", "-o", "a.png"],
            "from 200 to 10000",
        ),
        (
            &["plot", "leak.jsonl", "--size", "300x300"],
            "name its file too",
        ),
        (
            &["judge", "leak.jsonl", "--plot", "--format", "json"],
            "leave one of them out",
        ),
        (&["run", "case.yaml", "--plot", "--format", "json"], ""),
    ] {
        let ended = project.memcase(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(expected), "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
    }
}

#[test]
fn a_title_of_any_letters_leaves_the_xml_whole() {
    let project = with_trace();
    let title = "<b> & \"c\" \u{1b}[31m 漢 \u{ffff} 'd'";
    let shown = project.memcase(&["plot", "leak.jsonl", "-o", "-", "--title", title]);
    let (told, ..) = read_svg(&shown.out);
    assert!(told.contains("漢"), "{told}");
    assert!(!shown.out.contains('\u{1b}'));
    let shown = utf8(&project, &["plot", "leak.jsonl", "--title", title]);
    assert!(!shown.out.contains('\u{1b}'), "{}", shown.out);
}

#[test]
fn an_output_that_is_closed_is_no_failure() {
    let project = with_trace();
    let mut command = project.command(&["plot", "leak.jsonl", "-o", "-"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn two_plots_at_once_and_a_file_that_may_not_be_read_do_no_harm() {
    let project = with_trace();
    let start = |name| -> std::process::Child {
        let mut command: Command = project.command(&["plot", "leak.jsonl", "-o", name]);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    for mut child in [start("same.svg"), start("same.svg")] {
        assert!(child.wait().unwrap().success());
    }
    read_svg(&project.read("same.svg"));
    let path = project.path().join("leak.jsonl");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // Who may read everything is not kept from it.
    if fs::read(&path).is_err() {
        let ended = project.memcase(&["plot", "leak.jsonl"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains("could not be read"), "{ended:?}");
    }
}
