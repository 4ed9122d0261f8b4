//! Samples of one metric out of traces: up to one iteration, evenly spaced, in all processes alike.

use crate::trace::{Axis, Driver, Heap, Metric, Series, Trace};

use super::grid;
use super::rule::Scale;
use super::verdict::Policy;

/// Bytes in use that are a leak's business: the tolerance of an exact counter.
const LIVE: f64 = 4.0;
/// V8's heap after a full collection still moves by what the engine keeps for itself.
const V8_HEAP: f64 = 128.0;
/// That ebbs: what it still is from here on is less.
const V8_SETTLED: u64 = 5_000;
const V8_SETTLED_HEAP: f64 = 32.0;
/// The JVM's heap moves less.
const JVM_HEAP: f64 = 32.0;
/// Beside a heap: buffers of V8, class metadata of the JVM (which profiles of its compilers share),
/// and native memory of an engine.
const EXTERNAL: f64 = 128.0;
/// Anonymous resident bytes.
const ANON: f64 = 32.0;
/// The same by second: 84 MiB a day.
const ANON_A_SECOND: f64 = 1024.0;
/// Blocks in use.
const BLOCKS: f64 = 0.05;
/// The least an allocator hands out.
const ALLOCATION: f64 = 16.0;
/// Bytes of a page, where the trace does not tell.
const PAGE: f64 = 4096.0;

/// The samples of one metric after iterations `stride`, `2 stride`, …
#[derive(Debug, Clone)]
pub(super) struct Aligned {
    pub(super) metric: Metric,
    pub(super) axis: Axis,
    pub(super) stride: u64,
    /// The samples of each process, equally many.
    pub(super) samples: Vec<Vec<f64>>,
    /// The largest slope that counts as none, in units an iteration (for counts: growth over the run).
    pub(super) tolerance: f64,
    granularity: f64,
}

impl Aligned {
    /// The samples of a metric up to iteration `n`; none if a process has none.
    pub(super) fn new(traces: &[&Trace], metric: Metric, n: u64, policy: &Policy) -> Option<Self> {
        let cut: Vec<Cut<'_>> = traces
            .iter()
            .map(|trace| trace.get(metric).map(|series| Cut::new(series, n)))
            .collect::<Option<_>>()?;
        if cut.iter().any(|c| c.at.is_empty()) {
            return None;
        }
        let clocked = traces.iter().any(|t| t.header.driver == Driver::Clock);
        let end = cut.iter().filter_map(|c| c.at.last().copied()).min()?;
        let stride = if clocked {
            grid::cell(cut.iter().map(|c| c.at), end)
        } else {
            cut.iter().map(Cut::stride).max()
        };
        let stride = stride.filter(|&stride| stride > 0)?;
        let count = end / stride;
        if count == 0 {
            return None;
        }
        let (default, granularity) = scale_of(traces, metric, n);
        Some(Self {
            metric,
            axis: axis_of(traces),
            stride,
            samples: cut
                .iter()
                .map(|c| {
                    if clocked {
                        grid::floors(c.at, c.values, stride, count)
                    } else {
                        c.spaced(stride, count)
                    }
                })
                .collect(),
            tolerance: policy.tolerances.get(&metric).copied().unwrap_or(default),
            granularity,
        })
    }

    /// The samples as slices.
    pub(super) fn slices(&self) -> Vec<&[f64]> {
        self.samples.iter().map(Vec::as_slice).collect()
    }

    /// Tolerance by sample, and granularity.
    pub(super) fn scale(&self) -> Scale {
        Scale {
            tolerance: self.tolerance * self.unit(),
            granularity: self.granularity,
        }
    }

    /// Iterations, seconds or lines from one sample to the next.
    pub(super) fn unit(&self) -> f64 {
        self.stride as f64 / self.axis.places()
    }

    /// Samples of each process.
    pub(super) fn len(&self) -> usize {
        self.samples.first().map_or(0, Vec::len)
    }

    /// Iterations completed at the sample with this index.
    pub(super) fn iteration(&self, index: usize) -> u64 {
        (index as u64 + 1) * self.stride
    }

    /// Iterations completed at the last sample.
    pub(super) fn iterations(&self) -> u64 {
        self.len() as u64 * self.stride
    }
}

/// The readings of one process up to an iteration, without the one before the first.
struct Cut<'a> {
    at: &'a [u64],
    values: &'a [u64],
}

impl<'a> Cut<'a> {
    fn new(series: &'a Series, n: u64) -> Self {
        let from = series.at.partition_point(|&at| at == 0);
        let to = series.at.partition_point(|&at| at <= n).max(from);
        Self {
            at: &series.at[from..to],
            values: &series.values[from..to],
        }
    }

