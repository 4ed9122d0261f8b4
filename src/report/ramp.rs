//! A ramp on its way to a drawing: many processes, one curve.

use crate::trace::{Driver, Metric, Series, Trace};

/// The processes of a ramp as one series, by their counts; none for other drivers.
pub(super) fn as_series(traces: &[&Trace], metric: Metric) -> Option<Series> {
    let ramp = |trace: &&&Trace| trace.header.driver == Driver::Ramp;
    let mut ends: Vec<(u64, u64)> = traces
        .iter()
        .filter(ramp)
        .filter_map(|trace| trace.get(metric))
        .filter_map(|series| Some((*series.at.last()?, *series.values.last()?)))
        .collect();
    ends.sort_unstable();
    let (at, values) = ends.into_iter().unzip();
    traces
        .iter()
        .any(|trace| ramp(&trace))
        .then_some(Series { at, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Header;

    #[test]
    fn processes_are_drawn_in_the_order_of_their_counts() {
        let trace = |count| {
            let mut trace = Trace::new(Header {
                driver: Driver::Ramp,
                ..Header::default()
            });
            trace.push(Metric::Anon, count, 10 * count);
            trace
        };
        let traces = [trace(7), trace(3), trace(5)];
        let traces: Vec<&Trace> = traces.iter().collect();
        let drawn = as_series(&traces, Metric::Anon).unwrap();
        assert_eq!((drawn.at, drawn.values), (vec![3, 5, 7], vec![30, 50, 70]));
        let step = Trace::new(Header::default());
        assert_eq!(as_series(&[&step], Metric::Anon), None);
    }
}
