//! From what call paths held at the marks of a window to findings.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::owner::{Of, Surroundings, is_interpreter, name_of};
use super::symbols::{Frame, Loaded, Symbols};
use super::tidy::{In, tidy};
use crate::explain::{Findings, Made, Place, Site};
use crate::measure::Traced;
use crate::measure::process::LIBRARY_NAME;
use crate::trace::Metric;

/// What keeps call paths in a target, as it is named to people.
const TRACER: &str = "call paths of what is in use";

/// What grew between the first and the last of three marks, by call path.
///
/// A path's bytes are those that it has more at the end of a half than at its beginning: what is freed counts
/// against what is allocated, whenever that was. So all paths together add up to what was counted.
pub fn native_findings(traced: &Traced, surroundings: &Surroundings) -> Findings {
    let mut findings = Findings {
        tracer: TRACER.to_owned(),
        notes: traced.notes.clone(),
        ..Findings::default()
    };
    let [(from, begin), (_, half), (to, end)] = &traced.marks[..] else {
        findings
            .notes
            .push("the window of call paths was not gone through to its end".to_owned());
        return findings;
    };
    (findings.from, findings.to) = (*from, *to);
    let lost = end.lost - begin.lost.min(end.lost);
    if lost > 0 {
        findings.notes.push(format!(
            "the tables of call paths were full: {lost} blocks or mappings of the window are not in them"
        ));
    }
    let places = Places::of(traced, surroundings);
    for (number, frames) in &traced.paths {
        let at = |mark: &crate::measure::probe::stacks::Mark| {
            mark.held.get(number).copied().unwrap_or_default()
        };
        let (begin, half, end) = (at(begin), at(half), at(end));
        let site = Site {
            bytes: (half.bytes - begin.bytes, end.bytes - half.bytes),
            blocks: (half.blocks - begin.blocks, end.blocks - half.blocks),
            stack: places.of_path(frames),
            replaces: false,
        };
        if *number == 0 && site.bytes != (0, 0) {
            findings.notes.push(format!(
                "the table of call paths was full: {} bytes of the window have none",
                site.bytes.0 + site.bytes.1
            ));
        }
        findings.sites.push(site);
    }
    merge(&mut findings.sites);
    findings.made = made(traced, &places);
    findings.by_runtime = is_interpreter(name_of(&traced.program));
    findings
}

/// Descriptors, threads and processes that are there at one mark and were not at the one before, less those that went.
fn made(traced: &Traced, places: &Places) -> Vec<Made> {
    let counted: Vec<_> = traced.marks.iter().map(|(_, mark)| &mark.counted).collect();
    let all: BTreeSet<_> = counted.iter().flat_map(|counted| counted.keys()).collect();
    let [begin, half, end] = counted[..] else {
        return Vec::new();
    };
    let made = |key: &(Metric, u32)| {
        let at = |counted: &BTreeMap<(Metric, u32), i64>| counted.get(key).copied().unwrap_or(0);
        Some(Made {
            kind: Made::kind_of(key.0)?.to_owned(),
            count: (at(half) - at(begin), at(end) - at(half)),
            stack: traced
                .paths
                .get(&key.1)
                .map_or_else(Vec::new, |frames| places.of_path(frames)),
        })
    };
    let made = all.into_iter().filter_map(made);
    made.filter(|made| made.count != (0, 0)).collect()
}

/// Puts together what is the same to people: paths that differ by an instruction within a line.
pub(super) fn merge(sites: &mut Vec<Site>) {
    sites.sort_by(|a, b| a.stack.cmp(&b.stack));
    let plus = |a: (i64, i64), b: (i64, i64)| (a.0 + b.0, a.1 + b.1);
    sites.dedup_by(|next, kept| {
        let alike = next.stack == kept.stack;
        if alike {
            kept.bytes = plus(kept.bytes, next.bytes);
            kept.blocks = plus(kept.blocks, next.blocks);
        }
        alike
    });
    sites.retain(|site| (site.bytes, site.blocks) != ((0, 0), (0, 0)));
    sites.sort_by_key(|site| std::cmp::Reverse(site.bytes.0 + site.bytes.1));
}

/// Places of addresses, with the program or library; each address is looked up once.
struct Places<'a>(HashMap<u64, Vec<In<'a>>>);

impl<'a> Places<'a> {
    fn of(traced: &'a Traced, surroundings: &Surroundings) -> Self {
        let loaded: BTreeMap<&str, Loaded> = traced
            .images
            .iter()
            .filter_map(|(name, image)| Some((&**name, Loaded::of(image)?)))
            .collect();
        let symbols: BTreeMap<&str, Symbols> = loaded
            .iter()
            .map(|(name, loaded)| (*name, Symbols::of(loaded)))
            .collect();
        let mut known = HashMap::new();
        for &address in traced.paths.values().flatten() {
            known.entry(address).or_insert_with(|| {
                // The address is the one to return to, behind the call.
                let call = address.saturating_sub(1);
                let map = traced.maps.iter().find(|map| map.range.contains(&call));
                // What lies in no file was compiled while the program ran, and has no name that is known here.
                let Some(map) = map.filter(|map| !map.path.contains(LIBRARY_NAME)) else {
                    return Vec::new();
                };
                let symbols = symbols.get(&*map.path);
                let offset = call - map.range.start + map.offset;
                let frames = symbols
                    .map_or_else(|| vec![Frame::default()], |symbols| symbols.frames(offset));
                let image = Of {
                    name: &map.path,
                    is_program: map.path == traced.program,
                    has_lines: symbols.is_some_and(Symbols::has_lines),
                };
                let place = |frame| (&*map.path, surroundings.place(image, frame));
                frames.into_iter().map(place).collect()
            });
        }
        Self(known)
    }

    fn of_path(&self, frames: &[u64]) -> Vec<Place> {
        let found = frames.iter().filter_map(|frame| self.0.get(frame));
        tidy(&found.flatten().cloned().collect::<Vec<_>>())
    }
}
