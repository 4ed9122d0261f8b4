//! Numbers as they are kept: to the precision to which they are known, and no digit more.

/// Significant digits of a number that has no error.
const EXACT_DIGITS: i32 = 6;

/// A number and its error: the error to two digits, the number to the same place.
///
/// What is left out is at most a twentieth of the error.
pub(super) fn rounded(value: f64, error: f64) -> (f64, f64) {
    if error > 0.0 {
        // Twice, since 9.98 becomes 10, whose second digit is another.
        let place = 1 - magnitude(at_place(error, 1 - magnitude(error)));
        (at_place(value, place), at_place(error, place))
    } else {
        (at_place(value, EXACT_DIGITS - 1 - magnitude(value)), 0.0)
    }
}

/// The power of ten of the first digit.
fn magnitude(value: f64) -> i32 {
    if value == 0.0 {
        return 0;
    }
    value.abs().log10().floor() as i32
}

/// So many places behind the point, or, below zero, before it.
fn at_place(value: f64, place: i32) -> f64 {
    let rounded = if place > 0 {
        // By way of the digits: a product would leave ends like 0.30000000000000004.
        let digits = format!("{value:.*}", place as usize);
        digits.parse().unwrap_or(value)
    } else {
        let unit = 10f64.powi(-place);
        (value / unit).round() * unit
    };
    // No zero below zero.
    rounded + 0.0
}

/// To two places behind the point, for degrees of freedom.
pub(super) fn hundredths(value: f64) -> f64 {
    at_place(value, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_to_the_second_digit_of_its_error() {
        for (value, error, kept) in [
            (1_040.123_456, 0.012_345, (1_040.123, 0.012)),
            (1_234_567.0, 4321.0, (1_234_600.0, 4300.0)),
            (-0.000_01, 0.5, (0.0, 0.5)),
            (0.1 + 0.2, 0.01, (0.3, 0.01)),
            (31.4, 99.7, (30.0, 100.0)),
        ] {
            assert_eq!(rounded(value, error), kept, "{value} {error}");
        }
    }

    #[test]
    fn an_exact_number_keeps_six_digits() {
        assert_eq!(rounded(205.6, 0.0), (205.6, 0.0));
        assert_eq!(rounded(12_345_678.0, 0.0), (12_345_700.0, 0.0));
        assert_eq!(rounded(0.0, 0.0), (0.0, 0.0));
    }

    #[test]
    fn what_is_rounded_stays_as_it_is_when_it_is_rounded_again() {
        for step in 1..2000 {
            let (value, error) = (f64::from(step) * 7.319_4e3, 1.07f64.powi(step % 200));
            let once = rounded(value, error);
            assert_eq!(rounded(once.0, once.1), once, "{value} {error}");
        }
    }
}
