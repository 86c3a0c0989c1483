//! The C ABI: every public function, type and constant of `sentinelle.h`.
//!
//! A handle is a number that is looked up ([`token`]), never followed: a freed, foreign or NULL handle is a code and a
//! message. Every call enters through the [`wall`], where a panic ends as a code too. The headers under `include/` are
//! written from these files; `tests/header.rs` compares them.

#![expect(non_camel_case_types, reason = "the names are C's")]

mod code;
mod command;
mod config;
mod error;
mod event;
mod group;
mod library;
mod process;
mod reply;
mod sentinel;
mod token;
mod wall;
