//! What a process held by name when a run began and when it ended.

use serde::{Deserialize, Serialize};

/// Anonymous resident bytes by where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mappings {
    /// In the C allocator's heaps, in use or not.
    pub malloc: u64,
    /// In written pages of mapped files.
    pub files: u64,
    /// In all other mappings: stacks, large blocks, the program's own.
    pub other: u64,
    /// How many of these others there are.
    pub count: u64,
}

/// Things of one kind that are held.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Held {
    /// Descriptors: `socket`, `pipe`, `file`, ...; threads: their name.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// One of them: a path, or the kernel's name for it.
    pub example: String,
}

/// An inventory of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inventory {
    /// Anonymous memory, where it may be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mappings: Option<Mappings>,
    /// Open descriptors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descriptors: Vec<Held>,
    /// Threads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<Held>,
}

/// The kinds of which there are more than before, those that grew most first, with their growth.
pub fn grown(before: &[Held], after: &[Held]) -> Vec<Held> {
    let mut grown: Vec<Held> = after
        .iter()
        .filter_map(|now| {
            let had = before.iter().find(|then| then.kind == now.kind);
            let more = now.count.saturating_sub(had.map_or(0, |then| then.count));
            (more > 0).then(|| Held {
                count: more,
                ..now.clone()
            })
        })
        .collect();
    grown.sort_by_key(|held| std::cmp::Reverse(held.count));
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(kind: &str, count: u64) -> Held {
        Held {
            kind: kind.to_owned(),
            count,
            example: String::new(),
        }
    }

    #[test]
    fn what_grew_most_comes_first_and_what_did_not_grow_is_left_out() {
        let before = [held("file", 3), held("pipe", 2)];
        let after = [held("file", 5), held("pipe", 2), held("socket", 700)];
        assert_eq!(
            grown(&before, &after),
            [held("socket", 700), held("file", 2)]
        );
    }
}
