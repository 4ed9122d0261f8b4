//! What an explanation is made of.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::findings::{Chain, Place, Span};
use crate::trace::{Axis, Metric};

/// Why a case grows, as far as its second run under a tracer tells.
///
/// Rates are bytes or objects an iteration, over the window; of a program that ran by itself a second or a line, as its
/// slope was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// Why nothing could be told, where that is so: a clause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// What traced.
    pub tracers: Vec<String>,
    /// The window: iterations completed at its begin and its end; milliseconds since the start where there is a span.
    pub window: (u64, u64),
    /// What the window is worth where the program ran by itself: rates are by its axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What was measured without a tracer, and is to be explained.
    pub measured: Option<Measured>,
    /// Where it was allocated, the largest part first.
    pub culprits: Vec<Culprit>,
    /// The part of the measured slope that no culprit accounts for, from 0 to 1; none where no slope was measured.
    pub unexplained: Option<f64>,
    /// What each line of the case adds with all that it calls, in the order of the lines; where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// The types of the objects that survive, the largest part first.
    pub kinds: Vec<Kind>,
    /// Who keeps them, the most common way of each type first.
    pub chains: Vec<Chain>,
    /// What it probably is, in a sentence.
    pub cause: Option<String>,
    /// What else is to be known.
    pub notes: Vec<String>,
    /// Files of tracers that were kept: dumps of the heap, and what tools of others wrote.
    pub files: Vec<KeptFile>,
}

/// A file of a tracer that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptFile {
    /// Where it is.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
}

/// A slope in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Of what.
    pub metric: Metric,
    /// Bytes an iteration.
    pub slope: f64,
}

/// A place that allocates what is kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Culprit {
    /// The innermost place that is the case's or a package's; of a compiled program the case's.
    pub place: Place,
    /// Its line of source.
    pub source: Option<String>,
    /// Bytes an iteration.
    pub bytes: f64,
    /// Blocks an iteration.
    pub blocks: f64,
    /// Its part of the measured slope; above 1 where a tracer counts more than is measured.
    pub share: Option<f64>,
    /// The call path by which most of it is allocated, the allocating frame first.
    pub stack: Vec<Place>,
}

/// What one line of the case adds, with all that it calls.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u32,
    /// Its text.
    pub source: Option<String>,
    /// Bytes an iteration.
    pub bytes: f64,
    /// Blocks an iteration.
    pub blocks: f64,
}

/// A type whose objects become more.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kind {
    /// The type, class or constructor.
    pub name: String,
    /// Objects an iteration.
    pub count: f64,
    /// Bytes an iteration, without what they refer to.
    pub bytes: f64,
    /// Bytes of the largest.
    pub largest: u64,
    /// What the largest looks like.
    pub example: String,
}

impl Explanation {
    /// What rates are told by.
    pub fn axis(&self) -> Axis {
        self.span.map_or(Axis::Iterations, |span| span.axis)
    }
}

impl Culprit {
    /// The place in the case from which it was called, where that is another one.
    pub fn called_from(&self) -> Option<&Place> {
        use super::findings::Owner;
        let own = self.stack.iter().find(|place| place.owner == Owner::Case)?;
        (*own != self.place).then_some(own)
    }
}
