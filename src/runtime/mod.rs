//! How a target becomes a program that can be started: one file a language.
//!
//! A runtime finds the interpreter or compiler, builds what the case requires,
//! and writes the driver program that loops the snippet in lock-step with memcase
//! (`docs/protocol.md`). It starts tools, and nothing that is measured.

mod c;
mod command;
pub mod environments;
mod find;
mod git;
pub mod heaptrack;
mod identity;
mod java;
mod launch;
mod lua;
mod node;
mod packages;
mod perl;
mod php;
mod prepare;
mod program;
mod python;
mod ruby;
mod rust;
mod service;
mod shell;
mod source_map;
mod tool;
pub mod tools;

pub use git::{RevisionError, Worktree};
pub use identity::identity;
pub use launch::{Foreign, Launch, PrepareError};
pub use prepare::{
    missing, prepare, prepare_debugged, prepare_explained, prepare_with_memray, program,
};
pub use service::Service;
pub use source_map::{Segment, SourceMap};
pub use tool::{mark_tools, stop_when};
