//! The size of one event: a series that grows by few large steps says no more than its steps do.

/// The size of a typical rise of the lower envelope of a series; 0 where it does not rise.
///
/// The envelope at a sample is the least value from there on, so what is given back later is no rise. Half of the
/// growth comes in rises of at least this size, the largest one, which may be a one-time step, left out.
/// For a line it is the growth by sample, for a staircase the height of a step.
pub fn event_size(series: &[f64]) -> f64 {
    let mut least = f64::INFINITY;
    let mut rises = Vec::new();
    for &value in series.iter().rev() {
        if value < least {
            if least.is_finite() {
                rises.push(least - value);
            }
            least = value;
        }
    }
    rises.sort_by(f64::total_cmp);
    if rises.len() > 2 {
        rises.pop();
    }
    let half = rises.iter().sum::<f64>() / 2.0;
    let mut sum = 0.0;
    rises
        .into_iter()
        .rev()
        .find(|rise| {
            sum += rise;
            sum >= half
        })
        .unwrap_or(0.0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact by construction")]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_events_of_its_slope_and_a_staircase_of_its_steps() {
        let line: Vec<f64> = (0..100).map(|i| 7.0 * f64::from(i)).collect();
        assert_eq!(event_size(&line), 7.0);
        let stairs: Vec<f64> = (0..100).map(|i| 4096.0 * f64::from(i / 20)).collect();
        assert_eq!(event_size(&stairs), 4096.0);
    }

    #[test]
    fn one_step_and_small_jitter_and_falls_do_not_count() {
        let mut series: Vec<f64> = (0..400)
            .map(|i| 1000.0 * f64::from(i / 40) + 16.0 * f64::from(i % 3))
            .collect();
        series[200..].iter_mut().for_each(|value| *value += 1e6);
        series[77] += 5e5;
        let size = event_size(&series);
        assert!((900.0..=1032.0).contains(&size), "{size}");
    }

    #[test]
    fn what_does_not_rise_has_none() {
        assert_eq!(event_size(&[5.0; 30]), 0.0);
        assert_eq!(event_size(&[3.0, 2.0, 1.0]), 0.0);
        assert_eq!(event_size(&[]), 0.0);
    }
}
