//! What a tracer found in the second run of a case, as it writes it: a JSON document, not yet weighed.

use serde::{Deserialize, Serialize};

use crate::trace::{Axis, Metric};

/// All that one tracer has to tell of one process.
///
/// Sizes are in bytes and grew within the window, the turns `from` to `to`. They are told for the two halves of the
/// window apart, so that what happened once (a table that was made larger) is told from what goes on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// What traced, in a few words (`tracemalloc`, `heap snapshots of V8`).
    pub tracer: String,
    /// Iterations completed when the window began.
    pub from: u64,
    /// Iterations completed when it ended.
    pub to: u64,
    /// What the window is worth where the program ran by itself, and its iterations were not counted; `from` and `to`
    /// are then milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// Where the memory that survived the window was allocated.
    pub sites: Vec<Site>,
    /// Of what types the objects are that survived.
    pub kinds: Vec<Grown>,
    /// Who keeps some of them.
    pub chains: Vec<Chain>,
    /// What was opened or started; without what was closed again, where the tracer can tell.
    pub made: Vec<Made>,
    /// Whether a call path is put down to the case's own line on it, though a library allocates below.
    pub by_case: bool,
    /// Whether the program is a language's runtime, whose functions are all that its call paths name.
    #[serde(skip)]
    pub by_runtime: bool,
    /// Whether the tracer knows what replaces from the objects that went, so that no slope is needed to believe it.
    pub sees_replaced: bool,
    /// What else is to be known, a sentence each: what the tracer can not see, or why it gave up.
    pub notes: Vec<String>,
}

/// How long a window of a program is that runs by itself.
///
/// A tracer slows a program, so its clock tells little. What the process grew by in the window, divided by the slope that
/// was measured, is what the window is worth.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Span {
    /// What rates are told by.
    pub axis: Axis,
    /// Its length: iterations, seconds or lines.
    pub length: f64,
}

/// One call path that allocated, and what of it survived.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Site {
    /// Bytes that survived, of the first and the second half of the window.
    pub bytes: (i64, i64),
    /// Blocks that survived, of the two halves.
    pub blocks: (i64, i64),
    /// The call path, the allocating frame first.
    pub stack: Vec<Place>,
    /// Whether what was seen of it took the place of others: in a container that has no more elements than before, or
    /// as so many that were held in the same way are gone.
    pub replaces: bool,
}

/// One call path that opens or starts something that is no memory, and is still there where its tracer can tell.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Made {
    /// `descriptor`, `thread` or `process`.
    pub kind: String,
    /// How many, of the first and the second half of the window.
    pub count: (i64, i64),
    /// The call path, the innermost frame first.
    pub stack: Vec<Place>,
}

impl Findings {
    /// By how many of a kind there are more at the end of the window.
    pub fn more_of(&self, kind: &str) -> i64 {
        let of_kind = self.made.iter().filter(|made| made.kind == kind);
        of_kind.map(|made| made.count.0 + made.count.1).sum()
    }
}

impl Made {
    /// The kind of what a metric counts, where it is no memory.
    pub fn kind_of(metric: Metric) -> Option<&'static str> {
        match metric {
            Metric::Fds => Some("descriptor"),
            Metric::Threads => Some("thread"),
            Metric::Children => Some("process"),
            _ => None,
        }
    }
}

/// A place in a program.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(default)]
pub struct Place {
    /// The source file, or the library where no source is known; empty where nothing is.
    pub file: String,
    /// The line in it, from 1; 0 where it is not known.
    pub line: u32,
    /// The function; empty at the top level of a file.
    pub function: String,
    /// Whose code it is.
    pub owner: Owner,
}

/// Whose code a place is in. What is named as the culprit is the innermost place that is not the language's own.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The case: its snippet, or a file of its project.
    #[default]
    Case,
    /// A package or library that the case uses.
    Package,
    /// The language: its standard library, its runtime, the C library.
    Language,
    /// The driver of memcase: left out of what is shown.
    Driver,
}

/// A type of objects, and how many more of them there are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Grown {
    /// The type, class or constructor, with its module.
    pub name: String,
    /// Objects that survived, of the two halves.
    pub count: (i64, i64),
    /// Their own bytes, without what they refer to, of the two halves.
    pub bytes: (i64, i64),
    /// The largest of them.
    pub largest: u64,
    /// What the largest looks like, cut short.
    pub example: String,
}

/// From a root to an object that survived: who keeps whom, and by what name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Chain {
    /// What the chain begins at (`module app`, `thread Thread-1`, `GC root: native handle`).
    pub root: String,
    /// The holders on the way, the root's own first, the object last.
    pub links: Vec<Link>,
    /// Which of the links is the last that was there before the window: it keeps what came later.
    pub holder: usize,
    /// How many of the sampled objects are held in this way.
    pub held: u32,
    /// How many objects were sampled.
    pub sampled: u32,
    /// Whether the holder has no more elements than before, so that what comes takes another's place.
    pub full: bool,
}

impl Chain {
    /// Whether nothing that the language knows leads to the object.
    pub fn is_native(&self) -> bool {
        self.root.starts_with("native code")
    }
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Link {
    /// How it is reached from the one before: `.name`, `['key']`, `[17]`, or words (`a cell of its closure`).
    pub by: String,
    /// Its type.
    pub kind: String,
    /// How many elements it has, where it is a container.
    pub len: Option<u64>,
    /// Where it was made or defined, where that is known.
    pub place: Option<Place>,
}
