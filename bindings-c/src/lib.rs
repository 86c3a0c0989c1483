//! The C ABI: every public function, type and constant of `sentinelle.h`.
//!
//! A handle is a number that is looked up ([`token`]), never followed: a freed, foreign or NULL handle is a code and a
//! message. Every call enters through the [`wall`], where a panic ends as a code too. The headers under `include/` are
//! written from these files; `tests/header.rs` compares them.

//! # Safety
//! Of every function: a pointer is NULL, a handle this library gave, or leads to memory of the type and length that its
//! documentation says, readable or writable during the call; an output is written only when the call succeeds.

#![expect(non_camel_case_types, reason = "the names are C's")]
#![expect(clippy::missing_safety_doc, reason = "every caller's duty is the same and stands above")]
#![expect(clippy::similar_names, reason = "argc and argv are what every C programmer expects")]

pub mod code;
pub mod command;
pub mod completion;
pub mod config;
pub mod direct;
pub mod discovery;
pub mod error;
pub mod event;
pub mod group;
pub mod library;
pub mod pool;
mod process;
pub mod reply;
pub mod sentinel;
pub mod subscription;
mod token;
mod wall;
