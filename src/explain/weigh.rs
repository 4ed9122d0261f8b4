//! Findings against the measured slope: culprits and types by what they add an iteration.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::cause;
use super::findings::{Chain, Findings, Grown, Link, Made, Owner, Place, Site};
use super::model::{Culprit, Explanation, Kind, Line, Measured};
use super::rates::{counts_whole, goes_on, iterations, lasting, rates};
use super::replaced;
use crate::trace::Unit;

/// A part of the growth that is smaller is not told.
const SMALL: f64 = 0.01;
/// Places and types that are told.
const TOLD: usize = 10;

/// Of a program whose lines are not seen.
const RUNTIME: &str = "the program is run by an interpreter, and its functions are named: the lines of a program are told by a case \
                       with `language: python`, `node` or `java`";

/// Weighs what the tracers found. `source` tells the line of source at a place.
pub fn weigh(
    findings: &[Findings],
    measured: Option<Measured>,
    source: &dyn Fn(&Place) -> Option<String>,
) -> Explanation {
    let mut explanation = Explanation {
        measured,
        ..Explanation::default()
    };
    let mut culprits = Vec::new();
    let counted = measured.and_then(|measured| Made::kind_of(measured.metric));
    let slope = measured.filter(|measured| measured.metric.unit() == Unit::Bytes);
    let slope = slope.map(|measured| measured.slope);
    for one in findings {
        let replaced = replaced::sites(one, slope);
        let note = replacing(one, &replaced);
        let one = &replaced::without(one, &replaced);
        explanation.tracers.push(one.tracer.clone());
        explanation.window = (one.from, one.to);
        explanation.span = one.span;
        explanation.notes.extend(one.notes.iter().cloned());
        culprits.extend(match counted {
            Some(kind) => makers(one, kind),
            None => by_place(one, slope),
        });
        explanation.kinds.extend(kinds(one));
        let kept = |chain: &&Chain| replaced.is_empty() || !chain.full;
        let chains = one.chains.iter().filter(kept);
        explanation.chains.extend(chains.cloned());
        explanation.notes.extend(note);
    }
    let weight = |culprit: &Culprit| {
        if counted.is_some() {
            culprit.blocks
        } else {
            culprit.bytes
        }
    };
    let found: f64 = culprits.iter().map(weight).sum();
    let whole = measured.map_or(found, |measured| measured.slope);
    culprits.retain(|culprit| weight(culprit) >= SMALL * whole.min(found));
    culprits.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    culprits.truncate(TOLD);
    for culprit in &mut culprits {
        culprit.source = source(&culprit.place);
        culprit.share = measured.map(|measured| weight(culprit) / measured.slope);
    }
    let told: f64 = culprits.iter().map(weight).sum();
    explanation.unexplained = measured.map(|measured| (1.0 - told / measured.slope).max(0.0));
    explanation.culprits = culprits;
    explanation.chains = longest(std::mem::take(&mut explanation.chains));
    // Few of many that no root leads to were not understood, rather than held by native code.
    explanation
        .chains
        .sort_by_key(|chain| chain.is_native() && 2 * chain.held <= chain.sampled);
    explanation.cause = cause(&explanation);
    let runtime = matches!(findings, [only] if only.by_runtime);
    let first = explanation.culprits.first();
    if runtime && first.is_some_and(|first| first.place.owner == Owner::Language) {
        explanation.notes.push(RUNTIME.to_owned());
    }
    explanation
}

/// What is left out as it makes up for what is freed.
fn replacing(findings: &Findings, replaced: &BTreeSet<usize>) -> Option<String> {
    let first = findings.sites.get(*replaced.first()?)?;
    let place = culprit(&first.stack);
    Some(format!(
        "not counted is what takes the place of others that were there before the window, as in a ring or a cache that \
         is full: most of it is allocated at {}:{}",
        place.file, place.line
    ))
}

/// Chains without those that are the beginning of another one.
fn longest(chains: Vec<Chain>) -> Vec<Chain> {
    let steps = |chain: &Chain| -> Vec<(bool, String, String)> {
        let step = |link: &Link| {
            let indexed = link.by.starts_with('[');
            let by = if indexed {
                String::new()
            } else {
                link.by.clone()
            };
            (indexed, by, link.kind.clone())
        };
        chain.links.iter().map(step).collect()
    };
    let all: Vec<_> = chains
        .iter()
        .map(|chain| (chain.root.clone(), steps(chain)))
        .collect();
    let is_begin = |at: usize| {
        let (root, way) = &all[at];
        all.iter().enumerate().any(|(other, (from, to))| {
            other != at && from == root && to.len() > way.len() && to.starts_with(way)
        })
    };
    let kept: Vec<bool> = (0..all.len()).map(|at| !is_begin(at)).collect();
    let mut kept = kept.into_iter();
    let mut chains = chains;
    chains.retain(|_| kept.next().unwrap_or(true));
    chains
}

