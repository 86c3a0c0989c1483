//! Decides what is remembered of a monitored master as a group: options, epochs, members, failover.

use std::collections::{BTreeMap, BTreeSet};

use super::Down;
use crate::types::{Endpoint, Epoch, GroupId, MasterName, Millis, NodeId, RunId, Secret, Tick};

/// A monitored master with its replicas and peers.
#[derive(Clone, Debug)]
pub struct Group {
    /// Which group this is.
    pub id: GroupId,
    /// The name clients ask for.
    pub name: MasterName,
    /// The instance that is its master.
    pub master: NodeId,
    /// The replicas, by `host:port` as announced when they were found.
    pub replicas: BTreeMap<String, NodeId>,
    /// The other sentinels, by their run id.
    pub peers: BTreeMap<RunId, NodeId>,
    /// How many sentinels must call the master down.
    pub quorum: u32,
    /// Silence that makes an instance down.
    pub down_after: Millis,
    /// Patience with a failover.
    pub failover_timeout: Millis,
    /// Replicas reconfigured at once.
    pub parallel_syncs: i64,
    /// Program run for each warning event.
    pub notification_script: Option<String>,
    /// Program run when the master moves.
    pub client_reconfig_script: Option<String>,
    /// User name for the servers.
    pub auth_user: Option<String>,
    /// Password for the servers.
    pub auth_pass: Option<Secret>,
    /// How long a rebooted master may load; 0 = for ever.
    pub reboot_down_after: Millis,
    /// Renamed commands: upper-case name as known, name as sent.
    pub renamed_commands: BTreeMap<String, String>,
    /// The version of the master's address.
    pub config_epoch: Epoch,
    /// Whom this sentinel voted for; `None` when unknown, as after a restart.
    pub leader: Option<RunId>,
    /// The epoch of that vote.
    pub leader_epoch: Epoch,
    /// When this sentinel last voted for another one.
    pub voted_for_other: Option<Tick>,
    /// Whether enough sentinels call the master down (`o_down`).
    pub objectively_down: Down,
    /// The failover this sentinel leads or tries to lead.
    pub failover: Option<Failover>,
    /// The earliest moment of the next automatic attempt.
    pub next_attempt: Tick,
    /// Attempts in a row that nobody won.
    pub fruitless_attempts: u32,
    /// Whether the last attempt found no replica, so that the next begins as soon as there is one.
    pub wants_replica: bool,
    /// Until when an operator's order stands whose election nobody won.
    pub ordered_until: Option<Tick>,
    /// The address the master had before the last switch.
    pub former_master: Option<Endpoint>,
    /// The configuration this sentinel itself led to, so that it knows when `parallel-syncs` holds nobody back.
    pub led: Option<Epoch>,
    /// When the present configuration became known, to tell it to peers that lag behind.
    pub configured: Option<Tick>,
}

/// A failover that this sentinel leads or tries to lead.
#[derive(Clone, Debug)]
pub struct Failover {
    /// How far it has come.
    pub stage: Stage,
    /// The epoch for asking, counting and configuring.
    pub epoch: Epoch,
    /// Who wanted it.
    pub order: Order,
    /// When it began.
    pub started: Tick,
    /// When its stage last changed.
    pub changed: Tick,
    /// The replica chosen as the new master.
    pub promoted: Option<NodeId>,
    /// Replicas that were chosen and failed.
    pub failed: BTreeSet<NodeId>,
    /// Whether this sentinel's own vote is stored, so that others may be asked for theirs.
    pub may_ask: bool,
    /// Whether the chosen replica was seen to be master, and only the store is awaited.
    pub confirmed: bool,
}

/// Who wanted a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The quorum: the master is objectively down.
    Quorum,
    /// An operator: `SENTINEL FAILOVER`.
    Operator,
}

/// How far a failover has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Collecting votes.
    WaitStart,
    /// Choosing a replica.
    SelectReplica,
    /// About to promote the chosen replica.
    SendPromotion,
    /// Waiting for the chosen replica to report itself master.
    WaitPromotion,
    /// Moving the other replicas to the new master, which is the group's master already.
    Reconfigure,
}

impl Group {
    /// The number of sentinels that may vote: the known peers, dead ones too, and this one.
    pub fn voters(&self) -> usize {
        self.peers.len() + 1
    }
}

impl Stage {
    /// The stage's word in `failover-state`.
    pub fn word(self) -> &'static str {
        match self {
            Self::WaitStart => "wait_start",
            Self::SelectReplica => "select_slave",
            Self::SendPromotion => "send_slaveof_noone",
            Self::WaitPromotion => "wait_promotion",
            Self::Reconfigure => "reconf_slaves",
        }
    }
}
