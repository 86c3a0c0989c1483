//! Decides how results reach an event loop: in one queue with a descriptor, one wake-up for many.

use std::{
    fmt,
    os::fd::RawFd,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    failure::Result,
    mailbox::{Mailbox, Next, Sender},
    patience::Patience,
    reply::Reply,
};
use crate::error::{Error, ErrorKind, Outcome};

/// A queue of results; clones share it, so each result is fetched once.
///
/// At most 100,000 commands may be under way or have a result that was not fetched.
#[derive(Clone)]
pub struct Completions {
    mailbox: Mailbox<Completion>,
    outstanding: Arc<AtomicUsize>,
}

/// The result of one command.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The tag that was given with the command.
    pub tag: u64,
    /// The reply, or why there is none; an error reply is a failure.
    pub result: Result<Reply>,
}

/// A result that is to come.
pub(super) struct Ticket {
    tag: u64,
    sender: Sender<Completion>,
}

impl Completions {
    /// An empty queue.
    pub fn new() -> Self {
        Self { mailbox: Mailbox::new("queue of results", usize::MAX), outstanding: Arc::default() }
    }

    /// Up to `most` results at once, the oldest first; never waits.
    ///
    /// # Errors
    /// [`ErrorKind::Forked`]
    pub fn drain(&self, most: usize) -> Result<Vec<Completion>> {
        let drained = self.mailbox.drain(most)?;
        self.outstanding.fetch_sub(drained.len(), Ordering::Relaxed);
        Ok(drained)
    }

    /// The next result; waits until there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`], [`ErrorKind::Forked`].
    pub fn next(&self, patience: &Patience<'_>) -> Result<Next<Completion>> {
        Ok(match self.mailbox.next(patience)? {
            Next::Item((completion, _)) => {
                self.outstanding.fetch_sub(1, Ordering::Relaxed);
                Next::Item(completion)
            }
            Next::Empty => Next::Empty,
            Next::Closed => Next::Closed,
        })
    }

    /// A descriptor that is readable while a result waits; only to be polled.
    ///
    /// # Errors
    /// [`ErrorKind::File`], [`ErrorKind::Forked`].
    pub fn fd(&self) -> Result<RawFd> {
        self.mailbox.fd()
    }

    /// Makes room for one more result.
    ///
    /// # Errors
    /// [`ErrorKind::Backpressure`], [`ErrorKind::Forked`]
    pub(super) fn expect(&self, tag: u64) -> Result<Ticket> {
        self.mailbox.check_process()?;
        if self.outstanding.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.outstanding.fetch_sub(1, Ordering::Relaxed);
            let full = Error::new(ErrorKind::Backpressure, "submit a command", "too many results are outstanding");
            return Err(full.with_outcome(Outcome::NotSent).into());
        }
        Ok(Ticket { tag, sender: self.mailbox.sender() })
    }
}

impl Ticket {
    /// Puts the result in.
    pub(super) fn complete(self, result: Result<Reply>) {
        self.sender.put(Completion { tag: self.tag, result });
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

/// How many results may be outstanding.
const MOST: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::{Completions, MOST};
    use crate::{error::ErrorKind, facade::Reply};

    #[test]
    fn results_are_drained_in_order_and_make_room() {
        let completions = Completions::new();
        let tickets: Vec<_> = (0..MOST as u64).map(|tag| completions.expect(tag).expect("there is room")).collect();
        let refused = completions.expect(0).map(|_| ()).expect_err("it is full");
        for ticket in tickets {
            ticket.complete(Ok(Reply::Null));
        }

        let drained = completions.drain(2).expect("this process made it");

        assert_eq!(drained.iter().map(|completion| completion.tag).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(refused.kind, ErrorKind::Backpressure);
        assert!(completions.expect(7).is_ok());
    }
}
