//! The graphs of a run in the language of Graphviz (graphviz.org/doc/info/lang.html).

use std::fmt::Write as _;

use super::{Graph, Node, Part};

/// The whole file: one graph, with a cluster a case.
pub(super) fn dot(graphs: &[Graph]) -> String {
    let mut out = String::from(
        "digraph memcase {\n  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n  \
         edge [fontname=\"sans-serif\", fontsize=10];\n",
    );
    for (number, graph) in graphs.iter().enumerate() {
        cluster(graph, number, &mut out);
    }
    out.push_str("}\n");
    out
}

fn cluster(graph: &Graph, number: usize, out: &mut String) {
    let label = std::iter::once(&graph.title).chain(&graph.lines);
    let label: Vec<String> = label.map(|line| quoted(line)).collect();
    let _ = writeln!(
        out,
        "  subgraph cluster_{number} {{\n    label=\"{}\\l\"; labeljust=l; fontname=\"sans-serif\"; fontsize=12;",
        label.join("\\l")
    );
    for (at, node) in graph.nodes.iter().enumerate() {
        let _ = writeln!(
            out,
            "    n{number}_{at} [label=\"{}\"{}];",
            label_of(node),
            form(node.part)
        );
        if let Some(parent) = node.parent {
            let by = quoted(&node.by);
            let _ = writeln!(
                out,
                "    n{number}_{parent} -> n{number}_{at} [label=\"{by}\"];"
            );
        }
    }
    out.push_str("  }\n");
}

fn label_of(node: &Node) -> String {
    let mut label = quoted(&node.text);
    if let Some(detail) = &node.detail {
        label.push_str("\\n");
        label.push_str(&quoted(detail));
    }
    label
}

fn form(part: Part) -> &'static str {
    match part {
        Part::Root => ", shape=ellipse",
        Part::Way => "",
        Part::Holder => ", penwidth=2, color=\"#b00020\"",
        Part::Object => ", style=filled, fillcolor=\"#e2e5e9\"",
    }
}

/// What stands between quotation marks: a backslash would begin an escape.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::explanation;
    use super::*;

    #[test]
    fn texts_of_a_target_can_not_leave_their_quotation_marks() {
        let id = "a\"] ; evil [\\";
        let text = dot(&[Graph::of(id, &explanation()).unwrap()]);
        assert!(text.contains(r#"label="a\"] ; evil [\\\l""#), "{text}");
        assert!(
            text.contains(r#"n0_1 -> n0_2 [label="['k\"1']"];"#),
            "{text}"
        );
        assert_eq!(text.matches(" -> ").count(), 4);
    }

    #[test]
    fn a_run_without_holders_is_an_empty_graph() {
        let text = dot(&[]);
        assert!(text.starts_with("digraph memcase {") && text.ends_with("}\n"));
        assert!(!text.contains("subgraph"));
    }
}
