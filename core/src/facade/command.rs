//! Decides what a command is to a binding: words, and how it wants to be treated.

use super::failure::{Failure, Result};
use crate::{error::ErrorKind, resp, types::Millis};

/// A command: its words, and how it wants to be treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    words: Vec<Vec<u8>>,
    class: Option<Class>,
    read_from: Option<ReadFrom>,
    timeout: Option<Millis>,
}

/// What a command may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It changes nothing.
    Read,
    /// It writes, and twice is as good as once.
    Idempotent,
    /// It writes, or is not known.
    Write,
    /// It waits on the server.
    Blocking,
    /// It changes the state of its connection.
    Session,
}

/// Where reads go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    /// The master alone.
    #[default]
    Master,
}

impl ReadFrom {
    /// The policy of that name.
    pub fn parse(text: &str) -> Option<Self> {
        (text == "master").then_some(Self::Master)
    }
}

/// The words of a line as redis-cli takes it: `SET k "a b"`, with `\n`, `\xff` and the like inside double quotes.
///
/// # Errors
/// [`ErrorKind::Argument`] when its quotes are not balanced.
pub fn split_line(line: &[u8]) -> Result<Vec<Vec<u8>>> {
    let shown = || format!("unbalanced quotes: {}", line[..line.len().min(80)].escape_ascii());
    resp::split_line(line).ok_or_else(|| Failure::new(ErrorKind::Argument, "read a command line", shown()))
}

impl Command {
    /// A command of these words, its name first.
    pub fn new<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| word.as_ref().to_vec()).collect();
        Self { words, class: None, read_from: None, timeout: None }
    }

    /// The same command with one more word.
    #[must_use]
    pub fn word(mut self, word: impl AsRef<[u8]>) -> Self {
        self.words.push(word.as_ref().to_vec());
        self
    }

    /// The same command with a whole number as one more word.
    #[must_use]
    pub fn number(self, number: i64) -> Self {
        self.word(number.to_string())
    }

    /// The same command, treated as of that class.
    #[must_use]
    pub fn treated_as(mut self, class: Class) -> Self {
        self.class = Some(class);
        self
    }

    /// The same command, read from there.
    #[must_use]
    pub fn read_from(mut self, read_from: ReadFrom) -> Self {
        self.read_from = Some(read_from);
        self
    }

    /// The same command with that much time in all.
    #[must_use]
    pub fn timeout(mut self, timeout: Millis) -> Self {
        self.timeout = Some(timeout);
        self
    }
}
