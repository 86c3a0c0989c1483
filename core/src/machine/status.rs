//! Decides what the embedding program may know of a sentinel at one moment: everything, as plain data.

use super::Machine;
use crate::{
    model::{Failover, Group, MasterLink, Node, Order, Role, Stage},
    types::{Endpoint, Epoch, MasterName, Millis, NodeId, Now, RunId},
};

/// What a sentinel knows at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The sentinel's identity.
    pub id: RunId,
    /// The newest epoch it has seen.
    pub epoch: Epoch,
    /// For how long it has suspended judgement after a stall; `None` when it judges.
    pub tilt: Option<Millis>,
    /// The monitored masters, by name.
    pub masters: Vec<MasterStatus>,
}

/// What a sentinel knows of one monitored master.
#[derive(Clone, Debug, PartialEq)]
pub struct MasterStatus {
    /// The name clients ask for.
    pub name: MasterName,
    /// The address clients are given.
    pub address: Endpoint,
    /// How many sentinels must call it down.
    pub quorum: u32,
    /// Whether it can be reached.
    pub health: Health,
    /// The version of its address.
    pub config_epoch: Epoch,
    /// Its identity, once known.
    pub run_id: Option<RunId>,
    /// Whether all connections to it are open.
    pub link: LinkStatus,
    /// The role it reports.
    pub role: Role,
    /// The failover this sentinel leads or tries to lead.
    pub failover: Option<FailoverStatus>,
    /// Its replicas, by address.
    pub replicas: Vec<ReplicaStatus>,
    /// The other sentinels, by identity.
    pub peers: Vec<PeerStatus>,
}

/// What a sentinel thinks of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Up,
    /// This sentinel calls it down, since that long.
    SubjectivelyDown(Millis),
    /// Enough sentinels call it down, since that long; of masters alone.
    ObjectivelyDown(Millis),
}

/// Whether the connections to an instance are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStatus {
    /// All that are needed are.
    Open,
    /// At least one is not.
    Closed,
}

/// How far a failover has come.
#[derive(Clone, Debug, PartialEq)]
pub struct FailoverStatus {
    /// The stage.
    pub stage: Stage,
    /// The epoch in which it is asked for and configured.
    pub epoch: Epoch,
    /// Who wanted it.
    pub order: Order,
    /// For how long it has been under way.
    pub running: Millis,
    /// The replica chosen as the new master.
    pub promoted: Option<Endpoint>,
}

/// What a sentinel knows of one replica.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaStatus {
    /// Where it is.
    pub address: Endpoint,
    /// Its identity, once known.
    pub run_id: Option<RunId>,
    /// The role it reports.
    pub role: Role,
    /// Whether all connections to it are open.
    pub link: LinkStatus,
    /// Whether it can be reached.
    pub health: Health,
    /// Whether its replication link is up.
    pub master_link: MasterLink,
    /// How readily it is promoted: the lower the sooner, 0 never.
    pub priority: i64,
    /// How much of the master's data it has, in bytes of the replication stream.
    pub offset: u64,
}

/// What a sentinel knows of another one.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerStatus {
    /// Its identity.
    pub id: RunId,
    /// Where it is.
    pub address: Endpoint,
    /// Whether the connection to it is open.
    pub link: LinkStatus,
    /// Whether it can be reached.
    pub health: Health,
    /// Whether it calls the master down, as it last said.
    pub calls_master_down: bool,
    /// How old its last hello is; the age of its record when none came.
    pub hello_age: Millis,
    /// Whom it voted for, and in which epoch, as it last said.
    pub vote: Option<(RunId, Epoch)>,
}

impl Machine {
    /// What the sentinel knows at this moment.
    ///
    /// ```
    /// use sentinelle::{config::Settings, machine::Machine, types::{Now, RunId}};
    /// let me = RunId::from_bytes([1; 20]);
    /// let machine = Machine::new(Settings::default(), me.clone(), 1, Now::default());
    /// let status = machine.status(Now::default());
    /// assert_eq!(status.id, me);
    /// assert!(status.masters.is_empty());
    /// ```
    pub fn status(&self, now: Now) -> Status {
        let groups = self.names.values().filter_map(|id| self.groups.get(id));
        Status {
            id: self.me.clone(),
            epoch: self.current_epoch,
            tilt: self.tilt.map(|since| now.tick.since(since)),
            masters: groups.filter_map(|group| self.master_status(now, group)).collect(),
        }
    }

