//! Graphs of holders as a picture: a tree from top to bottom, an object that stayed a column.

use std::fmt::Write as _;

use super::super::holders::{Graph, Node, Part};
use super::font::Font;
use super::picture::{Anchor, Frame, Item, Paint, Picture, Point};
use super::svg;
use super::theme::{Colour, Colours, Theme};

/// Pixels about and between the columns, and the most that one of them has.
const GAP: f32 = 28.0;
const COLUMN: f32 = 250.0;
/// The least width of a picture: the words above a graph need it.
const LEAST: f32 = 640.0;
/// Sizes of words.
const TITLE: f32 = 16.0;
const TEXT: f32 = 13.0;
/// Pixels from line to line, about the words of a box, and from box to box.
const LINE: f32 = 18.0;
const MARGIN: f32 = 9.0;
const BETWEEN: f32 = 54.0;

/// The whole file.
pub(in super::super) fn holders(graphs: &[Graph]) -> String {
    svg::svg(&picture(graphs, Theme::Light.colours()))
}

fn picture(graphs: &[Graph], colours: &Colours) -> Picture {
    let font = Font::new();
    let widths = graphs.iter().map(|graph| {
        let leaves = graph.leaves() as f32;
        leaves * (COLUMN + GAP) + GAP
    });
    let width = widths.fold(LEAST, f32::max);
    let mut painter = Painter {
        font,
        colours,
        width,
        top: GAP,
        items: Vec::new(),
        told: String::new(),
    };
    for graph in graphs {
        painter.graph(graph);
    }
    if graphs.is_empty() {
        let none = "No case of this run has an explanation that tells who keeps its objects.";
        painter.words(none, (GAP, GAP + TEXT), Anchor::Start, TEXT, colours.ink);
        painter.told.push_str(none);
        painter.top += LINE * 2.0;
    }
    let height = painter.top;
    Picture {
        width: width as u32,
        height: height as u32,
        ground: colours.ground,
        title: "Who keeps what leaks".to_owned(),
        told: painter.told,
        frame: Frame {
            left: 0.0,
            top: 0.0,
            width,
            height,
        },
        behind: Vec::new(),
        inside: painter.items,
        before: Vec::new(),
    }
}

impl Graph {
    fn children(&self, of: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(move |(_, node)| node.parent == of)
            .map(|(at, _)| at)
    }

    fn leaves(&self) -> usize {
        let is_leaf = |at: &usize| self.children(Some(*at)).next().is_none();
        (0..self.nodes.len()).filter(is_leaf).count()
    }

    /// In columns, from 0.5 for the first: a leaf has one of its own, others stand above the middle of theirs.
    fn columns(&self) -> Vec<f32> {
        let mut columns = vec![0.0; self.nodes.len()];
        let mut next = 0.5;
        let roots: Vec<usize> = self.children(None).collect();
        for root in roots {
            self.place(root, &mut next, &mut columns);
        }
        columns
    }

    fn place(&self, at: usize, next: &mut f32, columns: &mut [f32]) {
        let children: Vec<usize> = self.children(Some(at)).collect();
        for child in &children {
            self.place(*child, next, columns);
        }
        columns[at] = if let (Some(first), Some(last)) = (children.first(), children.last()) {
            f32::midpoint(columns[*first], columns[*last])
        } else {
            *next += 1.0;
            *next - 1.0
        };
    }

    fn depth(&self, at: usize) -> usize {
        self.nodes[at]
            .parent
            .map_or(0, |parent| self.depth(parent) + 1)
    }
}

/// A box with its words, before it has a place.
struct Card {
    text: Vec<String>,
    detail: Vec<String>,
    width: f32,
}

impl Card {
    fn height(&self) -> f32 {
        (self.text.len() + self.detail.len()) as f32 * LINE + 2.0 * MARGIN
    }
}

struct Painter<'a> {
    font: Font,
    colours: &'a Colours,
    width: f32,
    /// What is above is painted.
    top: f32,
    items: Vec<Item>,
    told: String,
}

