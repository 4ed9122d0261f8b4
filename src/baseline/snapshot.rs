//! `insta`'s snapshots as carriers of fits, and the comparator that compares them by intervals.

use insta::{Comparator, Snapshot};

use super::compare::{Comparison, ComparisonKind, compare};
use super::contents::FitError;
use super::fit::Fit;

/// The fit that a snapshot holds.
pub(super) fn fit_of(snapshot: &Snapshot) -> Result<Fit, FitError> {
    let text = snapshot.as_text().map(ToString::to_string);
    Fit::read(&text.unwrap_or_default())
}

/// Compares snapshots of fits by their intervals: they match unless a change is proven or they are not
/// comparable.
///
/// It may be set in the [`insta::Settings`] of any test that makes snapshots of [`Fit::text`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ByIntervals;

impl ByIntervals {
    /// How the fit of one snapshot compares with that of another.
    pub fn comparison(reference: &Snapshot, test: &Snapshot) -> Result<Comparison, FitError> {
        Ok(compare(&fit_of(reference)?, &fit_of(test)?))
    }
}

impl Comparator for ByIntervals {
    fn matches(&self, reference: &Snapshot, test: &Snapshot) -> bool {
        Self::comparison(reference, test).is_ok_and(|comparison| {
            matches!(
                comparison.kind,
                ComparisonKind::Unchanged | ComparisonKind::Inconclusive
            )
        })
    }

    fn dyn_clone(&self) -> Box<dyn Comparator> {
        Box::new(*self)
    }
}
