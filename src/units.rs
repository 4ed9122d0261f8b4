//! Bytes and rates: parse them as people write them, print them so that they are read at once.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// A count of bytes; the only form in which an amount of memory is stored.
///
/// Written as a number and a unit: `512 MiB`, `64 B`, `1.5 KiB`, `10 kB`.
/// Binary units (`KiB`, `MiB`, `GiB`, `TiB`) are powers of 1,024 and decimal ones
/// (`kB`, `MB`, `GB`, `TB`) powers of 1,000. A bare number is refused: it hides its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

/// What growth is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Per {
    /// One execution of what is measured.
    #[default]
    Iteration,
    /// One second of the program's life.
    Second,
    /// One line of the program's output that tells progress.
    Line,
}

impl Per {
    /// As it stands behind the stroke: `64 B/iter`, `1 KiB/s`, `16 B/line`.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Iteration => "iter",
            Self::Second => "s",
            Self::Line => "line",
        }
    }
}

/// Growth of memory in bytes an iteration, a second or a line; may be negative.
///
/// Written like [`Bytes`], with what it is counted by behind a stroke: `1 KiB/iter`, `64 B/s`,
/// `16 B/line`. Without a stroke the place where it stands tells: see [`Rate::parse`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rate {
    /// Bytes.
    pub bytes: f64,
    /// By each of what.
    pub per: Per,
}

/// Why a text is not an amount of memory.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnitError {
    /// No digits where a number belongs.
    #[error("`{0}` does not start with a number; write for example `64 B` or `512 MiB`")]
    NoNumber(String),
    /// A comma that groups no thousands: a decimal comma would be lost.
    #[error("`{0}` has a comma that groups no thousands; write a decimal point: `1.5 KiB`")]
    Comma(String),
    /// A number without its unit.
    #[error("`{0}` has no unit; write `{0} B`, `{0} KiB` or `{0} MiB`")]
    NoUnit(String),
    /// A unit that is not known.
    #[error("`{unit}` is not a unit of memory; use B, KiB, MiB, GiB, TiB, kB, MB, GB or TB")]
    UnknownUnit {
        /// What stood where a unit belongs.
        unit: String,
    },
    /// More than 2^63 bytes, or less than none.
    #[error("`{0}` is out of range")]
    OutOfRange(String),
}

fn parse_amount(text: &str) -> Result<f64, UnitError> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_' | ',' | '+' | '-')))
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if !groups_thousands(digits) {
        return Err(UnitError::Comma(text.to_owned()));
    }
    let digits: String = digits.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let number: f64 = digits
        .parse()
        .map_err(|_| UnitError::NoNumber(text.to_owned()))?;
    let factor = match unit.trim() {
        "" => return Err(UnitError::NoUnit(text.to_owned())),
        "B" | "byte" | "bytes" => 1,
        "KiB" => KIB,
        "MiB" => MIB,
        "GiB" => GIB,
        "TiB" => TIB,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        other => {
            return Err(UnitError::UnknownUnit {
                unit: other.to_owned(),
            });
        }
    };
    let amount = number * factor as f64;
    if amount.abs() > i64::MAX as f64 {
        return Err(UnitError::OutOfRange(text.to_owned()));
    }
    Ok(amount)
}

/// Whether each comma has three digits behind it and stands before the decimal point.
fn groups_thousands(digits: &str) -> bool {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    whole.split(',').skip(1).all(|group| group.len() == 3) && !fraction.contains(',')
}

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let amount = parse_amount(text)?;
        if amount < 0.0 {
            return Err(UnitError::OutOfRange(text.to_owned()));
        }
        Ok(Self(amount.round() as u64))
    }
}

impl Rate {
    /// Reads a rate; one that does not say what it is counted by is counted by `unsaid`.
    pub fn parse(text: &str, unsaid: Per) -> Result<Self, UnitError> {
        let text = text.trim();
        let (amount, per) = [
            ("/iteration", Per::Iteration),
            ("/iter", Per::Iteration),
            ("/line", Per::Line),
            ("/s", Per::Second),
        ]
        .into_iter()
        .find_map(|(suffix, per)| Some((text.strip_suffix(suffix)?, per)))
        .unwrap_or((text, unsaid));
        let bytes = parse_amount(amount)?;
        Ok(Self { bytes, per })
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        Self::parse(text, Per::Iteration)
    }
}

