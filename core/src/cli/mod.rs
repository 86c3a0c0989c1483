//! The executable's verbs.

mod arguments;
mod demo;
mod log;
mod run;
mod start;
mod supervisor;

pub use demo::demo;
pub use run::run;
