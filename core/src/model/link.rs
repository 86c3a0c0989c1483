//! Decides what is remembered of one outgoing connection.

use std::{collections::BTreeMap, collections::BTreeSet, net::IpAddr};

use crate::types::{Endpoint, LinkId, NodeId, RequestId, Tick};

/// One outgoing connection, across its reconnections; a peer's is shared by all masters it watches.
#[derive(Clone, Debug)]
pub struct Link {
    /// Which link this is.
    pub id: LinkId,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it leads.
    pub target: Endpoint,
    /// How far it has come.
    pub phase: Phase,
    /// The instances that use it; more than one only for peers.
    pub owners: BTreeSet<NodeId>,
    /// Commands that wait for their answer.
    pub pending: BTreeMap<RequestId, (NodeId, Errand)>,
    /// The local address, while open.
    pub local: Option<IpAddr>,
    /// When connecting was last begun.
    pub attempted: Option<Tick>,
    /// Attempts to connect in a row that failed.
    pub failures: u32,
    /// When anything last arrived.
    pub last_heard: Tick,
    /// What PING tells; meaningful on command links.
    pub pulse: Pulse,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Commands and their answers.
    Command,
    /// The subscription to the hello channel.
    PubSub,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not connected; a deadline says when to try.
    Idle,
    /// Waiting for its host name to be looked up.
    Resolving,
    /// Waiting for the connection.
    Connecting,
    /// Usable.
    Open,
}

/// What PING has told of the instance behind a command link.
#[derive(Clone, Copy, Debug)]
pub struct Pulse {
    /// When the oldest unanswered PING was sent, or the link created; `None` when none is outstanding.
    pub waiting_since: Option<Tick>,
    /// When the last PING was sent.
    pub last_sent: Option<Tick>,
    /// When the last acceptable answer came (PONG, LOADING, MASTERDOWN).
    pub last_ok: Tick,
    /// When the last answer of any kind came.
    pub last_any: Tick,
}

/// What a sent command was for, so that its answer finds its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// An answer nobody waits for.
    Ignore,
    /// `PING`
    Ping,
    /// `INFO`
    Info,
    /// `PUBLISH` of a hello.
    Hello,
    /// `SENTINEL IS-MASTER-DOWN-BY-ADDR` for an opinion.
    Ask,
    /// `SENTINEL IS-MASTER-DOWN-BY-ADDR` for an opinion and a vote.
    AskVote,
    /// The `EXEC` that ends a reconfiguration.
    Exec,
    /// `SUBSCRIBE` to the hello channel.
    Subscribe,
}

impl Link {
    /// Whether commands can be sent.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// The number of commands that wait for their answer.
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }
}

impl Pulse {
    /// A pulse as it stands when the link is created: not answering since then.
    pub fn starting(now: Tick) -> Self {
        Self { waiting_since: Some(now), last_sent: None, last_ok: now, last_any: now }
    }
}
