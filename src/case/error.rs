//! Why a case file was refused, and how that is shown: one place, one remedy, the source line with a caret.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

/// One mistake in one case file.
///
/// `Display` gives the short form (`file:line:column: key: message`, then a `help:`
/// line); [`CaseError::render`] gives the long one with the source line quoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseError {
    /// The case file, as it was found.
    pub file: PathBuf,
    /// The line, from 1; 0 where the mistake has no place within the file.
    pub line: usize,
    /// The column in characters, from 1; 0 where the mistake has no place within the file.
    pub column: usize,
    /// The key at fault as a path from the top of the document: `target.run`.
    pub key: Option<String>,
    /// What is wrong; without the key's name and without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The line at fault; none where the mistake has no place within the file.
    pub source: Option<SourceLine>,
}

/// A line of a case file and the part of it that is at fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLine {
    /// The text of the line, shortened where it is long.
    pub text: String,
    /// How many characters from the column on are at fault; at least 1.
    pub width: usize,
}

/// The longest part of a source line that is quoted, in characters.
const QUOTED: usize = 160;

impl CaseError {
    /// A mistake of a file as a whole.
    pub fn of_file(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            key: None,
            message: message.into(),
            help: None,
            source: None,
        }
    }

    /// The same mistake with a remedy.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same mistake at a place of the text. A control character in the quoted line
    /// is shown as a replacement, so that a file cannot write to the terminal.
    #[must_use]
    pub(crate) fn at(mut self, line: usize, column: usize, width: usize, text: &str) -> Self {
        let length = text.chars().count();
        self.line = line;
        self.column = column;
        self.source = (column <= QUOTED).then(|| SourceLine {
            text: printable(text.trim_end(), QUOTED),
            width: width.min((length + 1).saturating_sub(column)).max(1),
        });
        self
    }

    fn place(&self) -> String {
        if self.line == 0 {
            printable(&self.file.display().to_string(), usize::MAX)
        } else {
            let file = printable(&self.file.display().to_string(), usize::MAX);
            format!("{file}:{}:{}", self.line, self.column)
        }
    }

    fn headline(&self) -> String {
        match &self.key {
            Some(key) => format!("`{key}`: {}", self.message),
            None => self.message.clone(),
        }
    }

    /// The long form: the message, the place, the source line with the part at fault
    /// underlined, and the remedy; ends with a newline. `colour` adds ANSI colours.
    pub fn render(&self, colour: bool) -> String {
        let paint = |code: &str, text: &str| {
            if colour {
                format!("\u{1b}[{code}m{text}\u{1b}[0m")
            } else {
                text.to_owned()
            }
        };
        let (red, blue, bold) = ("1;31", "1;34", "1");
        let number = if self.line == 0 {
            " ".to_owned()
        } else {
            self.line.to_string()
        };
        let pad = " ".repeat(number.len());
        let bar = paint(blue, "|");
        let mut text = format!(
            "{}{}\n",
            paint(red, "error"),
            paint(bold, &format!(": {}", self.headline()))
        );
        // writing to a String cannot fail
        let _ = writeln!(text, "{pad}{} {}", paint(blue, "-->"), self.place());
        if let Some(source) = &self.source {
            let before: String = source
                .text
                .chars()
                .take(self.column.saturating_sub(1))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let _ = writeln!(text, "{pad} {bar}");
            let _ = writeln!(text, "{} {bar} {}", paint(blue, &number), source.text);
            let carets = paint(red, &"^".repeat(source.width.min(QUOTED)));
            let _ = writeln!(text, "{pad} {bar} {before}{carets}");
        }
        if let Some(help) = &self.help {
            if self.source.is_some() {
                let _ = writeln!(text, "{pad} {bar}");
            }
            let mut lines = help.lines();
            let first = lines.next().unwrap_or_default();
            let _ = writeln!(
                text,
                "{pad} {} {}: {first}",
                paint(blue, "="),
                paint(bold, "help")
            );
            for line in lines {
                let _ = writeln!(text, "{pad}         {line}");
            }
        }
        text
    }
}

/// The text without control characters, cut after `limit` characters.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(limit)
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if text.chars().nth(limit).is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.headline())?;
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CaseError {}
