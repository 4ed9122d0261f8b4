//! Every driver speaks the step protocol, counts exactly, and adds nothing of its own.

#![expect(clippy::unwrap_used, reason = "in a test a failure may panic")]

mod counters;
mod documented;
mod draft;
mod environments;
mod growth;
mod java;
mod lockstep;
mod places;
mod scope;
mod script_counters;
mod scripts;

use memcase::case::Language;

const C: Language = Language::C;
const CPP: Language = Language::Cpp;
const NODE: Language = Language::Node;
const PYTHON: Language = Language::Python;
const RUST: Language = Language::Rust;
const SHELL: Language = Language::Shell;
const JAVA: Language = Language::Java;
const RUBY: Language = Language::Ruby;
const PERL: Language = Language::Perl;
const PHP: Language = Language::Php;
const LUA: Language = Language::Lua;