impl Painter<'_> {
    fn graph(&mut self, graph: &Graph) {
        let ink = self.colours.ink;
        let room = self.width - 2.0 * GAP;
        let title = self.font.fitting(&graph.title, TITLE, room);
        self.words(&title, (GAP, self.top + TITLE), Anchor::Start, TITLE, ink);
        self.top += TITLE + LINE / 2.0;
        for line in &graph.lines {
            for line in self.font.broken(line, TEXT, room, 4) {
                let at = (GAP, self.top + TEXT);
                self.words(&line, at, Anchor::Start, TEXT, self.colours.faint);
                self.top += LINE;
            }
        }
        self.top += LINE / 2.0;
        self.tell(graph);
        let cards: Vec<Card> = graph.nodes.iter().map(|node| self.card(node)).collect();
        let columns = graph.columns();
        let depths: Vec<usize> = (0..cards.len()).map(|at| graph.depth(at)).collect();
        let tops = tops(&cards, &depths, self.top);
        let middle = |at: usize| GAP / 2.0 + columns[at] * (COLUMN + GAP);
        for (at, node) in graph.nodes.iter().enumerate() {
            let top = tops[depths[at]];
            if let Some(parent) = node.parent {
                let above = tops[depths[parent]] + cards[parent].height();
                self.edge(&node.by, (middle(parent), above), (middle(at), top));
            }
            self.boxed(&cards[at], node.part, (middle(at), top));
        }
        self.top = tops.last().copied().unwrap_or(self.top) - BETWEEN + GAP * 1.5;
    }

    /// The graph in sentences, for those who do not see it.
    fn tell(&mut self, graph: &Graph) {
        self.told.push_str(&graph.title);
        for node in &graph.nodes {
            let held = match node.parent {
                Some(parent) => format!(", by {} of {}", node.by, graph.nodes[parent].text),
                None => String::new(),
            };
            let _ = write!(self.told, "; {}{held}", node.text);
        }
        self.told.push_str(".\n");
    }

    fn card(&self, node: &Node) -> Card {
        let room = COLUMN - 2.0 * MARGIN;
        let text = self.font.broken(&node.text, TEXT, room, 3);
        let detail = node.detail.as_deref();
        let detail = detail.map_or_else(Vec::new, |detail| self.font.broken(detail, TEXT, room, 2));
        let lines = text.iter().chain(&detail);
        let widest = lines
            .map(|line| self.font.width(line, TEXT))
            .fold(0.0, f32::max);
        Card {
            width: widest + 2.0 * MARGIN,
            text,
            detail,
        }
    }

    fn boxed(&mut self, card: &Card, part: Part, (middle, top): Point) {
        let colours = self.colours;
        let (left, right) = (middle - card.width / 2.0, middle + card.width / 2.0);
        let bottom = top + card.height();
        let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        let ground = match part {
            Part::Root => colours.grid,
            Part::Way | Part::Holder => colours.ground,
            Part::Object => colours.shade,
        };
        let (border, width) = match part {
            Part::Holder => (colours.limit, 2.5),
            _ => (colours.faint, 1.0),
        };
        self.items.push(Item::Area {
            points: corners.clone(),
            paint: solid(ground),
        });
        let mut around = corners;
        around.push((left, top));
        // Past the corner, so that it is no notch.
        around.push((left + 1.0, top));
        self.items.push(Item::Line {
            points: around,
            paint: solid(border),
            width,
            dash: None,
        });
        let mut base = top + MARGIN + TEXT;
        for (lines, colour) in [(&card.text, colours.ink), (&card.detail, colours.faint)] {
            for line in lines {
                self.words(line, (middle, base), Anchor::Middle, TEXT, colour);
                base += LINE;
            }
        }
    }

    /// From the lower edge of a box down to the upper one of another, with words before its end.
    fn edge(&mut self, by: &str, from: Point, to: Point) {
        let turn = to.1 - BETWEEN + GAP / 2.0;
        let paint = solid(self.colours.faint);
        self.items.push(Item::Line {
            points: vec![from, (from.0, turn), (to.0, turn), to],
            paint,
            width: 1.2,
            dash: None,
        });
        self.items.push(Item::Area {
            points: vec![to, (to.0 - 4.0, to.1 - 7.0), (to.0 + 4.0, to.1 - 7.0)],
            paint,
        });
        let shown = self.font.fitting(by, TEXT, COLUMN);
        if shown.is_empty() {
            return;
        }
        let (half, base) = (self.font.width(&shown, TEXT) / 2.0 + 3.0, to.1 - 14.0);
        let (above, below) = (base - TEXT, base + 4.0);
        let plate = [(-half, above), (half, above), (half, below), (-half, below)];
        self.items.push(Item::Area {
            points: plate.map(|(x, y)| (to.0 + x, y)).to_vec(),
            paint: solid(self.colours.ground),
        });
        self.words(&shown, (to.0, base), Anchor::Middle, TEXT, self.colours.ink);
    }

    fn words(&mut self, text: &str, at: Point, anchor: Anchor, size: f32, colour: Colour) {
        self.items.push(Item::Words {
            text: text.to_owned(),
            at,
            anchor,
            size,
            colour,
            upwards: false,
        });
    }
}

