//! Decides how it is told that a connection ended before a reply came.

use super::parcel::Replies;
use crate::{
    error::{Error, ErrorKind, Outcome},
    types::Endpoint,
};

/// A command that got no reply, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) outcome: Outcome,
    pub(super) cause: Cause,
}

/// What became of a parcel that was handed to a connection.
pub(super) type Replied = Result<Replies, Broken>;

/// Why no reply came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The connection ended, or could not be used, for this reason.
    Closed(String),
    /// The server was silent for longer than an attempt may take.
    Silent,
    /// The caller's time was over.
    Expired,
    /// The master was replaced.
    Cut,
    /// The server's bytes were no reply.
    Malformed(String),
    /// More waits on the connection than may.
    Full,
    /// The caller withdrew.
    Withdrawn,
}

impl Broken {
    pub(super) fn not_sent(cause: Cause) -> Self {
        Self { outcome: Outcome::NotSent, cause }
    }

    pub(super) fn unknown(cause: Cause) -> Self {
        Self { outcome: Outcome::Unknown, cause }
    }

    pub(super) fn to_error(&self, address: &Endpoint) -> Error {
        let (kind, subject) = match &self.cause {
            Cause::Closed(reason) => (ErrorKind::Connection, reason.clone()),
            Cause::Silent => (ErrorKind::Timeout, "the server did not answer in time".to_owned()),
            Cause::Expired => (ErrorKind::Timeout, "the command's time is over".to_owned()),
            Cause::Cut => (ErrorKind::Moved, "another server is master".to_owned()),
            Cause::Malformed(what) => (ErrorKind::Protocol, what.clone()),
            Cause::Full => (ErrorKind::Backpressure, "too much waits on one connection".to_owned()),
            Cause::Withdrawn => (ErrorKind::Cancelled, "the caller withdrew it".to_owned()),
        };
        Error::new(kind, "run a command", subject).with_outcome(self.outcome).at(address)
    }
}