    fn master_status(&self, now: Now, group: &Group) -> Option<MasterStatus> {
        let master = self.nodes.get(&group.master)?;
        let health = match group.objectively_down.since {
            Some(since) => Health::ObjectivelyDown(now.tick.since(since)),
            None => health(now, master),
        };
        let replicas = group.replicas.values().filter_map(|id| self.replica_status(now, *id));
        let peers = group.peers.iter().filter_map(|(id, node)| self.peer_status(now, id, *node));
        Some(MasterStatus {
            name: group.name.clone(),
            address: master.address.clone(),
            quorum: group.quorum,
            health,
            config_epoch: group.config_epoch,
            run_id: master.run_id.clone(),
            link: self.link_status(master),
            role: master.facts.role,
            failover: group.failover.as_ref().map(|failover| self.failover_status(now, failover)),
            replicas: replicas.collect(),
            peers: peers.collect(),
        })
    }

    fn failover_status(&self, now: Now, failover: &Failover) -> FailoverStatus {
        let promoted = failover.promoted.and_then(|id| self.nodes.get(&id));
        FailoverStatus {
            stage: failover.stage,
            epoch: failover.epoch,
            order: failover.order,
            running: now.tick.since(failover.started),
            promoted: promoted.map(|node| node.address.clone()),
        }
    }

    fn replica_status(&self, now: Now, id: NodeId) -> Option<ReplicaStatus> {
        let node = self.nodes.get(&id)?;
        let facts = node.replica()?;
        Some(ReplicaStatus {
            address: node.address.clone(),
            run_id: node.run_id.clone(),
            role: node.facts.role,
            link: self.link_status(node),
            health: health(now, node),
            master_link: facts.master_link,
            priority: facts.priority,
            offset: facts.offset,
        })
    }

    fn peer_status(&self, now: Now, id: &RunId, node: NodeId) -> Option<PeerStatus> {
        let node = self.nodes.get(&node)?;
        let facts = node.peer()?;
        Some(PeerStatus {
            id: id.clone(),
            address: node.address.clone(),
            link: self.link_status(node),
            health: health(now, node),
            calls_master_down: facts.says_down,
            hello_age: now.tick.since(facts.last_hello),
            vote: facts.vote.clone(),
        })
    }

    fn link_status(&self, node: &Node) -> LinkStatus {
        if self.is_linked(node.id) { LinkStatus::Open } else { LinkStatus::Closed }
    }
}

impl Health {
    /// Whether the instance can be reached.
    pub fn is_up(self) -> bool {
        self == Self::Up
    }
}

/// What this sentinel alone thinks of the instance.
fn health(now: Now, node: &Node) -> Health {
    node.down.since.map_or(Health::Up, |since| Health::SubjectivelyDown(now.tick.since(since)))
}

#[cfg(test)]
mod tests {
    use super::{Health, LinkStatus};
    use crate::{
        config::{MasterSettings, Settings},
        machine::{Input, Machine},
        types::{Endpoint, Epoch, MasterName, Millis, Now, RunId, Tick},
    };

    #[test]
    fn a_status_tells_of_masters_replicas_and_peers() {
        let machine = Machine::new(settings(), RunId::from_bytes([1; 20]), 1, Now::default());

        let status = machine.status(Now::default());

        let master = &status.masters[0];
        assert_eq!((master.name.as_str(), master.quorum, master.config_epoch), ("cart", 2, Epoch::new(4)));
        assert_eq!((master.health, master.link), (Health::Up, LinkStatus::Closed));
        assert_eq!(master.replicas[0].address.to_string(), "127.0.0.1:6381");
        assert_eq!(master.peers[0].id, RunId::from_bytes([2; 20]));
        assert_eq!(status.tilt, None);
    }

    #[test]
    fn a_silent_master_is_told_as_down() {
        let mut machine = Machine::new(settings(), RunId::from_bytes([1; 20]), 1, Now::default());
        let mut now = Now::default();

        while let Some((at, _)) = machine.deadline().filter(|(at, _)| *at <= Tick::from_ms(3_500)) {
            now.tick = at;
            machine.handle(now, Input::Elapsed);
        }

        let status = machine.status(now);
        assert!(matches!(status.masters[0].health, Health::SubjectivelyDown(_)), "{:?}", status.masters[0].health);
        assert!(!status.masters[0].health.is_up());
    }

    fn settings() -> Settings {
        let mut settings = Settings::default();
        let name = MasterName::parse("cart").expect("a legal name");
        let mut master = MasterSettings::new(name, local(6380), 2, &settings.periods);
        master.config_epoch = Epoch::new(4);
        master.down_after = Millis::new(3_000);
        master.replicas.push(local(6381));
        master.sentinels.push((local(26380), RunId::from_bytes([2; 20])));
        settings.masters.push(master);
        settings
    }

    fn local(port: u16) -> Endpoint {
        Endpoint::parse("127.0.0.1", port).expect("a legal address")
    }
}
