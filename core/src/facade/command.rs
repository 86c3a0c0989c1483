//! Decides what a command is to a binding: words, and how it wants to be treated; written out or as a line.

use super::failure::{Failure, Result};
pub use crate::pool::{Class, Command, ReadFrom};
use crate::{error::ErrorKind, resp};

/// The words of a line as redis-cli takes it: `SET k "a b"`, with `\n`, `\xff` and the like inside double quotes.
///
/// # Errors
/// [`ErrorKind::Argument`] when its quotes are not balanced.
pub fn split_line(line: &[u8]) -> Result<Vec<Vec<u8>>> {
    let shown = || format!("unbalanced quotes: {}", line[..line.len().min(80)].escape_ascii());
    resp::split_line(line).ok_or_else(|| Failure::new(ErrorKind::Argument, "read a command line", shown()))
}
