//! What a sentinel is told to do: its settings as data, and the text of `sentinel.conf` they come from and go to.
//!
//! [`read`] turns text into [`Settings`], [`rewrite`] turns the old text and settings into the new text. Neither touches a
//! file: what a text refers to (included files, scripts, `dir`) is asked of an [`Outside`] that the caller brings. Whoever stores
//! settings passes the file's current text and an `Outside` that begins at the folder where the process started.

mod directive;
mod draft;
mod failure;
mod number;
mod outside;
mod read;
mod read_sentinel;
mod read_server;
mod settings;
mod words;
mod write;

pub use failure::{COMPATIBLE_VERSION, ConfigError};
pub use outside::{Outside, TextOnly};
pub use read::{Loaded, join_pieces, parse, read};
pub use settings::{
    LogLevel, MasterSettings, OutputLimit, Periods, ServerSettings, Settings, Supervisor, UserSettings,
};
#[cfg(feature = "cli")]
pub(crate) use words::{quote, split};
pub use write::rewrite;
