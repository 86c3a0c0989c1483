//! Decides what a binding learns of a failure: owned values, one number and name per kind, and all detail as JSON.

use std::{fmt, ops::Deref};

use serde_json::{Value, json};

use crate::error::{Error, Retry};
pub use crate::error::{ErrorKind, Outcome};

/// A failure as a binding passes it on; its facts are fields of it (`failure.kind`, `failure.message`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Box<FailureFacts>);

/// The result of the fallible calls behind this door.
pub type Result<T> = std::result::Result<T, Failure>;

/// What is known of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureFacts {
    /// What went wrong; its number and name never change.
    pub kind: ErrorKind,
    /// The whole text, for people.
    pub message: String,
    /// What was being done, such as `find the master`.
    pub operation: String,
    /// What it was done to.
    pub subject: String,
    /// What is known of the command; `None` when the failure concerns none.
    pub outcome: Option<Outcome>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The server it concerns, as `host:port`.
    pub address: Option<String>,
    /// The first word of the server's error reply, such as `READONLY`.
    pub server_code: Option<String>,
    /// What each sentinel said, a line for each.
    pub evidence: Vec<String>,
}

impl Failure {
    /// A failure of `kind` in `operation` about `subject`.
    pub fn new(kind: ErrorKind, operation: &'static str, subject: impl Into<String>) -> Self {
        Error::new(kind, operation, subject).into()
    }

    /// The same failure of a command of which that much is known.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = Some(outcome);
        self
    }

    /// The kind's number.
    pub fn code(&self) -> u32 {
        self.kind.code()
    }

    /// The kind's name, such as `master-unknown`.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Everything as one JSON object: `code`, `name`, `message`, `operation`, `subject`, `outcome`, `retryable`, `address`,
    /// `server_code`, `evidence`.
    pub fn json(&self) -> String {
        let value: Value = json!({
            "code": self.code(),
            "name": self.name(),
            "message": self.message,
            "operation": self.operation,
            "subject": self.subject,
            "outcome": self.outcome.map(outcome_name),
            "retryable": self.retryable,
            "address": self.address,
            "server_code": self.server_code,
            "evidence": self.evidence,
        });
        value.to_string()
    }

    /// A failure that says that a handle belongs to the parent process.
    pub(super) fn forked(what: &str) -> Self {
        Self::new(ErrorKind::Forked, "use a handle", format!("the {what} was made before this process was forked"))
    }

    /// The failure that an error reply stands for.
    pub(super) fn of_reply(operation: &'static str, text: &str) -> Self {
        let code = text.split_whitespace().next().unwrap_or_default();
        let kind = match code {
            "READONLY" => ErrorKind::ReadOnly,
            "LOADING" | "MASTERDOWN" => ErrorKind::Loading,
            "NOPERM" => ErrorKind::NoPermission,
            "NOAUTH" | "WRONGPASS" => ErrorKind::Auth,
            "NOQUORUM" | "NOGOODSLAVE" => ErrorKind::Quorum,
            _ => ErrorKind::Server,
        };
        Error::new(kind, operation, text).with_outcome(Outcome::Rejected).with_server_code(code).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Box::new(FailureFacts {
            kind: error.kind(),
            message: error.to_string(),
            operation: error.operation().to_owned(),
            subject: error.subject().to_owned(),
            outcome: error.outcome(),
            retryable: error.kind().retry() == Retry::Later,
            address: error.address().map(str::to_owned),
            server_code: error.server_code().map(str::to_owned),
            evidence: error.evidence().to_vec(),
        }))
    }
}

impl Deref for Failure {
    type Target = FailureFacts;

    fn deref(&self) -> &FailureFacts {
        &self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The stable name of what is known of a command: `not-sent`, `rejected`, `unknown`.
pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotSent => "not-sent",
        Outcome::Rejected => "rejected",
        Outcome::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, Failure, Outcome};
    use crate::error::Error;

    #[test]
    fn every_kind_becomes_a_failure_with_its_number_and_name() {
        for &kind in ErrorKind::ALL {
            let failure = Failure::new(kind, "try", "a thing");

            assert_eq!((failure.code(), failure.name()), (kind.code(), kind.name()));
        }
    }

    #[test]
    fn all_that_is_known_is_in_the_json() {
        let error = Error::new(ErrorKind::ReadOnly, "run a command", "SET")
            .with_outcome(Outcome::Rejected)
            .at("127.0.0.1:6379")
            .with_server_code("READONLY")
            .with_evidence(["127.0.0.1:26379 said nothing".to_owned()]);

        let json = Failure::from(error).json();

        for part in [
            r#""code":21"#,
            r#""name":"read-only""#,
            r#""outcome":"rejected""#,
            r#""retryable":true"#,
            r#""address":"127.0.0.1:6379""#,
            r#""server_code":"READONLY""#,
            r#""evidence":["127.0.0.1:26379 said nothing"]"#,
        ] {
            assert!(json.contains(part), "{part} in {json}");
        }
    }

    #[test]
    fn what_is_known_of_a_command_is_told() {
        let failure = Failure::new(ErrorKind::Cancelled, "run a command", "it was withdrawn");

        assert_eq!(failure.outcome, None);
        assert_eq!(failure.with_outcome(Outcome::NotSent).outcome, Some(Outcome::NotSent));
    }

    #[test]
    fn an_error_reply_becomes_the_kind_its_code_stands_for() {
        let failure = Failure::of_reply("ask", "NOQUORUM 1 usable Sentinels");

        assert_eq!((failure.kind, failure.server_code.as_deref()), (ErrorKind::Quorum, Some("NOQUORUM")));
    }
}
