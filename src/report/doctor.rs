//! What `doctor` says to people: a line for each finding, group by group, remedies below.

use std::fmt::Write as _;

use super::text::printable;
use crate::doctor::{Diagnosis, Finding, Group, Status};

const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";

/// Columns of marks and of the space before them.
const MARK: usize = 7;
/// Where the text of a finding begins.
const INDENT: usize = 2 + MARK + 2;
/// Lines are not broken to less.
const NARROW: usize = 40;

/// The whole text, in so many columns; none where no line is broken.
pub fn doctor_text(diagnosis: &Diagnosis, colour: bool, columns: Option<usize>) -> String {
    let mut text = format!("memcase {} on this machine\n", diagnosis.memcase);
    for group in Group::ALL {
        let findings = diagnosis.findings.iter().filter(|one| one.group == group);
        let findings: Vec<_> = findings.collect();
        if findings.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}", group.name());
        for finding in findings {
            write_finding(&mut text, finding, colour, columns);
        }
    }
    let _ = writeln!(text, "\n{}", summary(diagnosis));
    text
}

fn write_finding(text: &mut String, finding: &Finding, colour: bool, columns: Option<usize>) {
    let word = finding.status.name();
    let space = " ".repeat(MARK - word.len());
    let shown = match (colour, finding.status) {
        (false, _) => word.to_owned(),
        (true, Status::Ok) => painted(GREEN, word),
        (true, Status::Note) => painted(YELLOW, word),
        (true, Status::Problem) => painted(RED, word),
    };
    let name = match finding.group {
        Group::Languages | Group::Tools => format!("{:<12}", finding.name),
        _ => String::new(),
    };
    let said = format!("{name}{}", finding.text);
    let _ = write!(text, "  {shown}{space}  ");
    write_broken(text, &said, INDENT, columns);
    if let Some(remedy) = &finding.remedy {
        let indent = INDENT + 2;
        text.push_str(&" ".repeat(indent));
        write_broken(text, remedy, indent, columns);
    }
}

fn painted(colour: &str, word: &str) -> String {
    format!("\u{1b}[{colour}m{word}\u{1b}[0m")
}

/// Writes a text that begins at a column, broken between words.
fn write_broken(text: &mut String, said: &str, indent: usize, columns: Option<usize>) {
    let width = columns.map_or(usize::MAX, |columns| columns.max(NARROW) - indent);
    for (number, line) in printable(said).lines().enumerate() {
        if number > 0 {
            text.push_str(&" ".repeat(indent));
        }
        let mut used = 0;
        for word in line.split_inclusive(' ') {
            let length = word.trim_end().chars().count();
            if used > 0 && used + length > width {
                let end = text.trim_end_matches(' ').len();
                text.truncate(end);
                let _ = write!(text, "\n{}", " ".repeat(indent));
                used = 0;
            }
            text.push_str(word);
            used += word.chars().count();
        }
        text.push('\n');
    }
}

fn summary(diagnosis: &Diagnosis) -> String {
    let count = |number: usize, what: &str| {
        format!("{number} {what}{}", if number == 1 { "" } else { "s" })
    };
    let all = format!(
        "{}, {}",
        count(diagnosis.problems, "problem"),
        count(diagnosis.notes, "note")
    );
    if diagnosis.ok {
        format!("{all}: memcase can measure here")
    } else {
        format!("{all}: not all that memcase needs works here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Facts, diagnose};

    #[test]
    fn lines_are_broken_between_words_and_keep_their_column() {
        let mut text = "  note     ".to_owned();
        write_broken(
            &mut text,
            "one two three four five six seven eight",
            INDENT,
            Some(40),
        );
        assert_eq!(
            text,
            "  note     one two three four five six\n           seven eight\n"
        );
        let mut text = String::new();
        write_broken(&mut text, "a b\nc", 2, None);
        assert_eq!(text, "a b\n  c\n");
    }

    #[test]
    fn a_terminal_of_a_few_columns_and_control_characters_do_no_harm() {
        let mut facts = Facts::default();
        facts.machine.kernel = "6.1\u{1b}[31m".to_owned();
        let text = doctor_text(&diagnose(facts), false, Some(1));
        assert!(
            !text.contains('\u{1b}') && text.contains("problem"),
            "{text}"
        );
    }
}
