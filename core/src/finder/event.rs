//! Decides which events a finder and its users publish, and what each is called.

use crate::types::{Endpoint, Epoch, MasterName, Millis, Now};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Now,
    /// The master it concerns; `None` when it concerns no single one.
    pub master: Option<MasterName>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened, with its facts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// The master was found for the first time.
    Discovered {
        /// Its address.
        address: Endpoint,
        /// The epoch of the sentinels that named it.
        epoch: Epoch,
    },
    /// Something hints at a change of the master.
    Suspect {
        /// The name of the sign.
        sign: &'static str,
    },
    /// A replica is being promoted: writes wait.
    HoldStart {
        /// When the wait ends at the latest, counted from now.
        at_most: Millis,
    },
    /// Writes go on.
    HoldEnd {
        /// How long they waited.
        held: Millis,
        /// Why the wait ended.
        because: HoldEnded,
    },
    /// Another server is master.
    Switched {
        /// The master before.
        old: Endpoint,
        /// The master now.
        new: Endpoint,
        /// Its epoch.
        epoch: Epoch,
        /// The sentinel that named it; `None` when it was not one alone.
        by: Option<Endpoint>,
        /// How long it took from the first sign.
        took: Millis,
    },
    /// A replica may be read from.
    ReplicaUp {
        /// Its address.
        address: Endpoint,
    },
    /// A replica may no longer be read from.
    ReplicaDown {
        /// Its address.
        address: Endpoint,
    },
    /// A sentinel answers.
    SentinelUp {
        /// Its address.
        address: Endpoint,
    },
    /// A sentinel does not answer.
    SentinelDown {
        /// Its address.
        address: Endpoint,
        /// Why, in words.
        reason: String,
    },
    /// A sentinel keeps naming a master that has been replaced.
    SentinelStale {
        /// The sentinel.
        address: Endpoint,
        /// What it names.
        names: Endpoint,
        /// The epoch it told.
        epoch: Epoch,
    },
    /// Two servers are named with equal epochs, and both say that they are master.
    Ambiguous {
        /// The one that was taken.
        taken: Endpoint,
        /// The other.
        other: Endpoint,
    },
    /// The servers do not bound how many writes a cut-off master takes (`min-replicas-to-write`).
    FenceWeak,
    /// A server or sentinel refused the user name or password.
    AuthFailed {
        /// Which.
        address: Endpoint,
        /// Its words.
        reason: String,
    },
    /// A server's role cannot be asked: its address is taken on the sentinels' word.
    VerifyDisabled {
        /// Which.
        address: Endpoint,
    },
    /// A master that fits the pattern is monitored.
    MasterAdded,
    /// A master that fitted the pattern is monitored no more.
    MasterRemoved,
    /// A subscriber may have missed messages.
    Gap {
        /// How long it was not subscribed.
        lasted: Millis,
    },
}

/// Why a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldEnded {
    /// The new master is in place.
    Switched,
    /// The failover was given up.
    Aborted,
    /// It had lasted as long as it may.
    Expired,
    /// Nobody wants to know the master any more.
    Closed,
}

impl HoldEnded {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Switched => "switched",
            Self::Aborted => "aborted",
            Self::Expired => "expired",
            Self::Closed => "closed",
        }
    }
}

impl EventKind {
    /// The stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Discovered { .. } => "discovered",
            Self::Suspect { .. } => "suspect",
            Self::HoldStart { .. } => "hold-start",
            Self::HoldEnd { .. } => "hold-end",
            Self::Switched { .. } => "switched",
            Self::ReplicaUp { .. } => "replica-up",
            Self::ReplicaDown { .. } => "replica-down",
            Self::SentinelUp { .. } => "sentinel-up",
            Self::SentinelDown { .. } => "sentinel-down",
            Self::SentinelStale { .. } => "sentinel-stale",
            Self::Ambiguous { .. } => "ambiguous",
            Self::FenceWeak => "fence-weak",
            Self::AuthFailed { .. } => "auth-failed",
            Self::VerifyDisabled { .. } => "verify-disabled",
            Self::MasterAdded => "master-added",
            Self::MasterRemoved => "master-removed",
            Self::Gap { .. } => "gap",
        }
    }
}
