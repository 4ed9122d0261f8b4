//! Reads the places of a YAML text, and refuses what is hostile: too deep, too many
//! values, or aliases that multiply.
//!
//! `serde_yaml` tells positions of syntax errors only, so the text is read by an event parser with
//! marks. That pass runs first and is linear in the text, so nothing hostile reaches the other
//! parser, where it is asked at all.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::marks::{Content, Document, Fault, Key, Kind, Mark, Node, Scan};
use super::syntax::syntax_fault;

/// The deepest nesting accepted; a case needs four levels.
const MAX_DEPTH: usize = 16;
/// The most values in one file, with every alias counted as what it stands for.
const MAX_NODES: usize = 20_000;
/// The most bytes of text in one file, with every alias counted as what it stands for.
const MAX_TEXT: usize = 4 << 20;
/// The most keys in one mapping.
const MAX_KEYS: usize = 500;
/// The most documents in one file.
const MAX_DOCUMENTS: usize = 1_000;

/// Reads the places of all keys and values.
pub(crate) fn scan(text: &str) -> Scan {
    let mut builder = Builder {
        text,
        ..Builder::default()
    };
    for event in Parser::new_from_str(text) {
        let result = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => Err(syntax_fault(text, &error)),
        };
        if let Err(fault) = result {
            builder.scan.fault = Some(fault);
            break;
        }
    }
    builder.scan
}

#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    scan: Scan,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    faults: Vec<Fault>,
    unreadable: bool,
    documents: usize,
    nodes: usize,
    bytes: usize,
}

struct Open {
    mark: Mark,
    anchor: usize,
    parts: Parts,
}

