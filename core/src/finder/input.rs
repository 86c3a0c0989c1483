//! Decides what can happen to a finder: every kind of news, as plain data.

use crate::{
    error::ErrorKind,
    resp::Value,
    types::{Endpoint, Generation, LinkId, MasterName, RequestId, TrialId},
};

/// One piece of news.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The deadline may have been reached; nothing else happened.
    Elapsed,
    /// Somebody wants to know this master from now on. Wanting it twice changes nothing.
    Wanted(MasterName),
    /// Nobody wants to know this master any more.
    Dropped(MasterName),
    /// A connection asked for by [`super::Output::Open`] is usable: connected, secured and authenticated.
    LinkOpened {
        /// Which link.
        link: LinkId,
    },
    /// A connection failed, ended, or could not be made; commands without an answer will have none.
    LinkClosed {
        /// Which link.
        link: LinkId,
        /// What went wrong: [`ErrorKind::Connection`], [`ErrorKind::Auth`], [`ErrorKind::Tls`],
        /// [`ErrorKind::Protocol`] or [`ErrorKind::Timeout`].
        kind: ErrorKind,
        /// Why, in words.
        reason: String,
    },
    /// An answer to a command.
    Answer {
        /// On which link.
        link: LinkId,
        /// To which command.
        request: RequestId,
        /// What was answered.
        value: Value,
    },
    /// A message on a watching link: an array of `message`, channel and payload. It answers no command.
    Heard {
        /// On which link.
        link: LinkId,
        /// The channel, which is the event's name.
        channel: String,
        /// What was published.
        payload: Vec<u8>,
    },
    /// A verification asked for by [`super::Output::Verify`] ended.
    Verified {
        /// Which one.
        trial: TrialId,
        /// What the server showed itself to be.
        verdict: Verdict,
    },
    /// A user of a master met a sign that it may be master no more.
    Suspected {
        /// Which master.
        master: MasterName,
        /// The generation the sign was met in; signs of an older one are passed over.
        generation: Generation,
        /// The sign.
        sign: Sign,
    },
    /// Somebody asks for fresh knowledge of a master; at most ten searches a second come of it.
    Refresh(MasterName),
    /// Somebody asks which masters there are; answered by [`super::Output::Surveyed`].
    Survey,
    /// The process slept for long: nothing that was connected can be relied on.
    Suspended,
}

/// What a server showed itself to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is a master.
    Master,
    /// It is a replica.
    Replica {
        /// The master it follows, as it tells it; `None` when it does not tell.
        of: Option<Endpoint>,
    },
    /// It answers, but may not be used yet: `LOADING`, `MASTERDOWN`, `BUSY`.
    NotReady(String),
    /// It cannot be asked for its role: every way is forbidden to this user.
    Unverifiable,
    /// It could not be reached, or refused the handshake.
    Failed {
        /// What went wrong.
        kind: ErrorKind,
        /// Why, in words.
        reason: String,
    },
}

impl Verdict {
    /// Whether the server may be handed out as master.
    pub fn is_master(&self) -> bool {
        match self {
            Self::Master | Self::Unverifiable => true,
            Self::Replica { .. } | Self::NotReady(_) | Self::Failed { .. } => false,
        }
    }
}

/// A sign that a master may be master no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It answered `READONLY`.
    ReadOnly,
    /// It closed a connection.
    Disconnected,
    /// A connection to it could not be made.
    Unreachable,
    /// Several commands were not answered in time.
    Timeouts,
    /// It answered `MASTERDOWN` or `LOADING`.
    NotReady,
    /// It sent the user elsewhere.
    Redirected(Endpoint),
    /// The process slept, or the machine did.
    Suspended,
    /// A sentinel holds it for down, or begins a failover.
    Sentinels,
}

impl Sign {
    /// The stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Disconnected => "disconnected",
            Self::Unreachable => "unreachable",
            Self::Timeouts => "timeouts",
            Self::NotReady => "not-ready",
            Self::Redirected(_) => "redirected",
            Self::Suspended => "suspended",
            Self::Sentinels => "sentinels",
        }
    }
}
