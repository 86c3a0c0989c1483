//! Decides how a failure is told: what kind, in which operation, about what, why, and whether to try again.

use std::fmt;

/// What went wrong, with a stable name and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A configuration file or value cannot be used.
    Config,
    /// A file or folder cannot be read or written.
    File,
    /// A listening address cannot be had.
    Listen,
    /// A connection could not be made or was lost.
    Connection,
    /// A peer sent what the protocol does not allow.
    Protocol,
    /// The sentinel is stopped.
    Stopped,
    /// No server program for tests was found.
    NoServer,
    /// A condition did not come true in time.
    Timeout,
    /// The caller withdrew the call.
    Cancelled,
    /// The TLS handshake failed, or a certificate is not trusted.
    Tls,
    /// A server refused the user name or password, or wants one.
    Auth,
    /// Every connection of the pool is in use and the wait for one was too long.
    PoolExhausted,
    /// More commands wait than may wait.
    Backpressure,
    /// No sentinel answers.
    SentinelsUnreachable,
    /// The sentinels that answer monitor no master of this name.
    MasterUnknown,
    /// The sentinels name a master, but no server confirms that it is the one.
    MasterNotReady,
    /// Too few sentinels name the same master.
    NoAgreement,
    /// No replica may be read from.
    NoReplica,
    /// The connection belonged to a master that has been replaced.
    Moved,
    /// The server answered with an error.
    Server,
    /// The server is a replica and takes no writes.
    ReadOnly,
    /// The server is not ready: it loads its data, or its master is gone.
    Loading,
    /// The user may not run this command.
    NoPermission,
    /// An argument cannot be used.
    Argument,
    /// The handle is none, or is freed.
    Handle,
    /// The call does not fit the state the object is in.
    State,
    /// This build or server cannot do it.
    Unsupported,
    /// The handle belongs to the parent process.
    Forked,
    /// Another thread uses the object at this moment.
    Busy,
    /// A bug of this library was caught at its border.
    Panic,
    /// Too few sentinels can be reached for a failover.
    Quorum,
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails again until something is changed.
    Never,
    /// The same call may succeed later.
    Later,
}

/// What is known of a command that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No byte of it left this process: it was not executed.
    NotSent,
    /// The server refused it: it was not executed.
    Rejected,
    /// It was sent and no reply came: it may have been executed.
    Unknown,
}

/// A failure: kind, operation, subject and source.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    subject: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    facts: Option<Box<Facts>>,
}

/// What only some failures know.
#[derive(Debug, Default)]
struct Facts {
    outcome: Option<Outcome>,
    address: Option<String>,
    server_code: Option<String>,
    evidence: Vec<String>,
}

/// The result of this crate's fallible calls.
pub type Result<T> = std::result::Result<T, Error>;

impl ErrorKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Config,
        Self::File,
        Self::Listen,
        Self::Connection,
        Self::Protocol,
        Self::Stopped,
        Self::NoServer,
        Self::Timeout,
        Self::Cancelled,
        Self::Tls,
        Self::Auth,
        Self::PoolExhausted,
        Self::Backpressure,
        Self::SentinelsUnreachable,
        Self::MasterUnknown,
        Self::MasterNotReady,
        Self::NoAgreement,
        Self::NoReplica,
        Self::Moved,
        Self::Server,
        Self::ReadOnly,
        Self::Loading,
        Self::NoPermission,
        Self::Argument,
        Self::Handle,
        Self::State,
        Self::Unsupported,
        Self::Forked,
        Self::Busy,
        Self::Panic,
        Self::Quorum,
    ];

    /// The number, never reused.
    pub const fn code(self) -> u32 {
        match self {
            Self::Config => 1,
            Self::File => 2,
            Self::Listen => 3,
            Self::Connection => 4,
            Self::Protocol => 5,
            Self::Stopped => 6,
            Self::NoServer => 7,
            Self::Timeout => 8,
            Self::Cancelled => 9,
            Self::Tls => 10,
            Self::Auth => 11,
            Self::PoolExhausted => 12,
            Self::Backpressure => 13,
            Self::SentinelsUnreachable => 14,
            Self::MasterUnknown => 15,
            Self::MasterNotReady => 16,
            Self::NoAgreement => 17,
            Self::NoReplica => 18,
            Self::Moved => 19,
            Self::Server => 20,
            Self::ReadOnly => 21,
            Self::Loading => 22,
            Self::NoPermission => 23,
            Self::Argument => 24,
            Self::Handle => 25,
            Self::State => 26,
            Self::Unsupported => 27,
            Self::Forked => 28,
            Self::Busy => 29,
            Self::Panic => 30,
            Self::Quorum => 31,
        }
    }

    /// The name, never changed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::File => "file",
            Self::Listen => "listen",
            Self::Connection => "connection",
            Self::Protocol => "protocol",
            Self::Stopped => "stopped",
            Self::NoServer => "no-server",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::PoolExhausted => "pool-exhausted",
            Self::Backpressure => "backpressure",
            Self::SentinelsUnreachable => "sentinels-unreachable",
            Self::MasterUnknown => "master-unknown",
            Self::MasterNotReady => "master-not-ready",
            Self::NoAgreement => "no-agreement",
            Self::NoReplica => "no-replica",
            Self::Moved => "moved",
            Self::Server => "server",
            Self::ReadOnly => "read-only",
            Self::Loading => "loading",
            Self::NoPermission => "no-permission",
            Self::Argument => "argument",
            Self::Handle => "handle",
            Self::State => "state",
            Self::Unsupported => "unsupported",
            Self::Forked => "forked",
            Self::Busy => "busy",
            Self::Panic => "panic",
            Self::Quorum => "quorum",
        }
    }

    /// Whether the same call may succeed later.
    pub const fn retry(self) -> Retry {
        match self {
            Self::Connection
            | Self::Timeout
            | Self::PoolExhausted
            | Self::Backpressure
            | Self::SentinelsUnreachable
            | Self::MasterNotReady
            | Self::NoAgreement
            | Self::NoReplica
            | Self::Moved
            | Self::ReadOnly
            | Self::Loading
            | Self::Busy
            | Self::Quorum => Retry::Later,
            Self::Config
            | Self::File
            | Self::Listen
            | Self::Protocol
            | Self::Stopped
            | Self::NoServer
            | Self::Cancelled
            | Self::Tls
            | Self::Auth
            | Self::MasterUnknown
            | Self::Server
            | Self::NoPermission
            | Self::Argument
            | Self::Handle
            | Self::State
            | Self::Unsupported
            | Self::Forked
            | Self::Panic => Retry::Never,
        }
    }
}

