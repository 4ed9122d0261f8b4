//! Annotations of GitHub Actions: an error or a warning at the line of each case that is not as claimed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::document::{Document, WholeRun};
use super::event::CaseReport;
use super::explain::{explain, headline};
use super::text;
use crate::outcome::OutcomeKind;

/// Writes the run to `out` when it has ended. `below` is the folder that case files are relative
/// to, as seen from the top of the repository.
pub fn annotations(out: Box<dyn Write + Send>, below: PathBuf) -> Document {
    Document::new(out, Box::new(move |run, out| write(run, &below, out)))
}

fn write(run: &WholeRun, below: &Path, out: &mut dyn Write) -> io::Result<()> {
    run.cases
        .iter()
        .filter_map(|case| annotation(case, below))
        .try_for_each(|line| out.write_all(line.as_bytes()))
}

fn annotation(case: &CaseReport, below: &Path) -> Option<String> {
    let level = match case.outcome {
        OutcomeKind::Failed | OutcomeKind::Broken => "error",
        OutcomeKind::Inconclusive => "warning",
        OutcomeKind::Passed | OutcomeKind::Skipped => return None,
    };
    let (label, _) = headline(case);
    let what = if label.is_empty() {
        case.outcome.name()
    } else {
        label.as_str()
    };
    let title = format!("memcase: {}: {what}", case.id);
    // A case begins at the first column of its line: it is a document.
    Some(format!(
        "::{level} file={},line={},col=1,title={}::{}\n",
        property(&below.join(&case.file).display().to_string()),
        case.line,
        property(&title),
        data(explain(case).trim())
    ))
}

/// The text of a command: one line, whatever it holds.
fn data(text: &str) -> String {
    text::printable(text)
        .replace('%', "%25")
        .replace('\n', "%0A")
}

/// A value among others: it holds no separator either.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_ends_it_and_nothing_ends_the_line() {
        assert_eq!(property("a,b:c%\r\nd"), "a%2Cb%3Ac%25%0Ad");
        assert_eq!(data("100%0A, a: b\n::set"), "100%250A, a: b%0A::set");
        assert_eq!(data("\u{1b}[31m"), "\u{fffd}[31m");
    }
}