/// Where each row of boxes begins, and where one below the last would.
fn tops(cards: &[Card], depths: &[usize], top: f32) -> Vec<f32> {
    let rows = depths.iter().max().map_or(0, |deepest| deepest + 1);
    let mut tops = vec![top];
    for row in 0..rows {
        let in_row = cards.iter().zip(depths).filter(|(_, depth)| **depth == row);
        let highest = in_row.map(|(card, _)| card.height()).fold(0.0, f32::max);
        tops.push(tops[row] + highest + BETWEEN);
    }
    tops
}

fn solid(colour: Colour) -> Paint {
    Paint {
        colour,
        opacity: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(parent: Option<usize>, text: &str, part: Part) -> Node {
        Node {
            parent,
            by: ".name".to_owned(),
            text: text.to_owned(),
            detail: None,
            part,
        }
    }

    fn graph() -> Graph {
        Graph {
            title: "cases/a.yaml".to_owned(),
            lines: vec!["1 KiB/iter".to_owned()],
            nodes: vec![
                node(None, "module app", Part::Root),
                node(Some(0), "dict", Part::Holder),
                node(Some(1), "list", Part::Object),
                node(
                    Some(1),
                    "bytes of a very long name that goes on and on",
                    Part::Object,
                ),
                node(None, "frame", Part::Root),
                node(Some(4), "str", Part::Object),
            ],
        }
    }

    #[test]
    fn leaves_have_columns_of_their_own_and_holders_stand_above_their_middle() {
        let graph = graph();
        assert_eq!(graph.leaves(), 3);
        assert_eq!(graph.columns(), [1.0, 1.0, 0.5, 1.5, 2.5, 2.5]);
        assert_eq!(graph.depth(3), 2);
    }

    #[test]
    fn all_that_is_painted_lies_within_the_picture() {
        let picture = picture(&[graph(), graph()], Theme::Light.colours());
        let (width, height) = (picture.width as f32, picture.height as f32);
        let places = picture.inside.iter().flat_map(|item| match item {
            Item::Area { points, .. } | Item::Line { points, .. } => points.clone(),
            Item::Words { at, .. } => vec![*at],
            Item::Dots { places, .. } => places.clone(),
        });
        for (x, y) in places {
            assert!(
                (0.0..=width).contains(&x) && (0.0..=height).contains(&y),
                "{x} {y}"
            );
        }
        assert!(picture.told.contains("list, by .name of dict"));
    }

    #[test]
    fn without_holders_the_picture_says_so() {
        assert!(holders(&[]).contains("No case of this run"));
    }
}
