//! Decides what a binding sees of a sentinel at one moment: everything, as owned data and as JSON.

use serde::Serialize;

use super::Address;
use crate::{
    machine::{self, Health, LinkStatus},
    model::{MasterLink, Order, Role, Stage},
    types::Millis,
};

/// What a sentinel knows at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The sentinel's identity.
    pub id: String,
    /// The newest epoch it has seen.
    pub epoch: u64,
    /// For how long it has suspended judgement after a stall; none when it judges.
    pub tilt_ms: Option<u64>,
    /// The monitored masters, by name.
    pub masters: Vec<MasterStatus>,
}

/// What a sentinel knows of one monitored master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MasterStatus {
    /// The name clients ask for.
    pub name: String,
    /// The address clients are given.
    pub address: Address,
    /// How many sentinels must call it down.
    pub quorum: u32,
    /// `up`, `sdown` (in this sentinel's opinion) or `odown` (in the quorum's).
    pub health: &'static str,
    /// Since when it is down.
    pub down_for_ms: Option<u64>,
    /// The version of its address.
    pub config_epoch: u64,
    /// Its identity, once known.
    pub run_id: Option<String>,
    /// Whether all connections to it are open.
    pub is_linked: bool,
    /// The role it reports: `master` or `replica`.
    pub role: &'static str,
    /// The failover this sentinel leads or tries to lead.
    pub failover: Option<FailoverStatus>,
    /// Its replicas, by address.
    pub replicas: Vec<ReplicaStatus>,
    /// The other sentinels, by identity.
    pub peers: Vec<PeerStatus>,
}

/// How far a failover has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailoverStatus {
    /// `wait-start`, `select-replica`, `send-promotion`, `wait-promotion` or `reconfigure`.
    pub stage: &'static str,
    /// The epoch in which it is asked for and configured.
    pub epoch: u64,
    /// Who wanted it: `quorum` or `operator`.
    pub order: &'static str,
    /// For how long it has been under way.
    pub running_ms: u64,
    /// The replica chosen as the new master.
    pub promoted: Option<Address>,
}

/// What a sentinel knows of one replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplicaStatus {
    /// Where it is.
    pub address: Address,
    /// Its identity, once known.
    pub run_id: Option<String>,
    /// The role it reports: `master` or `replica`.
    pub role: &'static str,
    /// Whether all connections to it are open.
    pub is_linked: bool,
    /// `up` or `sdown`.
    pub health: &'static str,
    /// Since when it is down.
    pub down_for_ms: Option<u64>,
    /// Whether its replication link is up.
    pub is_replicating: bool,
    /// How readily it is promoted: the lower the sooner, 0 never.
    pub priority: i64,
    /// How much of the master's data it has, in bytes of the replication stream.
    pub offset: u64,
}

/// What a sentinel knows of another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// Its identity.
    pub id: String,
    /// Where it is.
    pub address: Address,
    /// Whether the connection to it is open.
    pub is_linked: bool,
    /// `up` or `sdown`.
    pub health: &'static str,
    /// Since when it is down.
    pub down_for_ms: Option<u64>,
    /// Whether it calls the master down, as it last said.
    pub calls_master_down: bool,
    /// How old its last hello is.
    pub hello_age_ms: u64,
    /// Whom it voted for, as it last said.
    pub voted_for: Option<String>,
    /// The epoch of that vote.
    pub voted_epoch: Option<u64>,
}

impl Status {
    /// All of it as one JSON object with the fields' names.
    pub fn json(&self) -> String {
        // Texts, numbers and lists of them: nothing that JSON could not say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<machine::Status> for Status {
    fn from(status: machine::Status) -> Self {
        Self {
            id: status.id.to_string(),
            epoch: status.epoch.as_u64(),
            tilt_ms: status.tilt.map(Millis::as_ms),
            masters: status.masters.into_iter().map(MasterStatus::from).collect(),
        }
    }
}

impl From<machine::MasterStatus> for MasterStatus {
    fn from(master: machine::MasterStatus) -> Self {
        let (health, down_for_ms) = told(master.health);
        Self {
            name: master.name.to_string(),
            address: Address::from(&master.address),
            quorum: master.quorum,
            health,
            down_for_ms,
            config_epoch: master.config_epoch.as_u64(),
            run_id: master.run_id.map(|id| id.to_string()),
            is_linked: master.link == LinkStatus::Open,
            role: role_name(master.role),
            failover: master.failover.map(FailoverStatus::from),
            replicas: master.replicas.into_iter().map(ReplicaStatus::from).collect(),
            peers: master.peers.into_iter().map(PeerStatus::from).collect(),
        }
    }
}

impl From<machine::FailoverStatus> for FailoverStatus {
    fn from(failover: machine::FailoverStatus) -> Self {
        Self {
            stage: match failover.stage {
                Stage::WaitStart => "wait-start",
                Stage::SelectReplica => "select-replica",
                Stage::SendPromotion => "send-promotion",
                Stage::WaitPromotion => "wait-promotion",
                Stage::Reconfigure => "reconfigure",
            },
            epoch: failover.epoch.as_u64(),
            order: match failover.order {
                Order::Quorum => "quorum",
                Order::Operator => "operator",
            },
            running_ms: failover.running.as_ms(),
            promoted: failover.promoted.as_ref().map(Address::from),
        }
    }
}

impl From<machine::ReplicaStatus> for ReplicaStatus {
    fn from(replica: machine::ReplicaStatus) -> Self {
        let (health, down_for_ms) = told(replica.health);
        Self {
            address: Address::from(&replica.address),
            run_id: replica.run_id.map(|id| id.to_string()),
            role: role_name(replica.role),
            is_linked: replica.link == LinkStatus::Open,
            health,
            down_for_ms,
            is_replicating: replica.master_link == MasterLink::Up,
            priority: replica.priority,
            offset: replica.offset,
        }
    }
}

impl From<machine::PeerStatus> for PeerStatus {
    fn from(peer: machine::PeerStatus) -> Self {
        let (health, down_for_ms) = told(peer.health);
        let (voted_for, voted_epoch) = peer.vote.map(|(id, epoch)| (id.to_string(), epoch.as_u64())).unzip();
        Self {
            id: peer.id.to_string(),
            address: Address::from(&peer.address),
            is_linked: peer.link == LinkStatus::Open,
            health,
            down_for_ms,
            calls_master_down: peer.calls_master_down,
            hello_age_ms: peer.hello_age.as_ms(),
            voted_for,
            voted_epoch,
        }
    }
}

fn told(health: Health) -> (&'static str, Option<u64>) {
    match health {
        Health::Up => ("up", None),
        Health::SubjectivelyDown(span) => ("sdown", Some(span.as_ms())),
        Health::ObjectivelyDown(span) => ("odown", Some(span.as_ms())),
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Master => "master",
        Role::Replica => "replica",
    }
}
