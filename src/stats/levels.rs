//! Block levels: a long series reduced to a few low quantiles of equal blocks, its lower envelope.

/// The levels of the blocks at the end of a series, for several quantiles.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockLevels {
    /// Blocks in the tail.
    pub blocks: usize,
    /// Samples in a block.
    pub length: usize,
    /// For each quantile the levels in order; the tail is the last `blocks` of them, and
    /// up to as many before it are kept to see what the series did earlier.
    pub levels: Vec<Vec<f64>>,
}

impl BlockLevels {
    /// The levels of the tail for the quantile with this index.
    pub fn tail(&self, quantile: usize) -> &[f64] {
        let levels = &self.levels[quantile];
        &levels[levels.len() - self.blocks..]
    }
}

/// The number of blocks a tail of `samples` is cut into: a quarter of them, 5 to `most`.
pub fn block_count(samples: usize, most: usize) -> usize {
    (samples / 4).max(5).min(most)
}

/// Cuts the series into blocks aligned to its end and takes the quantiles (ascending) of each.
///
/// The tail begins at the fraction `start` of the series and is cut into [`block_count`]
/// blocks; blocks of the same length go on backwards from there. The tail must hold at
/// least 5 samples, else there are no levels (`blocks` is 0).
pub fn block_levels(series: &[f64], start: f64, quantiles: &[f64], most: usize) -> BlockLevels {
    let n = series.len();
    let tail = n - (start * n as f64) as usize;
    let blocks = block_count(tail, most);
    let length = tail / blocks;
    if length == 0 {
        return BlockLevels {
            blocks: 0,
            length: 0,
            levels: vec![Vec::new(); quantiles.len()],
        };
    }
    let count = (n / length).min(2 * blocks);
    let mut levels = vec![Vec::with_capacity(count); quantiles.len()];
    let mut scratch = Vec::with_capacity(length);
    for block in series[n - count * length..].chunks_exact(length) {
        scratch.clear();
        scratch.extend_from_slice(block);
        // from the highest quantile down: each selection leaves the smaller samples in front
        let mut rest: &mut [f64] = &mut scratch;
        for (out, q) in levels.iter_mut().zip(quantiles).rev() {
            let index = (q * (length - 1) as f64) as usize;
            let (_, level, _) = rest.select_nth_unstable_by(index, f64::total_cmp);
            out.push(*level);
            rest = &mut rest[..=index];
        }
    }
    BlockLevels {
        blocks,
        length,
        levels,
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_to_the_end_and_reach_back_twice_the_tail() {
        let series: Vec<f64> = (0..1000).map(f64::from).collect();
        let got = block_levels(&series, 0.5, &[0.0, 0.1, 0.5], 10);
        assert_eq!((got.blocks, got.length), (10, 50));
        assert_eq!(got.levels[0].len(), 20);
        assert_eq!(got.tail(0)[0], 500.0);
        assert_eq!(got.tail(0)[9], 950.0);
        assert_eq!(got.tail(1)[9], 954.0);
        assert_eq!(got.tail(2)[9], 974.0);
        let got = block_levels(&series, 0.1, &[0.0], 10);
        assert_eq!((got.length, got.levels[0].len()), (90, 11));
        assert_eq!(got.levels[0][0], 10.0);
    }

    #[test]
    fn quantiles_of_a_shuffled_block_are_those_of_the_sorted_one() {
        let series: Vec<f64> = (0..500_u32).map(|i| f64::from(i * 7919 % 500)).collect();
        let got = block_levels(&series, 0.1, &[0.0, 0.1, 0.5], 10);
        for (block, j) in series[5..].chunks_exact(45).zip(0..) {
            let mut sorted = block.to_vec();
            sorted.sort_by(f64::total_cmp);
            for (quantile, index) in [(0, 0), (1, 4), (2, 22)] {
                assert_eq!(got.levels[quantile][j], sorted[index]);
            }
        }
    }

    #[test]
    fn a_tail_of_fewer_than_five_samples_has_no_levels() {
        assert_eq!(block_levels(&[1.0; 9], 0.6, &[0.0], 10).blocks, 0);
        assert_eq!(block_levels(&[], 0.1, &[0.0], 10).blocks, 0);
    }
}
