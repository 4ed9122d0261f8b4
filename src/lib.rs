//! memcase runs small cases again and again in fresh processes, samples their
//! memory at every iteration, and says *leak*, *spike*, *stable* or *inconclusive*.
//!
//! The pipeline is `case → runtime → measure → trace → analysis → baseline → outcome → report`.
//! The modules below are declared in reading order, and that is also the import
//! order: a module imports only what is declared above it (`tests/tidy/main.rs` proves it).
//! `docs/architecture.md` tells what each one knows and what it must not know.

pub mod units;

pub mod stats;

pub mod trace;

pub mod case;

pub mod filter;

pub mod config;

pub mod runtime;

pub mod measure;

pub mod analysis;

pub mod baseline;

pub mod outcome;

pub mod explain;

pub mod doctor;

pub mod report;

pub mod runner;

pub mod cli;

pub use runner::harness::harness;