enum Parts {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let mark = mark_of(span);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > MAX_DOCUMENTS {
                    return Err(refusal(
                        mark,
                        format!("more than {MAX_DOCUMENTS} documents in one file"),
                    ));
                }
                self.anchors.clear();
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let decorated = anchor != 0 || tag.is_some();
                self.refuse_tag(tag.as_deref(), mark);
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let text_line = if block {
                    block_text_line(self.text, &text, mark, decorated)
                } else {
                    mark.line
                };
                let content = Content {
                    text_line,
                    quoted: style != ScalarStyle::Plain,
                    joined: !block && span.start.line() != span.end.line(),
                    nodes: 1,
                    bytes: text.len(),
                    depth: 0,
                    kind: Kind::Scalar(text.into_owned()),
                };
                self.count(1, content.bytes, mark)?;
                self.place(mark, anchor, content);
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(mark, anchor, tag.as_deref(), Parts::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(mark, anchor, tag.as_deref(), Parts::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end();
                Ok(())
            }
            Event::Alias(anchor) => self.alias(mark, anchor),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn count(&mut self, nodes: usize, bytes: usize, mark: Mark) -> Result<(), Fault> {
        self.nodes += nodes;
        self.bytes += bytes;
        if let Some(Open {
            parts: Parts::Map(entries, _),
            ..
        }) = self.open.last()
            && entries.len() > MAX_KEYS
        {
            return Err(refusal(
                mark,
                format!("more than {MAX_KEYS} keys in one mapping"),
            ));
        }
        if self.nodes > MAX_NODES {
            return Err(refusal(
                mark,
                format!(
                    "more than {MAX_NODES} values in one file, aliases counted as what they stand for"
                ),
            ));
        }
        if self.bytes > MAX_TEXT {
            return Err(refusal(
                mark,
                "more than 4 MiB of text in one file, aliases counted as what they stand for"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn check_depth(&self, more: usize, mark: Mark) -> Result<(), Fault> {
        if self.open.len() + more > MAX_DEPTH {
            return Err(refusal(mark, format!("nested more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        mark: Mark,
        anchor: usize,
        tag: Option<&Tag>,
        parts: Parts,
    ) -> Result<(), Fault> {
        self.refuse_tag(tag, mark);
        self.count(1, 0, mark)?;
        self.check_depth(1, mark)?;
        self.open.push(Open {
            mark,
            anchor,
            parts,
        });
        Ok(())
    }

    fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let (kind, nodes, bytes, depth) = match open.parts {
            Parts::List(items) => {
                let (nodes, bytes, depth) = totals(items.iter());
                (Kind::List(items), nodes, bytes, depth)
            }
            Parts::Map(entries, _) => {
                let (nodes, bytes, depth) = totals(entries.iter().map(|(_, node)| node));
                (Kind::Map(entries), nodes, bytes, depth)
            }
        };
        let content = Content {
            text_line: open.mark.line,
            joined: false,
            quoted: false,
            kind,
            nodes: nodes + 1,
            bytes,
            depth: depth + 1,
        };
        self.place(open.mark, open.anchor, content);
    }

    fn alias(&mut self, mark: Mark, anchor: usize) -> Result<(), Fault> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(refusal(
                mark,
                "this alias stands for a value that contains it".to_owned(),
            ));
        };
        let content = Rc::clone(&node.content);
        self.count(content.nodes, content.bytes, mark)?;
        self.check_depth(content.depth, mark)?;
        self.put(Node { mark, content });
        Ok(())
    }

    fn place(&mut self, mark: Mark, anchor: usize, content: Content) {
        let node = Node {
            mark,
            content: Rc::new(content),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.put(node);
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut().map(|open| &mut open.parts) {
            None => {
                self.scan.documents.push(Document {
                    root: node,
                    faults: std::mem::take(&mut self.faults),
                    readable: !std::mem::take(&mut self.unreadable),
                });
            }
            Some(Parts::List(items)) => items.push(node),
            Some(Parts::Map(entries, pending)) => {
                if let Some(key) = pending.take() {
                    self.faults.extend(key_fault(entries, &key));
                    entries.push((key, node));
                    return;
                }
                if node.text().is_none() {
                    self.unreadable = true;
                    self.faults.push(Fault {
                        mark: node.mark,
                        key: None,
                        message: "a key must be a word, not a list or a mapping".to_owned(),
                        help: Some("write `key: value`".to_owned()),
                    });
                }
                *pending = Some(Key {
                    name: node.text().unwrap_or_default().to_owned(),
                    mark: node.mark,
                });
            }
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, mark: Mark) {
        self.scan.tagged |= tag.is_some();
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            self.unreadable = true;
            self.faults.push(Fault {
                mark,
                key: None,
                message: format!("the tag `{tag}` has no meaning in a case file"),
                help: Some("remove it, or put the text in quotes if it starts with `!`".to_owned()),
            });
        }
    }
}

fn key_fault(entries: &[(Key, Node)], key: &Key) -> Option<Fault> {
    if key.name == "<<" {
        return Some(Fault {
            mark: key.mark,
            key: Some("<<".to_owned()),
            message: "merge keys are not part of a case file".to_owned(),
            help: Some(
                "write the keys out; an alias `*name` may stand for a whole value".to_owned(),
            ),
        });
    }
    let (first, _) = entries.iter().find(|(other, _)| other.name == key.name)?;
    Some(Fault {
        mark: key.mark,
        key: Some(key.name.clone()),
        message: format!(
            "stands twice in one mapping, first in line {}",
            first.mark.line
        ),
        help: Some("keep one of the two".to_owned()),
    })
}

fn refusal(mark: Mark, message: String) -> Fault {
    Fault {
        mark,
        key: None,
        message,
        help: Some("a case file is small and plain; write it out, or split it".to_owned()),
    }
}

fn totals<'a>(nodes: impl Iterator<Item = &'a Node>) -> (usize, usize, usize) {
    nodes.fold((0, 0, 0), |(count, bytes, depth), node| {
        (
            count + node.content.nodes,
            bytes + node.content.bytes,
            depth.max(node.content.depth),
        )
    })
}

fn mark_of(span: Span) -> Mark {
    let width = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col())
    } else {
        usize::MAX
    };
    Mark {
        line: span.start.line().max(1),
        column: span.start.col() + 1,
        width: width.max(1),
    }
}

/// The line of the first line of a block scalar's text.
///
/// The parser marks the first line that is not blank, or the anchor or tag in front.
fn block_text_line(source: &str, text: &str, mark: Mark, decorated: bool) -> usize {
    if !decorated {
        let blank = text.chars().take_while(|c| *c == '\n').count();
        return mark.line.saturating_sub(blank).max(1);
    }
    // `&anchor !tag |` or, on a line of its own below them, `|`
    source
        .lines()
        .enumerate()
        .skip(mark.line - 1)
        .find(|(index, line)| {
            let skipped = if index + 1 == mark.line {
                mark.column - 1
            } else {
                0
            };
            line.chars()
                .skip(skipped)
                .collect::<String>()
                .split_whitespace()
                .any(|word| word.starts_with(['|', '>']))
        })
        .map_or(mark.line, |(index, _)| index + 2)
}
