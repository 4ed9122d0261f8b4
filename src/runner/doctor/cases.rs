//! The small cases of each language, as case files: one that keeps a few bytes an iteration, one that does nothing.

use std::path::Path;

use crate::case::file::parse;
use crate::case::{Case, Language};

/// Bytes that the leak keeps at each iteration, about. V8's heap moves by more than 64 by itself, and is judged with a
/// tolerance above that.
pub(super) fn leaked(language: Language) -> u32 {
    match language {
        Language::Node => 512,
        _ => 64,
    }
}

/// The lines below `target:` that keep so many bytes at each iteration.
fn leak(language: Language) -> &'static str {
    match language {
        Language::Python => "setup: kept = []\n  run: kept.append(bytes(31))",
        Language::Node => {
            "setup: const kept = [];\n  run: 'kept.push(new Array(60).fill(iteration));'"
        }
        Language::C => {
            "prelude: |\n    #include <stdlib.h>\n    static void *volatile sink;\n  run: sink = malloc(64);"
        }
        Language::Cpp => "prelude: static char *volatile sink;\n  run: sink = new char[64];",
        Language::Rust => "run: std::mem::forget(std::hint::black_box(vec![1_u8; 64]));",
        Language::Shell => {
            "setup: text=0123456789012345678901234567890123456789\n  run: eval \"kept_$iteration=\\$text\""
        }
        Language::Java => {
            "setup: java.util.List<byte[]> kept = new java.util.ArrayList<>();\n  run: kept.add(new byte[48]);"
        }
        Language::Ruby => "setup: kept = []\n  run: kept << 'x' * 30",
        Language::Perl => "setup: my @kept;\n  run: push @kept, 'x' x 30;",
        Language::Php => "setup: $kept = [];\n  run: $kept[] = str_repeat('x', 30);",
        Language::Lua => {
            "setup: kept = {}\n  run: kept[#kept + 1] = string.rep('x', 30) .. iteration"
        }
    }
}

/// A body that does nothing.
fn null(language: Language) -> &'static str {
    match language {
        Language::Python => "run: pass",
        Language::Node | Language::Php | Language::Java | Language::Lua => "run: ;",
        Language::C | Language::Cpp => "run: (void) 0;",
        Language::Rust => "run: ();",
        Language::Shell => "run: ':'",
        Language::Ruby => "run: nil",
        Language::Perl => "run: 1;",
    }
}

/// The case that leaks, and the one that does nothing; `folder` is where their files would be.
pub(super) fn pair(language: Language, folder: &Path) -> Result<(Case, Case), String> {
    let one = |name: &str, lines: &str, more: &str| {
        let text = format!(
            "target:\n  language: {}\n  {lines}\n{more}",
            language.name()
        );
        let id = format!("{}-{name}", language.name());
        let file = folder.join(format!("{id}.yaml"));
        let cases = parse(text.as_bytes(), &file, &id);
        let case = cases.map_err(|errors| errors[0].to_string())?.pop();
        case.ok_or_else(|| format!("no case in {text}"))
    };
    Ok((
        one("leak", leak(language), "expect: leak\n")?,
        // A run is a turn of its own, so that its time is that of the protocol.
        one("null", null(language), "measure: {batch: 1}\n")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_two_cases() {
        for language in Language::ALL {
            let (leak, null) = pair(language, Path::new("/nowhere")).unwrap();
            assert_eq!(leak.target.program.language(), Some(language));
            assert_eq!(null.target.program.language(), Some(language));
        }
    }
}