/// What each line of the case adds an iteration, with all that it calls.
pub fn lines(findings: &[Findings], source: &dyn Fn(&Place) -> Option<String>) -> Vec<Line> {
    let mut found = BTreeMap::new();
    for one in findings {
        let replaces = |site: &&Site| one.sees_replaced && site.replaces;
        for site in one.sites.iter().filter(|site| !replaces(site)) {
            let (bytes, blocks) = rates(site, one, !goes_on(one));
            let own = site.stack.iter().filter(|place| place.owner == Owner::Case);
            let mut seen: Vec<(&str, u32)> = own.map(|place| (&*place.file, place.line)).collect();
            seen.sort_unstable();
            seen.dedup();
            for (file, line) in seen.into_iter().filter(|_| bytes > 0.0) {
                let sum: &mut (f64, f64) = found.entry((file.to_owned(), line)).or_default();
                sum.0 += bytes;
                sum.1 += blocks;
            }
        }
    }
    let told = |((file, line), (bytes, blocks))| {
        let place = Place {
            file,
            line,
            ..Place::default()
        };
        Line {
            source: source(&place),
            file: place.file,
            line,
            bytes,
            blocks,
        }
    };
    found.into_iter().map(told).collect()
}

/// Whom a call path is put down to: the innermost place that is not the language's own.
fn culprit(stack: &[Place]) -> Place {
    let not_ours = || stack.iter().filter(|place| place.owner != Owner::Driver);
    not_ours()
        .find(|place| place.owner != Owner::Language)
        .or_else(|| not_ours().next())
        .cloned()
        .unwrap_or_default()
}

/// Whom a call path of these findings is put down to.
fn blamed(findings: &Findings, stack: &[Place]) -> Place {
    let own = stack.iter().find(|place| place.owner == Owner::Case);
    let own = own.filter(|_| findings.by_case).cloned();
    own.unwrap_or_else(|| culprit(stack))
}

fn by_place(findings: &Findings, slope: Option<f64>) -> Vec<Culprit> {
    // With each place the most that one of its call paths adds: that one is shown.
    let mut found: BTreeMap<Place, (Culprit, f64)> = BTreeMap::new();
    let whole = counts_whole(findings, slope);
    for site in &findings.sites {
        let (bytes, blocks) = rates(site, findings, whole);
        if bytes <= 0.0 {
            continue;
        }
        let place = blamed(findings, &site.stack);
        let (sum, most) = found.entry(place.clone()).or_insert_with(|| {
            let culprit = Culprit {
                place,
                ..Culprit::default()
            };
            (culprit, 0.0)
        });
        sum.bytes += bytes;
        sum.blocks += blocks;
        if bytes > *most {
            *most = bytes;
            let shown = site
                .stack
                .iter()
                .filter(|place| place.owner != Owner::Driver);
            sum.stack = shown.cloned().collect();
        }
    }
    found.into_values().map(|(culprit, _)| culprit).collect()
}

/// The places that make more of a kind.
fn makers(findings: &Findings, kind: &str) -> Vec<Culprit> {
    let mut found: BTreeMap<Place, Culprit> = BTreeMap::new();
    for made in findings.made.iter().filter(|made| made.kind == kind) {
        let place = blamed(findings, &made.stack);
        let sum = found.entry(place.clone()).or_insert_with(|| {
            let shown = made
                .stack
                .iter()
                .filter(|place| place.owner != Owner::Driver);
            Culprit {
                place,
                stack: shown.cloned().collect(),
                ..Culprit::default()
            }
        });
        sum.blocks += lasting(made.count) / iterations(findings);
    }
    found
        .into_values()
        .filter(|culprit| culprit.blocks > 0.0)
        .collect()
}

