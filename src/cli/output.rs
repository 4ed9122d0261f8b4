//! What standard output and error are: a terminal, coloured, or neither.

use std::ffi::OsString;
use std::io::IsTerminal;

use super::args::Color;

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

#[cfg(test)]
mod tests {
    use super::*;

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