    /// The widest gap between readings; 0 without readings.
    fn stride(&self) -> u64 {
        let first = self.at.first().copied().unwrap_or(0);
        self.at
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .fold(first, u64::max)
    }

    /// The latest reading at each multiple of the stride; with even readings these are the readings.
    fn spaced(&self, stride: u64, count: u64) -> Vec<f64> {
        let mut next = 0;
        (1..=count)
            .map(|j| {
                while next < self.at.len() && self.at[next] <= j * stride {
                    next += 1;
                }
                self.values[next.saturating_sub(1)] as f64
            })
            .collect()
    }
}

/// What the samples of a case are plotted against.
pub(super) fn axis_of(traces: &[&Trace]) -> Axis {
    traces.first().map_or(Axis::Iterations, |t| t.header.axis)
}

/// Default tolerance and granularity of a metric at a look at `n`.
pub(super) fn scale_of(traces: &[&Trace], metric: Metric, n: u64) -> (f64, f64) {
    let live = |trace: &&Trace| match trace.header.heap {
        Heap::V8 if n >= V8_SETTLED => V8_SETTLED_HEAP,
        Heap::V8 => V8_HEAP,
        Heap::Jvm => JVM_HEAP,
        Heap::None | Heap::Malloc | Heap::Cpython | Heap::Ruby | Heap::Php | Heap::Lua => LIVE,
    };
    match metric {
        Metric::Native
            if traces
                .iter()
                .any(|trace| trace.header.heap.engine().is_some()) =>
        {
            (EXTERNAL, ALLOCATION)
        }
        Metric::Live | Metric::Native => (traces.iter().map(live).fold(LIVE, f64::max), ALLOCATION),
        Metric::External => (EXTERNAL, ALLOCATION),
        Metric::Anon
        | Metric::Peak
        | Metric::Pss
        | Metric::Swap
        | Metric::Shmem
        | Metric::Mapped => {
            let granularity = traces
                .iter()
                .map(|trace| trace.header.anon_granularity as f64)
                .fold(0.0, f64::max);
            let tolerance = match axis_of(traces) {
                Axis::Iterations | Axis::Lines => ANON,
                Axis::Seconds => ANON_A_SECOND,
            };
            let page = if granularity > 0.0 { granularity } else { PAGE };
            (tolerance, page)
        }
        Metric::Blocks => (BLOCKS, 1.0),
        Metric::Fds | Metric::Threads | Metric::Children => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Header;

    fn trace(at: &[u64]) -> Trace {
        let mut trace = Trace::new(Header::default());
        for &at in at {
            trace.push(Metric::Anon, at, 100 * at);
        }
        trace
    }

    fn aligned(traces: &[Trace], n: u64) -> Option<Aligned> {
        let traces: Vec<&Trace> = traces.iter().collect();
        Aligned::new(&traces, Metric::Anon, n, &Policy::default())
    }

    #[test]
    fn the_sample_before_the_first_iteration_and_those_after_the_look_are_left_out() {
        let got = aligned(&[trace(&[0, 1, 2, 3, 4, 5])], 4).unwrap();
        assert_eq!(got.samples, [[100.0, 200.0, 300.0, 400.0]]);
        assert_eq!((got.stride, got.iteration(3)), (1, 4));
    }

    #[test]
    fn a_stride_multiplies_the_tolerance() {
        let got = aligned(&[trace(&[0, 8, 16, 24])], 100).unwrap();
        assert_eq!((got.stride, got.len(), got.iterations()), (8, 3, 24));
        assert!((got.scale().tolerance - 256.0).abs() < 1e-9);
    }

    #[test]
    fn uneven_readings_are_spaced_by_their_widest_gap() {
        let got = aligned(&[trace(&[2, 4, 10, 11, 12, 18]), trace(&[6, 12, 18])], 18).unwrap();
        assert_eq!(got.stride, 6);
        assert_eq!(got.samples[0], [400.0, 1200.0, 1800.0]);
        assert_eq!(got.samples[1], [600.0, 1200.0, 1800.0]);
    }

    #[test]
    fn a_process_without_the_metric_leaves_nothing_to_judge() {
        assert!(aligned(&[trace(&[1, 2]), trace(&[])], 2).is_none());
        assert!(aligned(&[trace(&[0])], 2).is_none());
        assert!(aligned(&[], 2).is_none());
        assert!(aligned(&[trace(&[1, 2]), trace(&[0])], 2).is_none());
    }
}
