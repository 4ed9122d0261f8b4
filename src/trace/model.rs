//! What a trace is made of: metrics, samples, series, and the facts they were taken under.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::axis::{Axis, Driver, FinalReading};
use super::heap::Heap;
use super::held::Inventory;
use super::record::{Part, Phase, Recording};
use super::tree::{CaseLimits, Member, MemoryStop};

/// The version of the trace format that this program writes.
pub const TRACE_VERSION: u32 = 1;

/// Which number of a process is observed; each says what it counts and what it misses.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Bytes in use by the allocator and the language's heap, exact. CPython: bytes in
    /// pymalloc's blocks plus bytes in use by the C allocator. C, C++, Rust: bytes in use
    /// by the C allocator. V8, JVM, Ruby, Lua: used heap after a full collection.
    /// PHP: the Zend memory manager plus the C allocator.
    /// Misses what no allocator knows: own mappings and private allocators.
    Live,
    /// After a full collection, V8's external memory (buffers), or the JVM's class metadata
    /// and direct buffers.
    External,
    /// Bytes in use in the C allocator, of all threads, counted from inside the process: exact
    /// to what the allocator rounds them to. Part of `live` but for V8, whose heap is its own.
    Native,
    /// Bytes that the program mapped itself, less those it unmapped: reservations, not memory.
    Mapped,
    /// Anonymous resident bytes (`statm` resident − shared), after collection and trim.
    /// Sees every allocator; blurred by pages (4 KiB) and by free memory that is kept.
    Anon,
    /// The highest resident bytes within an iteration (`VmHWM` after a reset).
    Peak,
    /// Blocks in use by the language's allocator (`sys.getallocatedblocks`).
    Blocks,
    /// Resident bytes with shared pages divided among those who share them, of the whole tree.
    Pss,
    /// Resident bytes of shared memory: `shm_open`, `memfd_create`, shared anonymous mappings.
    Shmem,
    /// Swapped bytes of the process.
    Swap,
    /// Open file descriptors.
    Fds,
    /// Threads.
    Threads,
    /// Child processes, at any depth.
    Children,
}

/// What the values of a metric count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of memory.
    Bytes,
    /// Things: descriptors, threads, blocks.
    Count,
}

impl Metric {
    /// All metrics, in the order in which they are shown.
    pub const ALL: [Self; 13] = [
        Self::Live,
        Self::External,
        Self::Native,
        Self::Mapped,
        Self::Anon,
        Self::Peak,
        Self::Blocks,
        Self::Pss,
        Self::Shmem,
        Self::Swap,
        Self::Fds,
        Self::Threads,
        Self::Children,
    ];

    /// The name used in files, flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::External => "external",
            Self::Native => "native",
            Self::Mapped => "mapped",
            Self::Anon => "anon",
            Self::Peak => "peak",
            Self::Blocks => "blocks",
            Self::Pss => "pss",
            Self::Shmem => "shmem",
            Self::Swap => "swap",
            Self::Fds => "fds",
            Self::Threads => "threads",
            Self::Children => "children",
        }
    }

    /// What its values count.
    pub fn unit(self) -> Unit {
        match self {
            Self::Live
            | Self::External
            | Self::Native
            | Self::Mapped
            | Self::Anon
            | Self::Peak
            | Self::Pss
            | Self::Shmem
            | Self::Swap => Unit::Bytes,
            Self::Blocks | Self::Fds | Self::Threads | Self::Children => Unit::Count,
        }
    }
}

/// All that is read at one quiescent point, on its way into a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Place on the axis: iterations completed.
    pub at: u64,
    /// The readings, by metric.
    pub values: Vec<(Metric, u64)>,
}

/// The readings of one metric in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Series {
    /// Iterations completed at each reading; 0 is before the first.
    pub at: Vec<u64>,
    /// The readings.
    pub values: Vec<u64>,
}

impl Series {
    /// Appends a reading.
    pub fn push(&mut self, at: u64, value: u64) {
        self.at.push(at);
        self.values.push(value);
    }

    /// The number of readings.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no reading.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Iterations between two readings, when they are evenly spaced after iteration 0.
    pub fn stride(&self) -> Option<u64> {
        let first = *self.at.iter().find(|&&at| at > 0)?;
        let mut expected = first;
        for &at in self.at.iter().filter(|&&at| at > 0) {
            if at != expected {
                return None;
            }
            expected += first;
        }
        Some(first)
    }
}

/// The facts a trace was taken under.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// Name and version of what ran the target (`CPython 3.11.7`, `gcc 12.2.0`).
    pub runtime: String,
    /// Kernel release.
    pub kernel: String,
    /// Processor architecture.
    pub arch: String,
    /// Logical processors.
    pub cpus: u32,
    /// Bytes of memory of the machine.
    pub memory: u64,
    /// Bytes that the container around memcase allows, where it sets a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<u64>,
    /// Bytes of a page.
    pub page: u64,
    /// What memcase set to reduce noise, as `NAME=value` and in words.
    pub reducers: Vec<String>,
}

