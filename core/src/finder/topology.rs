//! Decides what is known of one master at one moment: its address, its replicas, and who says so.

use std::sync::Arc;

use super::Trouble;
use crate::types::{Endpoint, Epoch, Generation, MasterName, Millis, RunId, Tick};

/// All that is known of one master; never changes, a newer one takes its place.
///
/// All addresses are as this process reaches them: the address map has been applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    /// The name the sentinels monitor it under.
    pub name: MasterName,
    /// Which master this is: 0 before any was found, one more with each switch.
    pub generation: Generation,
    /// The configuration epoch of the sentinels that named it.
    pub epoch: Epoch,
    /// How far the master may be relied on.
    pub phase: Phase,
    /// The last server that was verified as the master; `None` before any was.
    ///
    /// In [`Phase::Down`] it is the last one known, for whoever still holds connections to it.
    pub master: Option<Endpoint>,
    /// The replicas that may be read from, as far as the sentinels can tell.
    pub replicas: Vec<Replica>,
    /// The sentinels, with what each said last.
    pub sentinels: Vec<SentinelSeen>,
    /// `down-after-milliseconds` of this master, once a sentinel has told.
    pub down_after: Option<Millis>,
    /// Since when this generation is in place.
    pub since: Tick,
    /// Why the last search found nothing; `None` when it found the master.
    pub trouble: Option<Arc<Trouble>>,
}

/// How far a master may be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No master was found yet.
    Resolving,
    /// The master is verified.
    Up,
    /// Something hints at a change: connections in use go on, new ones wait.
    Suspect,
    /// A replica is being promoted: writes wait.
    Hold {
        /// When the wait ends, whatever happens.
        until: Tick,
    },
    /// The master does not answer as one, and no other was found; the search goes on.
    Down,
    /// Nobody wants to know it any more.
    Closed,
}

impl Phase {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resolving => "resolving",
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Hold { .. } => "hold",
            Self::Down => "down",
            Self::Closed => "closed",
        }
    }
}

/// A replica that may be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Its address.
    pub address: Endpoint,
    /// Its identity, when the sentinels know it.
    pub run_id: Option<RunId>,
    /// How many bytes it is behind the foremost replica; `None` when the sentinels do not tell.
    pub lag: Option<u64>,
    /// `slave-priority`: lower is preferred for promotion, 0 is never promoted.
    pub priority: u32,
}

/// A sentinel and what it said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentinelSeen {
    /// Its address.
    pub address: Endpoint,
    /// Its identity, once it is known.
    pub run_id: Option<RunId>,
    /// How its words fit to what is known.
    pub standing: Standing,
    /// What it said last, for people.
    pub said: String,
    /// The configuration epoch it told.
    pub epoch: Option<Epoch>,
}

/// How a sentinel's words fit to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not been asked yet.
    Unasked,
    /// It names the master.
    Agrees,
    /// It names another server, with an older epoch.
    Stale,
    /// It names another server, with an epoch that is not older.
    Differs,
    /// It monitors no master of this name.
    Unaware,
    /// It does not answer, or refuses to.
    Silent,
}

impl Standing {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::Agrees => "agrees",
            Self::Stale => "stale",
            Self::Differs => "differs",
            Self::Unaware => "unaware",
            Self::Silent => "silent",
        }
    }
}

impl Topology {
    /// What is known of a master before anything is.
    pub fn unknown(name: MasterName, now: Tick) -> Self {
        Self {
            name,
            generation: Generation::NONE,
            epoch: Epoch::ZERO,
            phase: Phase::Resolving,
            master: None,
            replicas: Vec::new(),
            sentinels: Vec::new(),
            down_after: None,
            since: now,
            trouble: None,
        }
    }
}
