//! Decides what is remembered of one instance, be it master, replica or peer.

use super::{PeerFacts, ReplicaFacts};
use crate::types::{Endpoint, GroupId, LinkId, NodeId, RunId, Tick};

/// One instance as seen in the context of one master.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which instance this is.
    pub id: NodeId,
    /// The master it belongs to.
    pub group: GroupId,
    /// What it is, with what is only known of that kind.
    pub kind: NodeKind,
    /// Where it is.
    pub address: Endpoint,
    /// Its identity, once known.
    pub run_id: Option<RunId>,
    /// The link that carries commands.
    pub command: LinkId,
    /// The link that listens to hellos; peers have none.
    pub pubsub: Option<LinkId>,
    /// Whether this sentinel calls it down (`s_down`).
    pub down: Down,
    /// Whether `SCRIPT KILL` was sent in this down period.
    pub script_kill_sent: bool,
    /// When a hello was last acknowledged, or the record created.
    pub hello_acknowledged: Tick,
    /// What INFO says; of masters and replicas.
    pub facts: DataFacts,
}

/// What an instance is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// The master of the group.
    Master,
    /// A replica of the master.
    Replica(Box<ReplicaFacts>),
    /// Another sentinel.
    Peer(Box<PeerFacts>),
}

/// A condition with the start of its current and the bounds of its latest period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Down {
    /// When it began; `None` while it does not hold.
    pub since: Option<Tick>,
    /// When it last began, kept after its end.
    pub last: Option<Tick>,
    /// When it last ended.
    pub ended: Option<Tick>,
}

/// The role a server reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `role:master`
    Master,
    /// `role:slave`, or no role line.
    Replica,
}

/// What INFO tells of a server.
#[derive(Clone, Debug)]
pub struct DataFacts {
    /// When INFO was last answered.
    pub info_at: Option<Tick>,
    /// The last INFO text, whole.
    pub info_text: Vec<u8>,
    /// The role it reports; its own kind until it says otherwise.
    pub role: Role,
    /// Since when it reports that role.
    pub role_since: Tick,
    /// When it was seen to have rebooted, until it answers PONG; of masters with a reboot limit.
    pub reboot_since: Option<Tick>,
    /// What was last found wrong with its INFO, and logged.
    pub complaint: Option<String>,
}

impl Node {
    /// Whether this sentinel calls it down.
    pub fn is_down(&self) -> bool {
        self.down.holds()
    }

    /// What is known of it as a replica.
    pub fn replica(&self) -> Option<&ReplicaFacts> {
        match &self.kind {
            NodeKind::Replica(facts) => Some(facts),
            NodeKind::Master | NodeKind::Peer(_) => None,
        }
    }

    /// What is known of it as a replica, to change it.
    pub fn replica_mut(&mut self) -> Option<&mut ReplicaFacts> {
        match &mut self.kind {
            NodeKind::Replica(facts) => Some(facts),
            NodeKind::Master | NodeKind::Peer(_) => None,
        }
    }

    /// What is known of it as a peer.
    pub fn peer(&self) -> Option<&PeerFacts> {
        match &self.kind {
            NodeKind::Peer(facts) => Some(facts),
            NodeKind::Master | NodeKind::Replica(_) => None,
        }
    }

    /// What is known of it as a peer, to change it.
    pub fn peer_mut(&mut self) -> Option<&mut PeerFacts> {
        match &mut self.kind {
            NodeKind::Peer(facts) => Some(facts),
            NodeKind::Master | NodeKind::Replica(_) => None,
        }
    }

    /// The kind's word in flags and event texts.
    pub fn kind_word(&self) -> &'static str {
        match self.kind {
            NodeKind::Master => "master",
            NodeKind::Replica(_) => "slave",
            NodeKind::Peer(_) => "sentinel",
        }
    }
}

impl Down {
    /// Whether the condition holds.
    pub fn holds(&self) -> bool {
        self.since.is_some()
    }

    /// Begins the condition.
    pub fn begin(&mut self, now: Tick) {
        self.since = Some(now);
        self.last = Some(now);
    }

    /// Ends the condition.
    pub fn end(&mut self, now: Tick) {
        self.since = None;
        self.ended = Some(now);
    }
}

impl Role {
    /// The role's word in replies and event texts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "slave",
        }
    }
}
