//! The executable's verbs.

mod demo;

pub use demo::demo;
