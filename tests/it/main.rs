//! The program from outside: what it prints, what it keeps, and how it ends.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod against;
mod baselines;
mod cargo_insta;
mod config;
mod debug;
mod doctor;
mod events;
mod explain;
mod explain_counts;
mod explain_free;
mod explain_java;
mod explain_node;
mod explain_node_reader;
mod explain_replaced;
mod explain_service;
mod explain_tools;
mod gate;
mod harness;
mod interpreters;
mod merge;
mod mistakes;
mod page;
mod plot;
mod record;
mod record_passes;
mod record_shared;
mod record_terminal;
mod report_readers;
mod reports;
mod repository;
mod retries;
mod review;
mod run;
mod screen;
mod select;
mod support;
mod terminal;
mod unaware;
mod watch;
mod watch_ends;
mod worktree;
