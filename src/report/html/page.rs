//! The page: a template with places, and what stands in each.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::document::{Document, WholeRun};
use super::super::event::CaseReport;
use super::super::{markdown, text};
use super::details::Details;
use super::escape::{escape, json};
use super::row;
use crate::trace::Trace;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// The program of the page, in the order in which it is read.
const PROGRAM: [&str; 3] = [
    include_str!("number.js"),
    include_str!("plot.js"),
    include_str!("page.js"),
];

/// Finds the traces of a case; an error says in a sentence why there are none.
pub type TracesOf = Box<dyn Fn(&CaseReport) -> Result<Vec<Trace>, String> + Send + Sync>;

/// Writes the run to `out` as one page when it has ended, with the traces that `traces_of` finds.
pub fn html(out: Box<dyn Write + Send>, traces_of: TracesOf) -> Document {
    let render = move |run: &WholeRun, out: &mut dyn Write| write(run, &traces_of, out);
    Document::new(out, Box::new(render))
}

fn write(run: &WholeRun, traces_of: &TracesOf, out: &mut dyn Write) -> io::Result<()> {
    let mut cases: Vec<&CaseReport> = run.cases.iter().collect();
    // The worst first, and of these by name, as a merge tells them.
    cases.sort_by(|a, b| (row::rank(a.outcome), &a.id).cmp(&(row::rank(b.outcome), &b.id)));
    let program = PROGRAM.concat();
    let counts = markdown::counts(&run.summary);
    let mut rest = TEMPLATE;
    while let Some((before, (place, after))) = rest
        .split_once("{{")
        .and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        out.write_all(before.as_bytes())?;
        rest = after;
        match place {
            "title" => write!(out, "memcase: {}", escape(&counts))?,
            "counts" => out.write_all(escape(&counts).as_bytes())?,
            "policy" => out.write_all(policy(&program).as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "program" => out.write_all(program.as_bytes())?,
            "run" => out.write_all(escape(&told(run)).as_bytes())?,
            "rows" => {
                for (number, case) in cases.iter().enumerate() {
                    out.write_all(row::row(number, case).as_bytes())?;
                }
                for (id, reason) in &run.ignored {
                    out.write_all(row::ignored(id, reason).as_bytes())?;
                }
            }
            "details" => {
                for (number, case) in cases.iter().enumerate() {
                    // One case at a time: the traces of thousands do not fit into memory.
                    let details = json(&Details::new(case, &traces_of(case)))?;
                    writeln!(
                        out,
                        "<script type=\"application/json\" id=\"details-{number}\">{details}</script>"
                    )?;
                }
            }
            other => return Err(io::Error::other(format!("the page has no place `{other}`"))),
        }
    }
    out.write_all(rest.as_bytes())
}

/// What the page may do: run this program, wear this style, and nothing else.
fn policy(program: &str) -> String {
    let hash = |text: &str| STANDARD.encode(hmac_sha256::Hash::hash(text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(program),
        hash(STYLE)
    )
}

fn told(run: &WholeRun) -> String {
    let time = Duration::try_from_secs_f64(run.summary.seconds).unwrap_or_default();
    let left_out = match run.summary.filtered_out {
        0 => String::new(),
        count => format!("; left out by filters: {}", text::iterations(count as u64)),
    };
    format!(
        "Measured in {}{left_out}. Written by memcase {}.",
        text::duration(time),
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::outcome::OutcomeKind;

    fn page(cases: Vec<CaseReport>, why_no_traces: &str) -> String {
        let run = WholeRun {
            cases,
            ignored: [("ignored".to_owned(), "<i>why</i>".to_owned())].into(),
            ..WholeRun::default()
        };
        let why = why_no_traces.to_owned();
        let traces_of: TracesOf = Box::new(move |_| Err(why.clone()));
        let mut out = Vec::new();
        write(&run, &traces_of, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn case(id: &str, outcome: OutcomeKind) -> CaseReport {
        CaseReport {
            outcome,
            reason: format!("it is {}", outcome.name()),
            ..CaseReport::lost(id.to_owned(), "cases/a.yaml".into())
        }
    }

    /// The values of an attribute, wherever it stands.
    fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
        page.split(&format!(" {name}=\""))
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect()
    }

    #[test]
    fn nothing_is_loaded_from_anywhere() {
        let page = page(vec![case("a", OutcomeKind::Passed)], "");
        for scheme in ["http:", "https:", "//cdn", "@import", "url("] {
            assert!(!page.contains(scheme), "{scheme}");
        }
        assert_eq!(attributes(&page, "src"), [""; 0]);
        assert_eq!(attributes(&page, "href"), ["data:,", "#cases"]);
        let policy = attributes(&page, "content")[0];
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn the_policy_names_the_program_and_the_style_that_stand_in_the_page() {
        let page = page(Vec::new(), "");
        let between = |open: &str, close: &str| {
            let (_, rest) = page.split_once(open).unwrap();
            rest.split_once(close).unwrap().0.to_owned()
        };
        for (kind, text) in [
            ("script", between("<script>", "</script>")),
            ("style", between("<style>", "</style>")),
        ] {
            let hash = STANDARD.encode(hmac_sha256::Hash::hash(text.as_bytes()));
            assert!(
                page.contains(&format!("{kind}-src 'sha256-{hash}'")),
                "{kind}"
            );
        }
    }

    #[test]
    fn no_text_of_a_case_becomes_a_part_of_the_page() {
        let evil = "</script><script>alert(1)</script>\"'{{rows}}<!--";
        let mut report = case(evil, OutcomeKind::Broken);
        report.reason = evil.to_owned();
        report.output = Some(evil.to_owned());
        report.tags = vec![evil.to_owned()];
        report.runtime = Some(evil.to_owned());
        report.file = evil.into();
        let plain = page(vec![case("a", OutcomeKind::Broken)], "");
        let page = page(vec![report], evil);
        for tag in [
            "<script", "</script", "<!--", "<tr", "<th", "<td", "<button",
        ] {
            assert_eq!(
                page.matches(tag).count(),
                plain.matches(tag).count(),
                "{tag}"
            );
        }
        assert!(!page.contains("alert(1)<"));
        assert!(page.contains("&lt;/script&gt;") && page.contains("\\u003c/script\\u003e"));
        assert!(page.contains("&lt;i&gt;why&lt;/i&gt;"));
    }

    #[test]
    fn the_worst_cases_come_first_and_each_row_has_its_details() {
        let page = page(
            vec![
                case("b", OutcomeKind::Passed),
                case("d", OutcomeKind::Failed),
                case("a", OutcomeKind::Passed),
                case("c", OutcomeKind::Inconclusive),
            ],
            "",
        );
        let order: Vec<&str> = page
            .split("aria-expanded=false>")
            .skip(1)
            .filter_map(|rest| rest.split('<').next())
            .collect();
        assert_eq!(order, ["d", "c", "a", "b"]);
        for (number, word) in ["failed", "inconclusive", "passed", "passed"]
            .iter()
            .enumerate()
        {
            let details = format!("id=\"details-{number}\">{{\"reason\":\"it is {word}\"");
            assert!(page.contains(&details), "{details}");
        }
    }

    /// An output that can be read while another owns it.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_run_without_a_case_is_a_whole_page() {
        use crate::report::{Event, Reporter, Summary};
        let shared = Shared::default();
        let document = html(Box::new(shared.clone()), Box::new(|_| Ok(Vec::new())));
        document.event(&Event::RunFinished(Summary::default()));
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert!(
            text.contains("no case") && text.ends_with("</html>\n"),
            "{text}"
        );
    }
}
