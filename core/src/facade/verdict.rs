//! Decides what a data path outside this library asks it: what a command may do, and what to do after a failure.

use super::{
    Address,
    discovery::Sign,
    failure::{Outcome, Result},
};
use crate::{
    finder,
    pool::{self, Class, Command},
};

/// How often all calls of one client are tried again; one for each client.
#[derive(Debug)]
pub struct Retries {
    retries: pool::Retries,
}

impl Retries {
    /// A full budget.
    ///
    /// # Errors
    /// [`super::ErrorKind::File`] when the system has no randomness to give.
    pub fn new() -> Result<Self> {
        Ok(Self { retries: pool::Retries::new()? })
    }

    /// How many milliseconds to wait before a call that was tried `attempts` times is tried again; none when it may not be.
    ///
    /// `calls` is the number of calls this client ever made. The wait ends early when another server has become the master.
    pub fn next_ms(&self, attempts: u32, calls: u64) -> Option<u64> {
        self.retries.next(attempts, calls).map(crate::types::Millis::as_ms)
    }
}

/// What to do after a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the same command may be sent again, while its time and attempts last.
    pub may_retry: bool,
    /// What to tell [`super::Discovery::suspect`].
    pub sign: Option<Sign>,
    /// Whether to fetch the credentials again first; then once more, and no further.
    pub needs_credentials: bool,
}

/// What a command may do, by its name and arguments.
pub fn classify(command: &Command) -> Class {
    command.class()
}

/// The stable name of a class: `read`, `idempotent`, `write`, `blocking`, `session`.
pub fn class_name(class: Class) -> &'static str {
    match class {
        Class::Read => "read",
        Class::Idempotent => "idempotent",
        Class::Write => "write",
        Class::Blocking => "blocking",
        Class::Session => "session",
    }
}

/// Judges a failed attempt by what the command may do, what is known of the attempt, and the server's error reply, if any
/// (its whole text, such as `READONLY You can't write against a read only replica.`).
pub fn judge_failure(class: Class, outcome: Outcome, error_reply: Option<&str>) -> Verdict {
    let pool::Verdict { may_retry, sign, needs_credentials } = pool::Verdict::judge(class, outcome, error_reply);
    let sign = sign.and_then(|sign| match sign {
        finder::Sign::ReadOnly => Some(Sign::ReadOnly),
        finder::Sign::NotReady => Some(Sign::NotReady),
        finder::Sign::Disconnected | finder::Sign::Unreachable => Some(Sign::Disconnected),
        finder::Sign::Timeouts => Some(Sign::TimedOut),
        finder::Sign::Redirected(address) => Some(Sign::Redirected(Address::from(&address))),
        finder::Sign::Suspended | finder::Sign::Sentinels => None,
    });
    Verdict { may_retry, sign, needs_credentials }
}
