//! A fit as the text of a snapshot, and what a text must be to be a fit.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::fit::{FORMAT, Fit, Level, Slope};

/// The most runs of a body between two samples.
const MOST_RUNS: u32 = 1 << 20;
/// No estimate of memory is as large.
const LARGEST: f64 = 1e18;

/// Why contents of a snapshot are not a fit.
#[derive(Debug, Error)]
pub enum FitError {
    /// Not JSON, or a field is missing or of another kind.
    #[error(
        "it does not hold a baseline of memcase ({0}); remove the file, or write it anew with `--update=always`"
    )]
    Contents(#[from] serde_json::Error),
    /// A later version of memcase wrote it.
    #[error(
        "it has format {0}, and this memcase knows formats up to {FORMAT}; use the memcase that wrote it, or a later one"
    )]
    Newer(u64),
    /// A number or a text that no run could have left.
    #[error(
        "its `{0}` is not what a run could have left; remove the file, or write it anew with `--update=always`"
    )]
    Impossible(&'static str),
}

impl Fit {
    /// The text that is kept: JSON with a line for each fact, so that a difference of two shows what differs.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Ok(value) = serde_json::to_value(self) {
            write(&value, 0, &mut text);
        }
        text
    }

    /// The fit that a text holds.
    pub fn read(text: &str) -> Result<Self, FitError> {
        #[derive(Deserialize)]
        struct Version {
            format: u64,
        }
        let Version { format } = serde_json::from_str(text)?;
        if format > u64::from(FORMAT) {
            return Err(FitError::Newer(format));
        }
        let fit: Self = serde_json::from_str(text)?;
        match fit.impossible() {
            Some(field) => Err(FitError::Impossible(field)),
            None => Ok(fit),
        }
    }

    /// A field that no run could have left: a file may come from anywhere.
    fn impossible(&self) -> Option<&'static str> {
        let known = |value: f64, error: f64, df: f64| {
            value.abs() < LARGEST && (0.0..LARGEST).contains(&error) && (0.5..LARGEST).contains(&df)
        };
        let slope =
            |s: &Slope| known(s.estimate, s.error, s.df) && (0.0..LARGEST).contains(&s.tolerance);
        let level = |level: &Option<Level>| level.is_none_or(|l| known(l.bytes, l.error, l.df));
        let plain = |text: &String| !text.chars().any(char::is_control);
        let s = &self.surroundings;
        let texts = [&s.platform, &s.runtime, &s.allocator, &s.target];
        if !self.slopes.values().all(slope) {
            Some("slopes")
        } else if !(1..=MOST_RUNS).contains(&s.batch) {
            Some("batch")
        } else if !level(&self.base) {
            Some("base")
        } else if !level(&self.peak) {
            Some("peak")
        } else if !plain(&self.curve) {
            Some("curve")
        } else if !texts.into_iter().all(plain) {
            Some("surroundings")
        } else {
            None
        }
    }
}

/// Objects a line a field, but for those two levels down, which are a line each.
fn write(value: &Value, depth: usize, out: &mut String) {
    let Value::Object(fields) = value else {
        out.push_str(&value.to_string());
        return;
    };
    let (open, close) = if depth < 2 {
        (
            format!("\n{}", "  ".repeat(depth + 1)),
            format!("\n{}", "  ".repeat(depth)),
        )
    } else {
        (" ".to_owned(), " ".to_owned())
    };
    out.push('{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&open);
        out.push_str(&Value::String(name.clone()).to_string());
        out.push_str(": ");
        write(value, depth + 1, out);
    }
    out.push_str(&close);
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = include_str!("stored/format-1.snap");

    fn contents() -> &'static str {
        STORED.splitn(3, "---\n").nth(2).unwrap()
    }

    #[test]
    fn a_stored_fit_of_format_1_is_read_and_written_as_it_was() {
        let fit = Fit::read(contents()).unwrap();
        assert_eq!(fit.format, 1);
        assert_eq!(fit.text().trim_end(), contents().trim_end());
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_what_an_earlier_one_lacks_is_none() {
        let more = contents().replacen("\"verdict\"", "\"later\": [1, 2], \"verdict\"", 1);
        assert_eq!(Fit::read(&more).unwrap(), Fit::read(contents()).unwrap());
        let mut less: Value = serde_json::from_str(contents()).unwrap();
        for field in ["base", "peak", "curve"] {
            less.as_object_mut().unwrap().remove(field);
        }
        let less = Fit::read(&less.to_string()).unwrap();
        assert!(less.base.is_none() && less.peak.is_none() && less.curve.is_empty());
    }

    #[test]
    fn what_no_run_could_have_left_is_refused() {
        for (from, to, said) in [
            ("\"df\": 2.0", "\"df\": 0.0", "`slopes`"),
            ("\"error\": 0.0025", "\"error\": -1", "`slopes`"),
            ("\"bytes\": 3029700.0", "\"bytes\": 1e30", "`base`"),
            ("▁▂", "\\u001b[2J", "`curve`"),
            ("grow.sh", "\\u0007", "`surroundings`"),
            ("\"format\": 1", "\"format\": 2", "format 2"),
            ("\"slopes\"", "\"slips\"", "missing field"),
        ] {
            let text = contents().replacen(from, to, 1);
            assert_ne!(text, contents(), "{from}");
            let error = Fit::read(&text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
