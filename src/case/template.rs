//! The case that `memcase new` writes: commented, and it runs as it is.

use super::model::Language;

/// The text of a new case file; it claims `stable` of a small body that is stable.
pub fn template(name: &str, language: Language) -> String {
    let code = match language {
        Language::Python => include_str!("template/python.yaml"),
        Language::Node => include_str!("template/node.yaml"),
        Language::C => include_str!("template/c.yaml"),
        Language::Cpp => include_str!("template/cpp.yaml"),
        Language::Rust => include_str!("template/rust.yaml"),
        Language::Shell => include_str!("template/shell.yaml"),
        Language::Java => include_str!("template/java.yaml"),
        Language::Ruby => include_str!("template/ruby.yaml"),
        Language::Perl => include_str!("template/perl.yaml"),
        Language::Php => include_str!("template/php.yaml"),
        Language::Lua => include_str!("template/lua.yaml"),
    };
    let frame = include_str!("template/frame.yaml");
    frame
        .replace("{name}", name)
        .replace("{code}", code.trim_end())
}
