//! The chains of an explanation as one graph: what they have in common is in it once.

use super::super::{explain, text, why};
use crate::explain::{Chain, Explanation, Link};
use crate::trace::Axis;

/// The holders of one case: trees, as two chains do not tell whether they end at the same object.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Graph {
    /// The case.
    pub(in super::super) title: String,
    /// The slope that was measured, and what it probably is, a line each.
    pub(in super::super) lines: Vec<String>,
    /// Each behind the one that it hangs on.
    pub(in super::super) nodes: Vec<Node>,
}

/// A root, an object on the way, or an object that stayed.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Node {
    /// The place of the one that it hangs on; none for a root.
    pub(in super::super) parent: Option<usize>,
    /// How it is reached from there: `.name`, `['key']`.
    pub(in super::super) by: String,
    /// What it is: `dict of 2,060`.
    pub(in super::super) text: String,
    /// Where it was made, or how many of the samples it stands for.
    pub(in super::super) detail: Option<String>,
    /// What it is to the leak.
    pub(in super::super) part: Part,
}

/// What a node is to the leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Part {
    /// What the language never collects.
    Root,
    /// It is on the way.
    Way,
    /// The last on the way that was there before the window: it keeps what came later.
    Holder,
    /// An object that stayed.
    Object,
}

impl Graph {
    /// That of a case; none where no chain is known.
    pub(super) fn of(id: &str, explanation: &Explanation) -> Option<Self> {
        if explanation.chains.is_empty() {
            return None;
        }
        let mut graph = Self {
            title: text::printable(id),
            lines: facts(explanation),
            nodes: Vec::new(),
        };
        for chain in &explanation.chains {
            graph.add(chain);
        }
        Some(graph)
    }

    fn add(&mut self, chain: &Chain) {
        let mut at = None;
        if !chain.root.is_empty() {
            at = Some(self.node(Node {
                parent: None,
                by: String::new(),
                text: text::printable(&chain.root),
                detail: None,
                part: Part::Root,
            }));
        }
        let last = chain.links.len().saturating_sub(1);
        for (index, link) in chain.links.iter().enumerate() {
            let part = match index {
                _ if index == last => Part::Object,
                _ if index == chain.holder => Part::Holder,
                _ => Part::Way,
            };
            let held = (part == Part::Object && chain.sampled > 1)
                .then(|| format!("{} of {} samples", chain.held, chain.sampled));
            at = Some(self.node(Node {
                parent: at,
                by: text::printable(&link.by),
                text: text::printable(&why::kind_of(link)),
                detail: held.or_else(|| made(link)),
                part,
            }));
        }
    }

    /// The place of a node, which is added where there is none like it.
    fn node(&mut self, node: Node) -> usize {
        let known = self.nodes.iter().position(|known| *known == node);
        known.unwrap_or_else(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        })
    }
}

fn facts(explanation: &Explanation) -> Vec<String> {
    let slope = explanation.measured.map(|measured| {
        let rate = text::rate(measured.slope, measured.metric, Axis::Iterations);
        format!("{rate} of {}", explain::words(measured.metric))
    });
    let all = slope.into_iter().chain(explanation.cause.clone());
    all.map(|line| text::printable(&line)).collect()
}

fn made(link: &Link) -> Option<String> {
    let place = link.place.as_ref()?;
    Some(text::printable(&why::at(place)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn link(by: &str, kind: &str) -> Link {
        Link {
            by: by.to_owned(),
            kind: kind.to_owned(),
            ..Link::default()
        }
    }

    /// Two types that are kept by one dict.
    pub(in super::super) fn explanation() -> Explanation {
        let chain = |object: &str| Chain {
            root: "module app".to_owned(),
            links: vec![
                link(".cache", "dict"),
                link("['k\"1']", "app.Model"),
                link(".rows", object),
            ],
            holder: 0,
            held: 3,
            sampled: 4,
            full: false,
        };
        Explanation {
            chains: vec![chain("list"), chain("bytes")],
            ..Explanation::default()
        }
    }

    #[test]
    fn what_chains_have_in_common_is_in_the_graph_once() {
        let graph = Graph::of("a", &explanation()).unwrap();
        let told = |node: &Node| (node.parent, node.text.clone(), node.part);
        let nodes: Vec<_> = graph.nodes.iter().map(told).collect();
        assert_eq!(
            nodes,
            [
                (None, "module app".to_owned(), Part::Root),
                (Some(0), "dict".to_owned(), Part::Holder),
                (Some(1), "app.Model".to_owned(), Part::Way),
                (Some(2), "list".to_owned(), Part::Object),
                (Some(2), "bytes".to_owned(), Part::Object),
            ]
        );
        assert_eq!(graph.nodes[4].detail.as_deref(), Some("3 of 4 samples"));
    }

    #[test]
    fn a_case_without_a_chain_has_no_graph() {
        let mut explanation = explanation();
        explanation.chains.clear();
        assert!(Graph::of("a", &explanation).is_none());
    }
}
