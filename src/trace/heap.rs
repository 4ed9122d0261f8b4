//! The heaps of languages that `live` can speak of, and what is known of each.

use serde::{Deserialize, Serialize};

/// Which heap the `live` metric speaks of; it decides tolerances and which metrics may gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Heap {
    /// No counter: only what the kernel tells.
    #[default]
    None,
    /// The C allocator (`mallinfo2`), exact with thread caches off.
    Malloc,
    /// CPython: pymalloc and the C allocator together.
    Cpython,
    /// V8 after a full collection; native memory is not in it.
    V8,
    /// The JVM's heap after a full collection; native memory is not in it.
    Jvm,
    /// Ruby after a full collection: slots and what they own; memory of extensions is not in it.
    Ruby,
    /// PHP: the Zend memory manager, and the C allocator where it can be read.
    Php,
    /// Lua after a full collection; memory of C libraries is not in it.
    Lua,
}

impl Heap {
    /// Whether a collector gives back what is no longer used.
    pub fn has_collector(self) -> bool {
        match self {
            Self::None | Self::Malloc => false,
            Self::Cpython | Self::V8 | Self::Jvm | Self::Ruby | Self::Php | Self::Lua => true,
        }
    }

    /// Whether bytes of the C allocator are told beside the heap and not in it: the native memory of
    /// an engine moves by itself, and Ruby's heap holds a part of those bytes already.
    pub fn is_told_alone(self) -> bool {
        matches!(self, Self::V8 | Self::Jvm | Self::Ruby)
    }

    /// The engine that takes memory of its own while it runs (compiled code, profiles), so that
    /// resident memory creeps beside a heap that does not; none where that is not so.
    pub fn engine(self) -> Option<&'static str> {
        match self {
            Self::V8 => Some("V8"),
            Self::Jvm => Some("the JVM"),
            Self::None | Self::Malloc | Self::Cpython | Self::Ruby | Self::Php | Self::Lua => None,
        }
    }
}
