//! Durations as people write them: `60 s`, `500 ms`, `2 min`.

use std::time::Duration;

/// The longest duration accepted: a week.
const MAX_SECONDS: f64 = 7.0 * 86_400.0;

/// Reads a number and its unit; the error says what is wrong with the text.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let number: f64 = digits
        .parse()
        .map_err(|_| format!("`{text}` does not start with a number"))?;
    let factor = match unit.trim() {
        "ms" => 1e-3,
        "s" | "sec" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        "" => return Err(format!("`{text}` has no unit")),
        other => return Err(format!("`{other}` is not a unit of time")),
    };
    let seconds = number * factor;
    if !(1e-3..=MAX_SECONDS).contains(&seconds) {
        return Err(format!("`{text}` is not between 1 ms and 168 h"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("60 s", 60_000),
            ("60s", 60_000),
            ("500 ms", 500),
            ("2 min", 120_000),
            ("1.5 h", 5_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_or_out_of_range_is_refused() {
        for text in [
            "60", "", "s", "-1 s", "0 s", "1 m", "9999 h", "1e9 s", "1..2 s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
