//! One-time steps: a single rise that makes up nearly all of the growth.

/// The place of a rise that is at least 80 % of the net growth and four times every other change.
pub(crate) fn isolated_step(levels: &[f64]) -> Option<usize> {
    let d: Vec<f64> = levels.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let place = (0..d.len()).reduce(|best, j| if d[j] > d[best] { j } else { best })?;
    let growth = levels[levels.len() - 1] - levels[0];
    let mut sizes: Vec<f64> = d.iter().map(|x| x.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let second = *sizes.get(sizes.len().checked_sub(2)?)?;
    (d[place] > 0.0 && d[place] >= 0.8 * growth && d[place] >= 4.0 * second).then_some(place)
}

/// The levels without their isolated step, if they have one.
pub(crate) fn take_out_step(levels: &[f64]) -> Vec<f64> {
    let mut levels = levels.to_vec();
    if let Some(place) = isolated_step(&levels) {
        let size = levels[place + 1] - levels[place];
        for level in &mut levels[place + 1..] {
            *level -= size;
        }
    }
    levels
}
