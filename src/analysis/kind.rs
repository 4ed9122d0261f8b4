//! What a leak is made of: which of the things that grow explains the others.

use serde::{Deserialize, Serialize};

use crate::trace::{Heap, Held, Inventory, Metric, Trace, grown};
use crate::units::Bytes;

use super::finding::Judged;
use super::verdict::Status;

/// What a leak is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeakKind {
    /// The heap of the language, or of a program that has only the C allocator.
    Heap,
    /// Blocks of the C allocator that no object of the language's heap stands for.
    Native,
    /// Memory that was not asked for through the C allocator: own mappings, stacks, a private allocator.
    OutsideMalloc,
    /// Memory that the allocator holds, and of which the program has no more in use than before.
    Fragmentation,
    /// Shared memory that stays mapped.
    SharedMemory,
    /// Open descriptors.
    Descriptors,
    /// Threads.
    Threads,
    /// Child processes.
    Processes,
}

impl LeakKind {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heap => "heap",
            Self::Native => "native",
            Self::OutsideMalloc => "outside-malloc",
            Self::Fragmentation => "fragmentation",
            Self::SharedMemory => "shared-memory",
            Self::Descriptors => "descriptors",
            Self::Threads => "threads",
            Self::Processes => "processes",
        }
    }
}

/// So many more blocks of an interpreter at the end are objects that are kept.
const OBJECTS: f64 = 8.0;

/// An object of the language whose native memory grows so many times faster is a handle of it.
const HANDLE: f64 = 32.0;

/// What is known of the metrics of a leaking case.
pub(super) struct Known<'a> {
    /// The metric that speaks for the verdict.
    pub(super) lead: &'a Judged,
    /// All metrics that were judged.
    pub(super) judged: &'a [Judged],
    /// The allocator's blocks of an interpreter, and its native bytes, where they were read.
    pub(super) blocks: Option<Judged>,
    pub(super) native: Option<Judged>,
    pub(super) heap: Heap,
    pub(super) traces: &'a [&'a Trace],
}

/// The kind of a leak; none where the readings do not tell.
///
/// A process, a thread or a descriptor that stays holds memory, so where their number grows that is the
/// cause, and the bytes are its effect.
pub(super) fn kind_of(known: &Known) -> Option<LeakKind> {
    let leaks = |metric: Metric| {
        known
            .judged
            .iter()
            .any(|j| j.finding.metric == metric && j.finding.status == Status::Leak)
    };
    let grows = |metric: Metric| {
        let of = |j: &&Judged| j.finding.metric == metric;
        known.judged.iter().find(of).is_some_and(|j| j.grows)
    };
    let counted = [
        (Metric::Children, LeakKind::Processes),
        (Metric::Threads, LeakKind::Threads),
        (Metric::Shmem, LeakKind::SharedMemory),
        (Metric::Fds, LeakKind::Descriptors),
    ];
    if let Some((_, kind)) = counted.into_iter().find(|(metric, _)| leaks(*metric)) {
        // Each segment has a descriptor, and a count is proven earlier than bytes are.
        let segments = kind == LeakKind::Descriptors && grows(Metric::Shmem);
        return Some(if segments {
            LeakKind::SharedMemory
        } else {
            kind
        });
    }
    match known.lead.finding.metric {
        Metric::Live if known.heap == Heap::Cpython => Some(of_cpython(known)),
        Metric::Live | Metric::Blocks => Some(LeakKind::Heap),
        Metric::Native if outweighs(known, Metric::Live) => Some(LeakKind::Native),
        Metric::External | Metric::Native if grows(Metric::Live) => Some(LeakKind::Heap),
        Metric::External | Metric::Native => Some(LeakKind::Native),
        Metric::Anon => of_resident(known),
        _ => None,
    }
}

/// Live bytes hold both heaps. Each object that is kept is a block in use, whatever its size.
fn of_cpython(known: &Known) -> LeakKind {
    let kept = |blocks: &Judged| blocks.growth >= OBJECTS && blocks.finding.slope.low > 0.0;
    let native = known.native.as_ref().is_some_and(|native| native.grows);
    if native && known.blocks.as_ref().is_some_and(|blocks| !kept(blocks)) {
        LeakKind::Native
    } else {
        LeakKind::Heap
    }
}

fn of_engine(leaks: &Judged) -> LeakKind {
    if leaks.finding.metric == Metric::Live {
        LeakKind::Heap
    } else {
        LeakKind::Native
    }
}