impl Error {
    /// A failure of `kind` in `operation` about `subject`.
    ///
    /// `operation` is a verb phrase (`"start"`), `subject` the fact and the value (`port 26379 in use`).
    pub fn new(kind: ErrorKind, operation: &'static str, subject: impl Into<String>) -> Self {
        Self { kind, operation, subject: subject.into(), source: None, facts: None }
    }

    /// The same failure with what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same failure with what is known of the command.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.facts_mut().outcome = Some(outcome);
        self
    }

    /// The same failure with the server it concerns, as `host:port`.
    #[must_use]
    pub fn at(mut self, address: impl fmt::Display) -> Self {
        self.facts_mut().address = Some(address.to_string());
        self
    }

    /// The same failure with the first word of the server's error reply, such as `READONLY`.
    #[must_use]
    pub fn with_server_code(mut self, code: impl Into<String>) -> Self {
        self.facts_mut().server_code = Some(code.into());
        self
    }

    /// The same failure with what each sentinel said, a line for each.
    #[must_use]
    pub fn with_evidence(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.facts_mut().evidence = evidence.into_iter().collect();
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was being done.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What it was done to.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What is known of the command; `None` when the failure concerns no command.
    pub fn outcome(&self) -> Option<Outcome> {
        self.facts.as_ref()?.outcome
    }

    /// The server it concerns, as `host:port`.
    pub fn address(&self) -> Option<&str> {
        self.facts.as_ref()?.address.as_deref()
    }

    /// The first word of the server's error reply, such as `READONLY`.
    pub fn server_code(&self) -> Option<&str> {
        self.facts.as_ref()?.server_code.as_deref()
    }

    /// What each sentinel said, a line for each; empty when none was asked.
    pub fn evidence(&self) -> &[String] {
        self.facts.as_ref().map_or(&[], |facts| &facts.evidence)
    }

    fn facts_mut(&mut self) -> &mut Facts {
        self.facts.get_or_insert_default()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.subject)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        for (line, said) in self.evidence().iter().enumerate() {
            write!(f, "{}{said}", if line == 0 { " (" } else { "; " })?;
        }
        if self.evidence().is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Error, ErrorKind, Outcome};

    #[test]
    fn every_kind_has_a_number_and_a_name_of_its_own() {
        let numbers: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        let names: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();

        assert_eq!((numbers.len(), names.len()), (ErrorKind::ALL.len(), ErrorKind::ALL.len()));
        assert_eq!(numbers.last().map(|last| *last as usize), Some(ErrorKind::ALL.len()));
    }

    #[test]
    fn a_failure_tells_all_that_is_known_of_it() {
        let error = Error::new(ErrorKind::SentinelsUnreachable, "find the master", "\"cart\"")
            .with_outcome(Outcome::NotSent)
            .with_evidence(["10.0.0.1:26379: refused".to_owned(), "10.0.0.2:26379: silent".to_owned()]);

        let text = "find the master: \"cart\" (10.0.0.1:26379: refused; 10.0.0.2:26379: silent)";
        assert_eq!((error.to_string().as_str(), error.outcome()), (text, Some(Outcome::NotSent)));
        assert_eq!((error.address(), error.server_code()), (None, None));
    }
}