/// Divides by the largest binary unit that leaves at least 1, so that several
/// numbers of one line can share it.
pub fn scale_of(magnitude: f64) -> (f64, &'static str) {
    let magnitude = magnitude.abs();
    for (size, name) in [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")] {
        if magnitude >= size as f64 {
            return (size as f64, name);
        }
    }
    (1.0, "B")
}

/// Three significant digits, never in exponent form.
pub fn three_digits(value: f64) -> String {
    // Of the two zeros only one is for people.
    let value = value + 0.0;
    let magnitude = value.abs();
    if magnitude >= 99.95 || value == 0.0 {
        format!("{value:.0}")
    } else if magnitude >= 9.995 {
        format!("{value:.1}")
    } else if magnitude >= 0.01 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, unit) = scale_of(self.0 as f64);
        if unit == "B" {
            write!(f, "{} B", self.0)
        } else {
            write!(f, "{} {unit}", three_digits(self.0 as f64 / size))
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, unit) = scale_of(self.bytes);
        let sign = if self.bytes > 0.0 { "+" } else { "" };
        let (amount, per) = (three_digits(self.bytes / size), self.per.symbol());
        write!(f, "{sign}{amount} {unit}/{per}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("64 B", 64),
            ("64B", 64),
            ("1 KiB", 1024),
            ("1.5 KiB", 1536),
            ("512 MiB", 512 << 20),
            ("2 GiB", 2 << 30),
            ("10 kB", 10_000),
            ("1_000 B", 1000),
            ("1,024.5 KiB", 1_049_088),
            ("1,000,000 B", 1_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn an_amount_without_a_unit_or_with_a_wrong_one_is_refused() {
        assert_eq!(
            "12".parse::<Bytes>(),
            Err(UnitError::NoUnit("12".to_owned()))
        );
        assert!(matches!(
            "12 Kb".parse::<Bytes>(),
            Err(UnitError::UnknownUnit { .. })
        ));
        assert!(matches!(
            "many".parse::<Bytes>(),
            Err(UnitError::NoNumber(_))
        ));
        assert!(matches!(
            "-1 B".parse::<Bytes>(),
            Err(UnitError::OutOfRange(_))
        ));
    }

    #[test]
    fn a_decimal_comma_is_refused_and_not_read_as_tenfold() {
        for text in ["1,5 KiB", "1,50 GiB", "1.000,5 B", "1,0000 B", "1, KiB"] {
            assert_eq!(
                text.parse::<Bytes>(),
                Err(UnitError::Comma(text.to_owned()))
            );
        }
    }

    #[test]
    fn rates_take_an_optional_denominator() {
        let rate = |bytes, per| Rate { bytes, per };
        for (text, expected) in [
            ("1 KiB/iter", rate(1024.0, Per::Iteration)),
            ("64 B/s", rate(64.0, Per::Second)),
            ("1.5 KiB/line", rate(1536.0, Per::Line)),
            ("64 B", rate(64.0, Per::Line)),
        ] {
            assert_eq!(Rate::parse(text, Per::Line), Ok(expected), "{text}");
        }
        assert_eq!("64 B".parse(), Ok(rate(64.0, Per::Iteration)));
        assert!("64 B/min".parse::<Rate>().is_err());
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(Bytes(1536).to_string(), "1.50 KiB");
        assert_eq!(Bytes(200 << 20).to_string(), "200 MiB");
        assert_eq!(Bytes(17).to_string(), "17 B");
        let shown = |bytes, per| Rate { bytes, per }.to_string();
        assert_eq!(shown(1340.0, Per::Iteration), "+1.31 KiB/iter");
        assert_eq!(shown(-64.0, Per::Second), "-64.0 B/s");
        assert_eq!(shown(0.0, Per::Line), "0 B/line");
    }
}