/// Resident memory grows by more than is in use: by where it grew.
fn of_resident(known: &Known) -> Option<LeakKind> {
    let (before, after) = inventories(known.traces, &known.lead.finding.leaking)?;
    let (before, after) = (before.mappings?, after.mappings?);
    let more = |before: u64, after: u64| after.saturating_sub(before);
    let malloc = more(before.malloc, after.malloc);
    let other = more(before.other, after.other);
    let in_use = [Metric::Live, Metric::Native]
        .into_iter()
        .filter_map(|metric| known.judged.iter().find(|j| j.finding.metric == metric));
    let mut leaks = in_use.clone().filter(|j| j.grows);
    match leaks.next() {
        // V8 takes memory for its heap by mappings of its own.
        Some(heap) if known.heap.engine().is_some() => Some(of_engine(heap)),
        _ if other >= malloc => Some(LeakKind::OutsideMalloc),
        // What is kept pins the pages that it lies in, and these are more.
        Some(_) if known.heap == Heap::Cpython => Some(of_cpython(known)),
        Some(_) => Some(LeakKind::Heap),
        // What it has in use is not known: it takes its memory from the kernel and keeps its own books.
        None if keeps_own_books(known.traces) => Some(LeakKind::OutsideMalloc),
        None => in_use.clone().next().map(|_| LeakKind::Fragmentation),
    }
}

fn keeps_own_books(traces: &[&Trace]) -> bool {
    let private = |trace: &&Trace| trace.header.private_allocator.is_some();
    traces.iter().any(private)
}

/// Whether what leads grows so much faster than another metric that this is the handle, and not the thing.
fn outweighs(known: &Known, other: Metric) -> bool {
    let of = |j: &&Judged| j.finding.metric == other;
    let other = known.judged.iter().find(of);
    other.is_some_and(|other| {
        known.lead.finding.slope.low > HANDLE * other.finding.slope.high.max(0.0)
    })
}

/// The inventories of the first process that leaks, at its start and at its end.
pub(super) fn inventories<'a>(
    traces: &'a [&'a Trace],
    leaking: &[u32],
) -> Option<(&'a Inventory, &'a Inventory)> {
    let number = leaking.first().copied().unwrap_or(1);
    let trace = traces.get(number as usize - 1)?;
    let before = trace.header.inventory.as_ref()?;
    let after = trace.ending.as_ref()?.inventory.as_ref()?;
    Some((before, after))
}

/// What a leak of this kind is, and what to do about it: two sentences.
pub(super) fn explanation(
    kind: LeakKind,
    heap: Heap,
    traces: &[&Trace],
    leaking: &[u32],
) -> Vec<String> {
    let held = |list: fn(&Inventory) -> &[Held]| match inventories(traces, leaking) {
        Some((before, after)) => listed(&grown(list(before), list(after))),
        None => String::new(),
    };
    let (what, then) = match kind {
        LeakKind::Heap if matches!(heap, Heap::Malloc | Heap::None) => (
            "blocks from malloc are not freed".to_owned(),
            "look for the allocation in `run` whose owner is never dropped, or dropped without freeing it",
        ),
        LeakKind::Heap => (
            "objects of the language are kept alive: something reachable refers to them".to_owned(),
            "look for a container, cache, registry or list of callbacks that `run` adds to and nothing removes from",
        ),
        LeakKind::Native => (
            "native code keeps memory that no object of the language stands for".to_owned(),
            "look for a handle that must be closed or freed by hand; a fixed version of the package is the control",
        ),
        LeakKind::OutsideMalloc => (
            "memory grows that malloc did not hand out: own mappings, stacks, or the allocator of a library"
                .to_owned(),
            "look for mmap without munmap, threads that are not joined, or pools of the library",
        ),
        LeakKind::Fragmentation => (
            fragmented(traces, leaking),
            "keep long-lived blocks out of the loop, reuse buffers of one size, or try MALLOC_ARENA_MAX=1",
        ),
        LeakKind::SharedMemory => (
            "shared memory stays mapped".to_owned(),
            "unmap each segment and unlink its name",
        ),
        LeakKind::Descriptors => (
            format!("descriptors stay open{}", held(|inventory| &inventory.descriptors)),
            "close each one, best by a scope that ends it (`with`, RAII), also on the path of an error",
        ),
        LeakKind::Threads => (
            format!("threads stay{}", held(|inventory| &inventory.threads)),
            "end and join each one, or start a pool once, in `setup`",
        ),
        LeakKind::Processes => (
            "child processes stay, running, or dead and not waited for".to_owned(),
            "wait for each one, and end those that do not end by themselves",
        ),
    };
    vec![what, then.to_owned()]
}

/// Up to three kinds of things with how many more there are.
fn listed(grown: &[Held]) -> String {
    let names: Vec<String> = grown
        .iter()
        .take(3)
        .map(|held| {
            let Held {
                kind,
                count,
                example,
            } = held;
            if example.is_empty() || example == kind {
                format!("{count} more `{kind}`")
            } else {
                format!("{count} more `{kind}`, one is `{example}`")
            }
        })
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(": {}", names.join("; "))
}

/// The figures of fragmentation: what the allocator holds beside what is in use.
fn fragmented(traces: &[&Trace], leaking: &[u32]) -> String {
    let held = inventories(traces, leaking)
        .and_then(|(before, after)| Some((before.mappings?.malloc, after.mappings?.malloc)));
    let figures = match held {
        Some((before, after)) => format!(
            " ({} at the start, {} at the end, free blocks given back where they could be)",
            Bytes(before),
            Bytes(after)
        ),
        None => String::new(),
    };
    format!("the allocator holds more and more memory, of which hardly more is in use{figures}")
}
