//! Where everything stands in a YAML text: the line and column of every key and value,
//! and the line on which each piece of text begins.

use std::rc::Rc;

/// A place in the text: line and column from 1, and how many characters are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
}

/// A value and the place where it is used.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) content: Rc<Content>,
}

/// What an alias shares with its anchor.
#[derive(Debug)]
pub(crate) struct Content {
    /// The line on which the first line of the text stands.
    pub(crate) text_line: usize,
    /// Whether it is text of several lines that YAML joins into one: plain or in quotes.
    pub(crate) joined: bool,
    /// Whether it is a text whatever stands in it: in quotes or as a block.
    pub(crate) quoted: bool,
    pub(crate) kind: Kind,
    /// Values in it, itself included, aliases counted as what they stand for.
    pub(crate) nodes: usize,
    /// Bytes of text in it, counted likewise.
    pub(crate) bytes: usize,
    /// Levels of lists and mappings in it.
    pub(crate) depth: usize,
}

/// What a value is, as far as positions are concerned.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A word, a number or a text, as it was written.
    Scalar(String),
    /// Values in order.
    List(Vec<Node>),
    /// Keys in order, with their values.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) mark: Mark,
}

impl Node {
    /// The place of the key and the value below this one.
    pub(crate) fn get(&self, name: &str) -> Option<(&Key, &Node)> {
        match &self.content.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.name == name)
                .map(|(key, node)| (key, node)),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }

    /// The place of an element of a list.
    pub(crate) fn item(&self, index: usize) -> Option<&Node> {
        match &self.content.kind {
            Kind::List(items) => items.get(index),
            Kind::Scalar(_) | Kind::Map(_) => None,
        }
    }

    /// The text as it was written, if it is a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content.kind {
            Kind::Scalar(text) => Some(text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }
}

/// Something wrong at a place.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) mark: Mark,
    pub(crate) key: Option<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// One document of the text.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    /// What is wrong in it, although it could be read.
    pub(crate) faults: Vec<Fault>,
    /// Whether its values can be read all the same.
    pub(crate) readable: bool,
}

/// All documents up to the first place that cannot be read.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) documents: Vec<Document>,
    /// Whether a tag says what a value is.
    pub(crate) tagged: bool,
    pub(crate) fault: Option<Fault>,
}
