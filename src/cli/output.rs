//! What standard output and error are: a terminal, coloured, or neither.

use std::ffi::OsString;
use std::io::IsTerminal;

use super::args::Color;
use crate::report::plot::Screen;

/// Whether words on standard output are coloured.
pub(super) fn coloured(choice: Color) -> bool {
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => by_environment(
            |name| std::env::var_os(name),
            std::io::stdout().is_terminal(),
        ),
    }
}

/// Whether words on standard error are coloured.
pub(super) fn errors_coloured() -> bool {
    by_environment(
        |name| std::env::var_os(name),
        std::io::stderr().is_terminal(),
    )
}

/// `NO_COLOR` (no-color.org) goes before `CLICOLOR_FORCE` and `CLICOLOR` (bixense.com/clicolors).
fn by_environment(get: impl Fn(&str) -> Option<OsString>, terminal: bool) -> bool {
    let set = |name| get(name).is_some_and(|value| !value.is_empty());
    let on = |name| get(name).is_some_and(|value| !value.is_empty() && value != "0");
    if set("NO_COLOR") {
        false
    } else if on("CLICOLOR_FORCE") {
        true
    } else {
        terminal
            && get("CLICOLOR").is_none_or(|value| value != "0")
            && get("TERM").is_none_or(|value| value != "dumb")
    }
}

/// Whether bars can be drawn: both outputs go to a terminal that can move its cursor.
pub(super) fn can_draw() -> bool {
    std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal()
        && std::env::var_os("TERM").is_none_or(|value| value != "dumb")
}

/// Cells of a terminal that tells nothing of its size.
const USUAL: (u16, u16) = (24, 80);

/// Columns of standard output; none where it is no terminal, so that no line is broken.
pub(super) fn columns() -> Option<usize> {
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(usize::from(columns).saturating_sub(1))
}

/// What a plot on standard output may use of it.
pub(super) fn screen(colour: bool) -> Screen {
    let term = console::Term::stdout();
    let (rows, columns) = term.size_checked().unwrap_or(USUAL);
    let (rows, columns) = (usize::from(rows), usize::from(columns));
    Screen {
        // The last column is left free: a terminal may break the line behind it.
        width: columns.saturating_sub(1).min(160),
        height: rows.saturating_sub(12).clamp(8, 24),
        unicode: by_locale(|name| std::env::var_os(name)),
        colour,
    }
}

/// Whether the locale's letters are UTF-8: the first that is set of three says so.
fn by_locale(get: impl Fn(&str) -> Option<OsString>) -> bool {
    let mut set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(get);
    let locale = set.find(|value| !value.is_empty()).unwrap_or_default();
    let locale = locale.to_string_lossy().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braille_is_drawn_where_the_locale_has_it() {
        let unicode = |set: &[(&str, &str)]| {
            by_locale(|name| {
                let mut set = set.iter();
                set.find(|(set, _)| *set == name).map(|(_, v)| v.into())
            })
        };
        assert!(unicode(&[("LANG", "de_DE.UTF-8")]));
        assert!(unicode(&[("LC_ALL", "C.utf8"), ("LANG", "C")]));
        assert!(unicode(&[("LC_ALL", ""), ("LANG", "C.UTF-8")]));
        assert!(!unicode(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")]));
        assert!(!unicode(&[]));
    }

    #[test]
    fn colour_follows_the_conventions() {
        let coloured = |set: &[(&str, &str)], terminal| {
            by_environment(
                |name| {
                    set.iter()
                        .find(|(set, _)| *set == name)
                        .map(|(_, value)| value.into())
                },
                terminal,
            )
        };
        assert!(coloured(&[], true));
        assert!(!coloured(&[], false));
        assert!(!coloured(&[("NO_COLOR", "1")], true));
        assert!(coloured(&[("NO_COLOR", "")], true));
        assert!(coloured(&[("CLICOLOR_FORCE", "1")], false));
        assert!(!coloured(
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
            true
        ));
        assert!(!coloured(&[("CLICOLOR", "0")], true));
        assert!(!coloured(&[("TERM", "dumb")], true));
    }
}
