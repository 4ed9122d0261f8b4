//! What stays and is no growth: it takes the place of what was there before.

use std::collections::BTreeSet;

use super::findings::{Findings, Site};
use super::rates::{iterations, lasting};

/// So much more than was measured must stay, before any of it is taken for a replacement.
const TOO_MUCH: f64 = 1.25;
/// How far a growing call path may be from a shrinking one that it replaces, in bytes and in the size of a block.
const ALIKE: f64 = 0.1;

/// The sites, by their numbers, that make up for others: a ring or a cache that is full, and was filled before the
/// window. Where the tracer has not seen what they replace, there are some only where more stays than the `slope` that
/// was measured, in bytes an iteration.
pub(super) fn sites(findings: &Findings, slope: Option<f64>) -> BTreeSet<usize> {
    let grows: f64 = findings.sites.iter().map(|site| lasting(site.bytes)).sum();
    let grows = grows / iterations(findings);
    let too_much = slope.is_some_and(|slope| grows > TOO_MUCH * slope);
    let all = || findings.sites.iter().enumerate();
    let mut replaced: BTreeSet<usize> = all()
        .filter(|(_, site)| site.replaces && (too_much || findings.sees_replaced))
        .map(|(number, _)| number)
        .collect();
    if !too_much {
        return replaced;
    }
    for freed in findings.sites.iter().filter(|site| shrinks(site)) {
        let bytes = lasting((-freed.bytes.0, -freed.bytes.1));
        let apart = |site: &Site| (lasting(site.bytes) / bytes - 1.0).abs();
        let alike = |(number, site): &(usize, &Site)| {
            let sizes = size(site).zip(size(freed));
            let same_size = sizes.is_some_and(|(a, b)| (a / b - 1.0).abs() <= ALIKE);
            same_size && apart(site) <= ALIKE && !replaced.contains(number)
        };
        let closest = all()
            .filter(alike)
            .min_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
        let closest = closest.map(|(number, _)| number);
        replaced.extend(closest);
    }
    replaced
}

/// The findings without the sites of these numbers.
pub(super) fn without(findings: &Findings, left_out: &BTreeSet<usize>) -> Findings {
    let sites = findings.sites.iter().enumerate();
    let kept = sites.filter(|(number, _)| !left_out.contains(number));
    Findings {
        sites: kept.map(|(_, site)| site.clone()).collect(),
        ..findings.clone()
    }
}

fn shrinks(site: &Site) -> bool {
    site.bytes.0 < 0 && site.bytes.1 < 0
}

/// Bytes of a block.
fn size(site: &Site) -> Option<f64> {
    let blocks = site.blocks.0 + site.blocks.1;
    (blocks != 0).then(|| (site.bytes.0 + site.bytes.1) as f64 / blocks as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(bytes: i64, blocks: i64, replaces: bool) -> Site {
        Site {
            bytes: (bytes * 50, bytes * 50),
            blocks: (blocks * 50, blocks * 50),
            replaces,
            ..Site::default()
        }
    }

    fn found(sites: &[Site], slope: Option<f64>) -> Vec<usize> {
        let findings = Findings {
            to: 100,
            sites: sites.to_vec(),
            ..Findings::default()
        };
        super::sites(&findings, slope).into_iter().collect()
    }

    #[test]
    fn a_path_that_grows_as_another_shrinks_replaces_it() {
        let ring = [
            site(200, 1, false),
            site(3000, 1, false),
            site(-3000, -1, false),
        ];
        assert_eq!(found(&ring, Some(200.0)), [1]);
        // Blocks of another size are not the same ones.
        let other = [
            site(200, 1, false),
            site(3000, 30, false),
            site(-3000, -1, false),
        ];
        assert_eq!(found(&other, Some(200.0)), [0_usize; 0]);
    }

    #[test]
    fn what_a_tracer_saw_in_a_full_container_counts_where_more_stays_than_grows_or_it_saw_what_went()
     {
        let full = [site(200, 1, false), site(3000, 1, true)];
        assert_eq!(found(&full, Some(200.0)), [1]);
        assert_eq!(found(&full, Some(3200.0)), [0_usize; 0]);
        assert_eq!(found(&full, None), [0_usize; 0]);
        let seen = Findings {
            to: 100,
            sites: full.to_vec(),
            sees_replaced: true,
            ..Findings::default()
        };
        for slope in [None, Some(3200.0)] {
            assert_eq!(sites(&seen, slope).into_iter().collect::<Vec<_>>(), [1]);
        }
    }
}
