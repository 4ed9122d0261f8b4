//! Which part of the cases this run takes, where several machines share them.

use std::fmt;

use super::shard::{self, Shard};
use crate::case::Case;

const HELP: &str = "write `hash:1/4`, `slice:1/4` or `auto`";

/// A part of the cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    how: How,
    shard: Shard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// By a hash of the id: where a case goes does not depend on the others.
    Hash,
    /// Every nth case: the parts are of one size.
    Slice,
}

impl Partition {
    /// Reads `hash:1/4` or `slice:1/4`; `auto` asks the variables of the surroundings.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        if text == "auto" {
            let shard = shard::from_surroundings(variable)?;
            return Ok(Self {
                how: How::Slice,
                shard,
            });
        }
        let wrong = |why: &str| format!("`{text}` {why}; {HELP}");
        let (how, part) = text
            .split_once(':')
            .ok_or_else(|| wrong("is not a partition"))?;
        let how = match how {
            "hash" => How::Hash,
            "slice" => How::Slice,
            "count" => return Err(wrong("counts, which nextest has given up for `slice`")),
            _ => return Err(wrong("is not a partition")),
        };
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u32>().ok()).flatten()
        };
        let (index, total) = part
            .split_once('/')
            .and_then(|(index, total)| Some((number(index)?, number(total)?)))
            .ok_or_else(|| wrong("does not name a part"))?;
        let shard = Shard::new(index, total)
            .ok_or_else(|| wrong("names no part: the first number runs from 1 to the second"))?;
        Ok(Self { how, shard })
    }

    /// The cases of this part, and the ids of the others.
    pub fn split(&self, cases: Vec<Case>) -> (Vec<Case>, Vec<String>) {
        let (mut taken, mut others) = (Vec::new(), Vec::new());
        let (index, total) = (u64::from(self.shard.index), u64::from(self.shard.total));
        for (place, case) in cases.into_iter().enumerate() {
            let part = match self.how {
                How::Hash => place_of(&case.id.0, total),
                How::Slice => place as u64 % total,
            };
            if part + 1 == index {
                taken.push(case);
            } else {
                others.push(case.id.0);
            }
        }
        (taken, others)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            How::Hash => "hash",
            How::Slice => "slice",
        };
        write!(f, "{how}:{}/{}", self.shard.index, self.shard.total)
    }
}

/// The part of an id, from 0: FNV-1a over its bytes, its bits mixed once more, and scaled.
///
/// It is written out because it must never change: a case that moves to another machine
/// meets other caches and other baselines.
fn place_of(id: &str, total: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    ((u128::from(hash) * u128::from(total)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_a_word_and_a_part_of_a_whole() {
        let read = |text: &str| Partition::parse(text, |_| None).map(|read| read.to_string());
        assert_eq!(read("hash:1/4").as_deref(), Ok("hash:1/4"));
        assert_eq!(read("slice:4/4").as_deref(), Ok("slice:4/4"));
        for text in [
            "",
            "hash",
            "hash:",
            "hash:0/4",
            "hash:5/4",
            "hash:1/0",
            "slice:1",
            "slice:+1/4",
            "slice:1/4/4",
            "half:1/2",
            "count:1/2",
            "slice:1/99999999999",
            "hash: 1/4",
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains("`hash:1/4`"), "{text}: {error}");
        }
    }

    #[test]
    fn the_part_of_an_id_never_changes() {
        // A change of this hash moves cases between machines.
        let ids = [
            "a",
            "field/pandas-read-csv",
            "idioms/lru-cache-on-method",
            "ä",
        ];
        let expected = [10_753, 177_094, 902_187, 898_594];
        assert_eq!(ids.map(|id| place_of(id, 1_000_000)), expected);
    }

    #[test]
    fn hashed_parts_are_of_nearly_one_size() {
        let mut parts = [0_u32; 4];
        for number in 0..4_000 {
            parts[place_of(&format!("generated/case-{number}"), 4) as usize] += 1;
        }
        // four standard deviations of a fair choice
        assert!(
            parts.iter().all(|part| part.abs_diff(1_000) < 110),
            "{parts:?}"
        );
    }
}
