//! Findings against the measured slope: culprits and types by what they add an iteration.

use std::collections::BTreeMap;

use super::cause::cause;
use super::findings::{Chain, Findings, Grown, Link, Owner, Place, Site};
use super::model::{Culprit, Explanation, Kind, Line, Measured};
use crate::trace::Metric;

/// A part of the growth that is smaller is not told.
const SMALL: f64 = 0.01;
/// Places and types that are told.
const TOLD: usize = 10;
/// One half of a window may grow by this much more than the other, and all of it goes on.
const UNEVEN: i64 = 3;

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
    let counted = measured.and_then(|measured| made(measured.metric));
    for one in findings {
        explanation.tracers.push(one.tracer.clone());
        explanation.window = (one.from, one.to);
        explanation.notes.extend(one.notes.iter().cloned());
        culprits.extend(match counted {
            Some(kind) => makers(one, kind),
            None => by_place(one),
        });
        explanation.kinds.extend(kinds(one));
        explanation.chains.extend(one.chains.iter().cloned());
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
    explanation.cause = cause(&explanation);
    explanation
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
        for site in &one.sites {
            let (bytes, blocks) = rates(site, one);
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

/// The growth that goes on, of what the two halves of a window had: all of it, or as much as the
/// lesser half shows where the other one holds something that happened once.
fn lasting((first, second): (i64, i64)) -> f64 {
    let (less, more) = (first.min(second), first.max(second));
    if less <= 0 {
        0.0
    } else if more > UNEVEN * less {
        2.0 * less as f64
    } else {
        (first + second) as f64
    }
}

fn iterations(findings: &Findings) -> f64 {
    findings.to.saturating_sub(findings.from).max(1) as f64
}

/// Bytes and blocks an iteration. Growth in one half alone counts where none goes on (a leak that
/// shows once in many iterations).
fn rates(site: &Site, findings: &Findings) -> (f64, f64) {
    let bytes = if goes_on(findings) {
        lasting(site.bytes)
    } else {
        (site.bytes.0 + site.bytes.1).max(0) as f64
    };
    let blocks = (site.blocks.0 + site.blocks.1).max(0) as f64;
    let all = iterations(findings);
    (bytes / all, blocks / all)
}

fn goes_on(findings: &Findings) -> bool {
    findings.sites.iter().any(|site| lasting(site.bytes) > 0.0)
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

fn by_place(findings: &Findings) -> Vec<Culprit> {
    // With each place the most that one of its call paths adds: that one is shown.
    let mut found: BTreeMap<Place, (Culprit, f64)> = BTreeMap::new();
    for site in &findings.sites {
        let (bytes, blocks) = rates(site, findings);
        if bytes <= 0.0 {
            continue;
        }
        let own = site.stack.iter().find(|place| place.owner == Owner::Case);
        let place = own
            .filter(|_| findings.by_case)
            .cloned()
            .unwrap_or_else(|| culprit(&site.stack));
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

/// What is made of which too many are there, where it is no memory that grows.
fn made(metric: Metric) -> Option<&'static str> {
    match metric {
        Metric::Fds => Some("descriptor"),
        Metric::Threads => Some("thread"),
        Metric::Children => Some("process"),
        _ => None,
    }
}

/// The places that make more of a kind.
fn makers(findings: &Findings, kind: &str) -> Vec<Culprit> {
    let mut found: BTreeMap<Place, Culprit> = BTreeMap::new();
    for made in findings.made.iter().filter(|made| made.kind == kind) {
        let place = culprit(&made.stack);
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
