//! Decides how results reach an event loop: in one queue with a descriptor, one wake-up for many.

use std::{fmt, os::fd::RawFd};

use super::{
    failure::Result,
    mailbox::{Mailbox, Next},
    patience::Patience,
    reply::Reply,
};

/// A queue of results; clones share it, so each result is fetched once.
#[derive(Clone)]
pub struct Completions {
    mailbox: Mailbox<Completion>,
}

/// The result of one command.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The tag that was given with the command.
    pub tag: u64,
    /// The reply, or why there is none; an error reply is a failure.
    pub result: Result<Reply>,
}

impl Completions {
    /// An empty queue.
    pub fn new() -> Self {
        Self { mailbox: Mailbox::new("queue of results", usize::MAX) }
    }

    /// Up to `most` results at once, the oldest first; never waits.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Forked`]
    pub fn drain(&self, most: usize) -> Result<Vec<Completion>> {
        self.mailbox.drain(most)
    }

    /// The next result; waits until there is one.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Cancelled`], [`crate::error::ErrorKind::Forked`].
    pub fn next(&self, patience: &Patience<'_>) -> Result<Next<Completion>> {
        Ok(match self.mailbox.next(patience)? {
            Next::Item((completion, _)) => Next::Item(completion),
            Next::Empty => Next::Empty,
            Next::Closed => Next::Closed,
        })
    }

    /// A descriptor that is readable while a result waits; only to be polled.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::File`], [`crate::error::ErrorKind::Forked`].
    pub fn fd(&self) -> Result<RawFd> {
        self.mailbox.fd()
    }
}

impl Default for Completions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Completions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Completions")
    }
}
