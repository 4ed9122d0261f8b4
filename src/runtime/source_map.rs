//! Turns places in a generated program back into places in the case file.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Turns places in a generated program back into places in the case file.
///
/// Interpreters are told the case file's name and lines themselves where they can be
/// (`compile` with padding, `#line`), so most messages need no rewriting. What remains
/// (rustc, node, shells) is translated here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceMap {
    /// For each name that a tool prints, the pieces of the case file below that name.
    pub files: BTreeMap<String, Vec<Segment>>,
    /// The case file, as it is shown to people.
    pub case_file: PathBuf,
}

/// Lines of a generated program that were taken from the case file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The first line in the generated program, from 1.
    pub first: usize,
    /// How many lines.
    pub lines: usize,
    /// The line of the case file on which the first one stands, from 1.
    pub case_line: usize,
    /// Columns that the case file has in front of the code.
    pub indent: usize,
}

impl SourceMap {
    /// Rewrites the places that a tool printed: `NAME:12:5`, `NAME:12`, `NAME: line 12`,
    /// `NAME: 12:`, `NAME", line 12`, `NAME on line 12`, `NAME line 12` and `NAME(12)` become
    /// places in the case file.
    ///
    /// A line behind a piece of the case file (an end of file that came too early)
    /// counts as its last line. A line in front of all of them is left as it is.
    pub fn translate(&self, text: &str) -> String {
        let case_file = self.case_file.display().to_string();
        let mut names: Vec<_> = self.files.iter().filter(|(n, _)| !n.is_empty()).collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        'text: while !rest.is_empty() {
            for (name, segments) in &names {
                if let Some(after) = rest.strip_prefix(name.as_str()) {
                    if let Some((place, length)) = place(after, segments) {
                        out.push_str(&case_file);
                        out.push_str(&place);
                        rest = &after[length..];
                    } else {
                        out.push_str(name);
                        rest = after;
                    }
                    continue 'text;
                }
            }
            let next = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..next]);
            rest = &rest[next..];
        }
        out
    }
}

impl SourceMap {
    /// The place in the case file of a line in a generated file; none where that line is not the case's.
    pub fn place(&self, file: &str, line: usize) -> Option<(PathBuf, usize)> {
        let segments = self.files.get(file)?;
        if segments.is_empty() {
            return Some((self.case_file.clone(), line));
        }
        let within = |piece: &&Segment| (piece.first..piece.first + piece.lines).contains(&line);
        let piece = segments.iter().find(within)?;
        Some((self.case_file.clone(), piece.case_line + line - piece.first))
    }
}

/// The place behind a name, turned into one of the case file, and its length in `after`.
/// Without a number there is nothing to turn, and the name alone is exchanged.
fn place(after: &str, segments: &[Segment]) -> Option<(String, usize)> {
    let lead = [
        ": line ",
        "\", line ",
        " on line ",
        " line ",
        "(",
        ": ",
        ":",
    ]
    .into_iter()
    .find(|lead| after.strip_prefix(lead).is_some_and(starts_with_digit));
    let Some(lead) = lead else {
        return Some((String::new(), 0));
    };
    let (line, mut used) = number(after, lead.len())?;
    let Some((line, indent)) = turn(line, segments) else {
        // A name without pieces keeps its lines: only the name differs.
        return segments.is_empty().then(|| (String::new(), 0));
    };
    let mut place = format!("{lead}{line}");
    if lead == ":"
        && after[used..]
            .strip_prefix(':')
            .is_some_and(starts_with_digit)
    {
        let (column, end) = number(after, used + 1)?;
        place = format!("{place}:{}", column + indent);
        used = end;
    }
    Some((place, used))
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The number at `from`, and where it ends.
fn number(text: &str, from: usize) -> Option<(usize, usize)> {
    let digits = text[from..]
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len() - from);
    let number = text[from..from + digits].parse().ok()?;
    Some((number, from + digits))
}

/// The case file's line and indentation for a line of the generated program.
fn turn(line: usize, segments: &[Segment]) -> Option<(usize, usize)> {
    let piece = segments
        .iter()
        .filter(|piece| piece.first <= line)
        .max_by_key(|piece| piece.first)?;
    let within = (line - piece.first).min(piece.lines.saturating_sub(1));
    Some((piece.case_line + within, piece.indent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> SourceMap {
        let segment = |first, lines, case_line| Segment {
            first,
            lines,
            case_line,
            indent: 4,
        };
        SourceMap {
            files: [
                (
                    "/w/x.rs".to_owned(),
                    vec![segment(1, 2, 11), segment(9, 3, 20)],
                ),
                ("/w/cases/a.yaml".to_owned(), Vec::new()),
            ]
            .into(),
            case_file: "cases/a.yaml".into(),
        }
    }

    #[test]
    fn places_become_those_of_the_case_file() {
        for (printed, shown) in [
            ("  --> /w/x.rs:10:5\n", "  --> cases/a.yaml:21:9\n"),
            ("/w/x.rs: line 2: oops", "cases/a.yaml: line 12: oops"),
            ("/w/x.rs: 9: oops", "cases/a.yaml: 20: oops"),
            ("at (/w/x.rs:1)", "at (cases/a.yaml:11)"),
            ("in /w/x.rs, é", "in cases/a.yaml, é"),
            ("in /w/x.rs on line 9", "in cases/a.yaml on line 20"),
            ("at /w/x.rs line 9.", "at cases/a.yaml line 20."),
            ("#0 /w/x.rs(10): f()", "#0 cases/a.yaml(21): f()"),
            (
                "File \"/w/cases/a.yaml\", line 7",
                "File \"cases/a.yaml\", line 7",
            ),
        ] {
            assert_eq!(map().translate(printed), shown);
        }
    }

    #[test]
    fn a_line_is_found_in_the_case_file_where_it_is_the_cases() {
        let place = |file, line| map().place(file, line).map(|(_, line)| line);
        assert_eq!(place("/w/x.rs", 2), Some(12));
        assert_eq!(place("/w/x.rs", 3), None);
        assert_eq!(place("/w/cases/a.yaml", 7), Some(7));
        assert_eq!(place("/w/y.rs", 1), None);
    }

    #[test]
    fn a_line_behind_a_piece_is_its_last_line() {
        assert_eq!(map().translate("/w/x.rs:5:1"), "cases/a.yaml:12:5");
        assert_eq!(map().translate("/w/x.rs:400"), "cases/a.yaml:22");
    }
}