/// The collector of the target's language, as the target left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collector {
    /// It runs, or the language has none.
    #[default]
    On,
    /// The target has switched it off.
    Off,
}

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// One of those that decide.
    #[default]
    Judged,
    /// It runs beside them without forced collections, to show what waits for the collector.
    Beside,
}

/// The first line of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// The case's id.
    pub case: String,
    /// Which of the case's processes, from 1.
    pub process: u32,
    /// What the samples are plotted against.
    pub axis: Axis,
    /// How the workload advanced.
    #[serde(default, skip_serializing_if = "Driver::is_step")]
    pub driver: Driver,
    /// What the order of a ramp's counts, or the intervals of a clock's readings, were drawn
    /// from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// For a ramp: how the final memory was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_reading: Option<FinalReading>,
    /// Which heap `live` speaks of.
    pub heap: Heap,
    /// Whether `live` was seen to count all that the process allocates.
    pub live_complete: bool,
    /// Why the C allocator was not counted from inside the process, in a clause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncounted: Option<String>,
    /// Processes of the target that could not be counted, as too many ran at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u32,
    /// A mapped library with an allocator of its own, which keeps `live` from being complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_allocator: Option<String>,
    /// Whether a collection was forced before the samples.
    pub collected: bool,
    /// Whether the language's own collector runs.
    #[serde(default)]
    pub collector: Collector,
    /// Whether it is judged with the others.
    #[serde(default)]
    pub role: Role,
    /// Whether free memory was given back to the system before the samples.
    pub trimmed: bool,
    /// Bytes by which `anon` can be off on this kernel (a page where `statm` is exact).
    pub anon_granularity: u64,
    /// Runs of the body in one turn, where that is known; at first there may have been fewer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub batch: u32,
    /// What it held before its first iteration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// Descriptors that the target may have open, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u64>,
    /// How it was recorded, where no case was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
    /// The facts it was taken under.
    pub environment: Environment,
}

fn is_zero<T: Default + PartialEq>(count: &T) -> bool {
    *count == T::default()
}

/// Why the run of a process was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The evidence was enough at a look before the last.
    #[default]
    Decided,
    /// The last iteration that was asked for.
    Horizon,
    /// The time of the case was used up.
    Time,
    /// Growth passed the share of memory that a run may take.
    Growth,
    /// Its processes together passed the memory that the case allows.
    Memory,
    /// The target ended, failed or broke the protocol.
    Died,
    /// A person or a signal stopped it.
    Interrupted,
}

/// The last line of a trace: how it ended, and what is needed to decide it again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ending {
    /// Why it was ended.
    pub reason: StopReason,
    /// Iterations completed.
    pub iterations: u64,
    /// What the process did at last, in words.
    pub exit: String,
    /// Microseconds spent in iterations.
    pub micros: u64,
    /// `anon` after the settle probe (two full collections and a trim), if it was made.
    pub settled_anon: Option<u64>,
    /// `live` after the settle probe, if it was made.
    pub settled_live: Option<u64>,
    /// What it held after its last iteration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// The looks that were taken at all processes, in iterations.
    pub looks: Vec<u64>,
    /// The iteration from which *leak* could be said.
    pub leak_from: u64,
    /// Tolerances the case sets, by metric: bytes an iteration; for descriptors, threads
    /// and children the growth allowed over the run.
    pub tolerances: BTreeMap<Metric, u64>,
    /// The one metric that decides, when the case names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Metric>,
    /// The processes of the target, itself first, if it ever had a child at a sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// Limits that the case sets.
    #[serde(default)]
    pub limits: CaseLimits,
    /// The proof, where it passed the memory that the case allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryStop>,
}

/// The samples of one process, by metric.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The facts it was taken under.
    pub header: Header,
    /// The readings of each metric.
    pub series: BTreeMap<Metric, Series>,
    /// How it ended; none while it runs, or when it was cut off.
    pub ending: Option<Ending>,
    /// The processes of a recorded program, itself first.
    pub processes: Vec<Part>,
    /// The phases of a recorded program.
    pub phases: Vec<Phase>,
    /// The number of its last line, where that was cut off in the middle and left out.
    pub cut: Option<usize>,
}

impl Header {
    /// Whether it ran without forced collections though there is a collector, so that what it holds
    /// may be garbage.
    pub fn may_hold_garbage(&self) -> bool {
        !self.collected && self.heap.has_collector()
    }
}

impl Trace {
    /// A trace without samples.
    pub fn new(header: Header) -> Self {
        Self {
            header,
            ..Self::default()
        }
    }

    /// Appends a reading of one metric.
    pub fn push(&mut self, metric: Metric, at: u64, value: u64) {
        self.series.entry(metric).or_default().push(at, value);
    }

    /// The readings of a metric, if there are any.
    pub fn get(&self, metric: Metric) -> Option<&Series> {
        self.series.get(&metric).filter(|series| !series.is_empty())
    }

    /// Iterations completed at the last sample.
    pub fn iterations(&self) -> u64 {
        self.series
            .values()
            .filter_map(|series| series.at.last().copied())
            .max()
            .unwrap_or(0)
    }
}
