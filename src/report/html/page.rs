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
    cases.sort_by_key(|case| row::rank(case.outcome));
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
    let mut told = format!("Measured in {}", text::duration(time));
    if run.summary.filtered_out > 0 {
        let count = text::iterations(run.summary.filtered_out as u64);
        told.push_str(&format!("; left out by filters: {count}"));
    }
    told.push_str(concat!(
        ". Written by memcase ",
        env!("CARGO_PKG_VERSION"),
        "."
    ));
    told
}
