//! Which of two tracers tells more of what was measured.

use super::findings::Findings;
use super::model::Measured;
use super::weigh::weigh;

/// Parts that differ by less are the same.
const SAME: f64 = 0.01;

/// The part of the measured slope that findings account for, above 1 where they tell of more than was measured; none
/// where no slope was measured.
pub fn accounted(findings: &[Findings], measured: Option<Measured>) -> Option<f64> {
    let told = weigh(findings, Some(measured?), &|_| None);
    let shares = told.culprits.iter().filter_map(|culprit| culprit.share);
    // The sum of nothing would be a zero with a sign.
    Some(shares.fold(0.0, |sum, share| sum + share))
}

/// Whether a part that is accounted for is nearer to all of it than another: twice as much is no better than half.
pub fn is_nearer(part: f64, other: f64) -> bool {
    let apart = |part: f64| if part > 1.0 { 1.0 / part } else { part };
    apart(part) > apart(other) + SAME
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Place, Site};
    use crate::trace::Metric;

    fn findings(bytes: i64) -> Findings {
        let place = Place {
            file: "a".to_owned(),
            ..Place::default()
        };
        Findings {
            to: 100,
            sites: vec![Site {
                bytes: (bytes, bytes),
                blocks: (1, 1),
                stack: vec![place],
                replaces: false,
            }],
            ..Findings::default()
        }
    }

    #[test]
    fn the_part_of_the_slope_is_that_of_all_places_together() {
        let measured = |metric, slope| Some(Measured { metric, slope });
        let part = |metric, slope| accounted(&[findings(500)], measured(metric, slope));
        assert_eq!(part(Metric::Live, 20.0), Some(0.5));
        assert_eq!(part(Metric::Live, 5.0), Some(2.0));
        assert_eq!(part(Metric::Fds, 5.0), Some(0.0));
        assert_eq!(accounted(&[], measured(Metric::Live, 5.0)), Some(0.0));
        assert_eq!(accounted(&[findings(500)], None), None);
    }

    #[test]
    fn too_much_is_no_better_than_too_little() {
        for (better, worse) in [(0.9, 0.5), (1.1, 0.5), (1.0, 1.5), (0.6, 2.0), (1.2, 0.0)] {
            assert!(is_nearer(better, worse), "{better} {worse}");
            assert!(!is_nearer(worse, better), "{worse} {better}");
        }
        assert!(!is_nearer(0.505, 0.5) && !is_nearer(0.5, 2.0));
    }
}
