//! Decides what names a thing: sentinels and servers, epochs, masters, links, requests, clients.

use std::{fmt, sync::Arc};

/// The identity of a sentinel or server: 40 visible ASCII characters, usually lower-case hex.
///
/// Source: `sentinel myid`, `run_id` of INFO.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Arc<str>);

impl RunId {
    /// The number of characters in every run id.
    pub const LENGTH: usize = 40;

    /// Takes the text when it is a run id: exactly 40 visible ASCII characters without comma or quote.
    ///
    /// ```
    /// use sentinelle::types::RunId;
    /// assert!(RunId::parse(&"a".repeat(40)).is_some());
    /// assert!(RunId::parse("*").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == Self::LENGTH
            && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b'"' | b'\'' | b'\\'));
        fits.then(|| Self(Arc::from(text)))
    }

    /// A run id from 20 bytes, written as lower-case hex.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(Self::LENGTH);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Self(Arc::from(text))
    }

    /// The 40 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight characters, as used in connection names.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version number of the group's logical clock; larger is newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch before any failover.
    pub const ZERO: Self = Self(0);

    /// The epoch of that number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The epoch that follows this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How far this epoch lies ahead of `other`; zero when it does not.
    pub const fn ahead_of(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The name of a monitored master: 1 to 255 bytes, no blanks, control characters or commas.
///
/// A comma would break the eight-field hello, a blank or control character the configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterName(Arc<str>);

impl MasterName {
    /// Takes the text when it is a legal name.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty()
            && text.len() <= 255
            && !text.chars().any(|c| c == ',' || c.is_whitespace() || c.is_control());
        fits.then(|| Self(Arc::from(text)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MasterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for MasterName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The id of that number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn as_u64(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number_id!(
    /// One outgoing connection, across its reconnections.
    LinkId
);
number_id!(
    /// One command sent on a link, to tell its answer from the others.
    RequestId
);
number_id!(
    /// One client of this sentinel's own port.
    ClientId
);
number_id!(
    /// One write of the configuration file.
    StoreId
);
number_id!(
    /// One script run.
    JobId
);
number_id!(
    /// One instance as seen in the context of one master: the master itself, a replica, a peer.
    NodeId
);
number_id!(
    /// One monitored master with all that belongs to it.
    GroupId
);
number_id!(
    /// Which master of a name is meant: 0 before any was found, one more with each switch.
    Generation
);
number_id!(
    /// One verification of one server.
    TrialId
);
number_id!(
    /// One sentinel that a finder knows.
    SentinelId
);

impl Generation {
    /// No master was found yet.
    pub const NONE: Self = Self(0);

    /// The generation that follows this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
