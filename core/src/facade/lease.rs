//! Decides what a leased connection is to a binding: one connection to oneself, until it is given back or the master moves.

use super::{call::Call, command::Command, discovery::unfinished, failure::Result, patience::Patience, reply::Reply};

/// A connection to oneself; used by one thread at a time, another one is told [`crate::error::ErrorKind::Busy`].
#[derive(Debug)]
pub struct Lease {}

/// What a lease is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaseFor {
    /// Writes, transactions and commands that wait: a connection to the master.
    #[default]
    Master,
    /// Reads: a connection to a replica.
    Replica,
}

impl Lease {
    /// Runs a command on the connection, waiting on this thread; an error reply is a reply.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Moved`] once the master was replaced, [`crate::error::ErrorKind::Connection`],
    /// [`crate::error::ErrorKind::Busy`], [`crate::error::ErrorKind::Cancelled`].
    pub fn execute(&self, command: &Command, patience: &Patience<'_>) -> Result<Reply> {
        let _ = (command, patience);
        Err(unfinished("execute"))
    }

    /// The same on the library's threads.
    ///
    /// # Errors
    /// As [`Lease::execute`].
    pub fn call(&self, command: Command) -> Call<Reply> {
        drop(command);
        Call::done(Err(unfinished("call")))
    }

    /// Whether its server is still the one to talk to.
    pub fn is_current(&self) -> bool {
        false
    }

    /// The generation it belongs to.
    pub fn generation(&self) -> u64 {
        0
    }

    /// Gives the connection back to the pool, as if it was new; dropping the lease does the same.
    pub fn release(self) {}

    /// Closes the connection.
    pub fn discard(self) {}
}
