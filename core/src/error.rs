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
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails again until something is changed.
    Never,
    /// The same call may succeed later.
    Later,
}

/// A failure: kind, operation, subject and source.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    subject: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
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
        }
    }

    /// Whether the same call may succeed later.
    pub const fn retry(self) -> Retry {
        match self {
            Self::Connection | Self::Timeout => Retry::Later,
            Self::Config | Self::File | Self::Listen | Self::Protocol | Self::Stopped | Self::NoServer => Retry::Never,
        }
    }
}

impl Error {
    /// A failure of `kind` in `operation` about `subject`.
    ///
    /// `operation` is a verb phrase (`"start"`), `subject` the fact and the value (`port 26379 in use`).
    pub fn new(kind: ErrorKind, operation: &'static str, subject: impl Into<String>) -> Self {
        Self { kind, operation, subject: subject.into(), source: None }
    }

    /// The same failure with what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
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
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.subject)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
