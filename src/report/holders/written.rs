//! The reports `dot` and `svg`: the holders of a whole run.

use std::io::Write;

use super::super::document::{Document, WholeRun};
use super::super::event::CaseReport;
use super::super::plot;
use super::{Graph, dot as as_dot};

/// Writes the holders of the run to `out` when it has ended, for Graphviz.
pub fn dot(out: Box<dyn Write + Send>) -> Document {
    Document::new(
        out,
        Box::new(|run, out| out.write_all(as_dot::dot(&graphs(run)).as_bytes())),
    )
}

/// Writes the holders of the run to `out` when it has ended, drawn.
pub fn svg(out: Box<dyn Write + Send>) -> Document {
    Document::new(
        out,
        Box::new(|run, out| out.write_all(plot::holders(&graphs(run)).as_bytes())),
    )
}

fn graphs(run: &WholeRun) -> Vec<Graph> {
    let graph = |case: &CaseReport| Graph::of(&case.id, case.why.as_ref()?);
    run.cases.iter().filter_map(graph).collect()
}
