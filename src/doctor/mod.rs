//! What a machine can measure: from facts to findings, each with its remedy. Pure.

mod facts;
mod findings;
mod languages;
mod surroundings;
#[cfg(test)]
mod tests;

pub use facts::{
    Counted, Facts, Folder, FolderKind, Installed, Library, Machine, Measured, Tool, Trial,
};
pub use findings::{Diagnosis, Finding, Group, Status, diagnose};
