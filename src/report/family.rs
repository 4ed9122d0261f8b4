//! Which process of a target's tree grows, and which are orphans.

use serde::{Deserialize, Serialize};

use crate::trace::{Member, Trace};
use crate::units::{Bytes, Per, Rate};

use super::text;

/// Processes that are told of in words.
const MOST: usize = 3;
/// Whoever has less than this share of the growth is not told of.
const SHARE: f64 = 0.1;

/// One process of a target's tree, in one of the case's runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Relative {
    /// Which of the case's processes it belongs to, from 1.
    pub process: u32,
    /// Who it is, and what it held.
    #[serde(flatten)]
    pub member: Member,
    /// Growth from its first sample to its last, in bytes.
    pub growth: i64,
    /// The same an iteration; `null` where there was one sample.
    #[serde(deserialize_with = "crate::analysis::unknown::number")]
    pub slope: f64,
}

impl Relative {
    /// How people know it: by its order among the children, not by a number that changes.
    fn name(&self, all: &[Self]) -> String {
        let leader = first_tree(all).find(|relative| relative.member.child == 0);
        let command = text::printable(&self.member.command);
        match self.member.child {
            0 => "the program itself".to_owned(),
            child if command.is_empty() => format!("child {child}"),
            child if leader.is_some_and(|l| l.member.command == self.member.command) => {
                format!("child {child} (a fork of the program)")
            }
            child => format!("child {child} (`{command}`)"),
        }
    }
}

/// All processes of all trees, as the traces record them.
pub(super) fn relatives(traces: &[&Trace]) -> Vec<Relative> {
    let of = |trace: &Trace| {
        let members = trace.ending.as_ref().map(|ending| ending.members.clone());
        let process = trace.header.process;
        members.unwrap_or_default().into_iter().map(move |member| {
            let growth = member.last as i64 - member.first as i64;
            Relative {
                process,
                growth,
                slope: growth as f64 / (member.to as f64 - member.from as f64),
                member,
            }
        })
    };
    traces.iter().flat_map(|trace| of(trace)).collect()
}

/// The tree of the first run that has one.
fn first_tree(relatives: &[Relative]) -> impl Iterator<Item = &Relative> {
    let first = relatives.first().map_or(0, |relative| relative.process);
    relatives
        .iter()
        .filter(move |relative| relative.process == first)
}

/// The processes that grow, a line each, the one that grows most first.
pub(super) fn growing(relatives: &[Relative]) -> Vec<String> {
    let mut grown: Vec<_> = first_tree(relatives).filter(|r| r.growth > 0).collect();
    grown.sort_by_key(|relative| std::cmp::Reverse(relative.growth));
    let all: i64 = grown.iter().map(|relative| relative.growth).sum();
    grown
        .into_iter()
        .filter(|relative| relative.growth as f64 >= SHARE * all as f64)
        .take(MOST)
        .map(|relative| {
            format!(
                "{} by {} from iteration {} to {}, {}",
                relative.name(relatives),
                Bytes(relative.growth as u64),
                text::iterations(relative.member.from),
                text::iterations(relative.member.to),
                Rate {
                    bytes: relative.slope,
                    per: Per::Iteration,
                },
            )
        })
        .collect()
}

/// What is to be known of processes that lost their parent while the target lived.
pub(super) fn orphans(relatives: &[Relative]) -> Option<String> {
    let all: Vec<_> = first_tree(relatives)
        .filter(|relative| relative.member.orphan.is_some())
        .collect();
    let first = all.first()?;
    let at = text::iterations(first.member.orphan.unwrap_or(0));
    let more = match all.len() {
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    Some(format!(
        "orphan: {} lost its parent by iteration {at}{more}; what orphans hold is counted as the case's, and they are ended with it",
        first.name(relatives)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Ending, Header};

    fn trace(members: &[(u32, u64, u64, Option<u64>)]) -> Trace {
        let mut trace = Trace::new(Header {
            process: 1,
            ..Header::default()
        });
        let member = |&(child, first, last, orphan): &(u32, u64, u64, Option<u64>)| Member {
            child,
            command: format!("worker {child}"),
            first,
            to: 100,
            last,
            orphan,
            ..Member::default()
        };
        trace.ending = Some(Ending {
            members: members.iter().map(member).collect(),
            ..Ending::default()
        });
        trace
    }

    #[test]
    fn the_process_that_grows_is_named_with_its_growth() {
        let trace = trace(&[
            (0, 5000, 5100, None),
            (1, 0, 0, None),
            (2, 100, 204_900, None),
        ]);
        let all = relatives(&[&trace]);
        assert_eq!(
            growing(&all),
            ["child 2 (`worker 2`) by 200 KiB from iteration 0 to 100, +2.00 KiB/iter"]
        );
        assert_eq!(orphans(&all), None);
    }

    #[test]
    fn orphans_are_named_and_counted() {
        let trace = trace(&[(0, 1, 1, None), (1, 1, 1, Some(3)), (2, 1, 1, Some(4))]);
        let told = orphans(&relatives(&[&trace])).unwrap();
        assert!(
            told.contains("child 1 (`worker 1`) lost its parent by iteration 3, and 1 more"),
            "{told}"
        );
    }
}