fn kinds(findings: &Findings) -> Vec<Kind> {
    let all = iterations(findings);
    let mut kinds: Vec<Kind> = findings
        .kinds
        .iter()
        .map(|grown: &Grown| Kind {
            name: grown.name.clone(),
            count: lasting(grown.count) / all,
            bytes: lasting(grown.bytes) / all,
            largest: grown.largest,
            example: grown.example.clone(),
        })
        .filter(|kind| kind.count > 0.0 && kind.bytes > 0.0)
        .collect();
    kinds.sort_by(|a, b| b.bytes.total_cmp(&a.bytes));
    let whole: f64 = kinds.iter().map(|kind| kind.bytes).sum();
    kinds.retain(|kind| kind.bytes >= SMALL * whole);
    kinds.truncate(TOLD);
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Metric;

    fn place(file: &str, line: u32, owner: Owner) -> Place {
        Place {
            file: file.to_owned(),
            line,
            function: String::new(),
            owner,
        }
    }

    fn site(bytes: (i64, i64), stack: &[Place]) -> Site {
        Site {
            bytes,
            blocks: (10, 10),
            stack: stack.to_vec(),
            replaces: false,
        }
    }

    fn findings(sites: Vec<Site>) -> Findings {
        Findings {
            tracer: "a tracer".to_owned(),
            from: 100,
            to: 120,
            sites,
            ..Findings::default()
        }
    }

    fn slope(slope: f64) -> Measured {
        Measured {
            metric: Metric::Live,
            slope,
        }
    }

    #[test]
    fn the_innermost_place_that_is_not_the_languages_own_is_named() {
        let stack = [
            place("driver.py", 9, Owner::Driver),
            place("json/decoder.py", 355, Owner::Language),
            place("package.py", 12, Owner::Package),
            place("case.yaml", 7, Owner::Case),
            place("driver.py", 250, Owner::Driver),
        ];
        let found = weigh(
            &[findings(vec![site((1000, 1000), &stack)])],
            Some(slope(100.0)),
            &|place| Some(format!("source of {}", place.file)),
        );
        let [culprit] = &found.culprits[..] else {
            panic!("{found:?}")
        };
        assert_eq!(culprit.place, stack[2]);
        assert_eq!(culprit.called_from(), Some(&stack[3]));
        assert_eq!(culprit.stack, stack[1..4]);
        assert_eq!(culprit.source.as_deref(), Some("source of package.py"));
        assert!((culprit.bytes - 100.0).abs() < 1e-9 && culprit.share == Some(1.0));
        assert_eq!(found.unexplained, Some(0.0));
    }

    #[test]
    fn a_table_that_was_made_larger_once_is_no_growth_that_goes_on() {
        let resized = site((5_000_000, 0), &[place("a", 1, Owner::Case)]);
        let both = site((4000, 400), &[place("a", 2, Owner::Case)]);
        let steady = site((900, 1100), &[place("a", 3, Owner::Case)]);
        let found = weigh(
            &[findings(vec![resized, both, steady])],
            Some(slope(200.0)),
            &|_| None,
        );
        let told: Vec<_> = found
            .culprits
            .iter()
            .map(|c| (c.place.line, c.bytes))
            .collect();
        assert_eq!(told, [(3, 100.0), (2, 40.0)]);
        assert!((found.unexplained.unwrap() - 0.3).abs() < 1e-9);
    }

    #[test]
    fn growth_in_one_half_counts_where_there_is_no_other() {
        let rare = site((0, 2000), &[place("a", 1, Owner::Case)]);
        let found = weigh(&[findings(vec![rare])], None, &|_| None);
        assert!((found.culprits[0].bytes - 100.0).abs() < 1e-9);
        assert_eq!((found.culprits[0].share, found.unexplained), (None, None));
    }

    #[test]
    fn places_that_take_turns_are_told_with_all_that_they_add() {
        let sites = [(2000, 20), (20, 2000)].map(|bytes| {
            let line = if bytes.0 > bytes.1 { 1 } else { 2 };
            site(bytes, &[place("a", line, Owner::Case)])
        });
        let found = weigh(&[findings(sites.to_vec())], Some(slope(200.0)), &|_| None);
        let told: Vec<_> = found.culprits.iter().map(|c| c.bytes).collect();
        assert_eq!(told, [101.0, 101.0]);
    }

    #[test]
    fn what_makes_up_for_what_is_freed_is_left_out_with_its_chains() {
        let ring = Site {
            replaces: true,
            ..site((5000, 5000), &[place("a", 1, Owner::Case)])
        };
        let kept = site((1000, 1000), &[place("a", 2, Owner::Case)]);
        let chain = |full| Chain {
            full,
            ..Chain::default()
        };
        let one = Findings {
            chains: vec![chain(true), chain(false)],
            ..findings(vec![ring, kept])
        };
        let found = weigh(&[one], Some(slope(100.0)), &|_| None);
        let lines: Vec<_> = found.culprits.iter().map(|c| c.place.line).collect();
        assert_eq!(lines, [2]);
        assert_eq!(found.chains, [chain(false)]);
        assert!(found.notes[0].contains("a:1"), "{:?}", found.notes);
    }

    #[test]
    fn a_line_counts_with_what_it_calls_and_once_a_call_path() {
        let own = [
            place("p", 1, Owner::Package),
            place("c", 5, Owner::Case),
            place("c", 5, Owner::Case),
            place("c", 9, Owner::Case),
        ];
        let sites = vec![site((100, 100), &own), site((100, 100), &own[3..])];
        let found = lines(&[findings(sites)], &|place| Some(place.line.to_string()));
        let told: Vec<_> = found.iter().map(|line| (line.line, line.bytes)).collect();
        assert_eq!(found[0].source.as_deref(), Some("5"));
        assert_eq!(told, [(5, 10.0), (9, 20.0)]);
    }
}
