//! Decides who belongs to a master: creating and dropping groups, replicas, peers and their links.

use std::collections::BTreeMap;

use super::{Machine, Output, Why};
use crate::{
    config::MasterSettings,
    model::{DataFacts, Down, Group, Link, Node, NodeKind, PeerFacts, Phase, Pulse, Purpose, ReplicaFacts, Role},
    types::{Endpoint, Epoch, GroupId, LinkId, MasterName, NodeId, Now, RunId, Tick},
};

impl Machine {
    /// Begins to monitor a master; the name is not in use. Publishes nothing and stores nothing.
    pub(super) fn monitor(&mut self, now: Now, name: MasterName, address: Endpoint, quorum: u32) -> GroupId {
        let master = MasterSettings::new(name, address, quorum, &self.settings.periods);
        self.restore(now, &master)
    }

    /// Creates a master with all that its settings say of it.
    pub(super) fn restore(&mut self, now: Now, master: &MasterSettings) -> GroupId {
        let id = GroupId::new(self.fresh_number());
        let node = self.add_node(now, id, NodeKind::Master, master.address.clone());
        let group = Group {
            id,
            name: master.name.clone(),
            master: node,
            replicas: BTreeMap::new(),
            peers: BTreeMap::new(),
            quorum: master.quorum,
            down_after: master.down_after,
            failover_timeout: master.failover_timeout,
            parallel_syncs: master.parallel_syncs,
            notification_script: master.notification_script.clone(),
            client_reconfig_script: master.client_reconfig_script.clone(),
            auth_user: master.auth_user.clone(),
            auth_pass: master.auth_pass.clone(),
            reboot_down_after: master.reboot_down_after,
            renamed_commands: renamed(&master.renamed_commands),
            config_epoch: master.config_epoch,
            leader: None,
            leader_epoch: master.leader_epoch,
            voted_for_other: None,
            objectively_down: Down::default(),
            failover: None,
            next_attempt: now.tick,
            fruitless_attempts: 0,
            wants_replica: false,
            ordered_until: None,
            former_master: None,
            led: None,
            configured: None,
        };
        self.names.insert(master.name.clone(), id);
        self.groups.insert(id, group);
        self.index_address(id);
        self.current_epoch = self.current_epoch.max(master.config_epoch);
        for address in &master.replicas {
            if !address.is_same(&master.address) {
                self.add_replica(now, id, address.clone());
            }
        }
        for (address, run_id) in &master.sentinels {
            if *run_id != self.me {
                self.add_peer(now, id, address.clone(), run_id.clone());
            }
        }
        self.judge(now, node);
        id
    }

    /// Stops monitoring a master: its records, links and deadlines are gone. Publishes nothing and stores nothing.
    pub(super) fn forget(&mut self, group: GroupId) {
        let Some(gone) = self.groups.get(&group) else { return };
        let name = gone.name.clone();
        let members: Vec<NodeId> = self.members(group);
        self.unindex_address(group);
        for node in members {
            self.drop_node(node);
        }
        self.deadlines.clear(Why::Attempt(group));
        self.deadlines.clear(Why::Patience(group));
        self.names.remove(&name);
        self.groups.remove(&group);
    }

    /// All instances of a group: the master, the replicas, the peers.
    pub(super) fn members(&self, group: GroupId) -> Vec<NodeId> {
        let Some(group) = self.groups.get(&group) else { return Vec::new() };
        let others = group.replicas.values().chain(group.peers.values());
        std::iter::once(group.master).chain(others.copied()).collect()
    }

    /// The replicas of a group, in the order of their names.
    pub(super) fn replicas(&self, group: GroupId) -> Vec<NodeId> {
        self.groups.get(&group).map(|group| group.replicas.values().copied().collect()).unwrap_or_default()
    }

    /// The peers of a group, in the order of their run ids.
    pub(super) fn peers(&self, group: GroupId) -> Vec<NodeId> {
        self.groups.get(&group).map(|group| group.peers.values().copied().collect()).unwrap_or_default()
    }

    /// Creates the record of a replica; `None` when it is known already or there are too many.
    pub(super) fn add_replica(&mut self, now: Now, group: GroupId, address: Endpoint) -> Option<NodeId> {
        let known = &self.groups.get(&group)?.replicas;
        let is_known = known.values().any(|id| self.nodes[id].address.is_same(&address));
        if is_known || known.len() >= MOST_REPLICAS {
            return None;
        }
        let key = address.key(self.settings.host_style);
        let node = self.add_node(now, group, NodeKind::Replica(Box::new(ReplicaFacts::new(now.tick))), address);
        self.groups.get_mut(&group)?.replicas.insert(key, node);
        self.judge(now, node);
        Some(node)
    }

    /// Creates the record of a peer, on the link that another master's record of it already has.
    pub(super) fn add_peer(&mut self, now: Now, group: GroupId, address: Endpoint, run_id: RunId) -> Option<NodeId> {
        let known = &self.groups.get(&group)?.peers;
        if known.contains_key(&run_id) || known.len() >= MOST_PEERS {
            return None;
        }
        let twin = self.groups.values().find_map(|other| other.peers.get(&run_id)).copied();
        let node = self.add_node(now, group, NodeKind::Peer(Box::new(PeerFacts::new(now.tick))), address);
        self.groups.get_mut(&group)?.peers.insert(run_id.clone(), node);
        self.nodes.get_mut(&node)?.run_id = Some(run_id);
        if let Some(shared) = twin.and_then(|twin| self.nodes.get(&twin)).map(|twin| twin.command) {
            self.share_link(now, node, shared);
        }
        self.judge(now, node);
        Some(node)
    }

    /// Leads a peer's commands over a link that may be open already, so that nobody else will greet it.
    fn share_link(&mut self, now: Now, node: NodeId, shared: LinkId) {
        let Some(record) = self.nodes.get_mut(&node) else { return };
        let own = std::mem::replace(&mut record.command, shared);
        self.drop_link(own);
        if let Some(link) = self.links.get_mut(&shared) {
            link.owners.insert(node);
        }
        if self.is_connected(node) {
            self.deadlines.set(Why::Hello(node), now.tick);
            self.ask_soon(now, node);
        }
    }

    /// Creates the record of a master whose address no replica had; the group's table is the caller's.
    pub(super) fn add_master(&mut self, now: Now, group: GroupId, address: &Endpoint) -> NodeId {
        self.add_node(now, group, NodeKind::Master, address.clone())
    }

    fn add_node(&mut self, now: Now, group: GroupId, kind: NodeKind, address: Endpoint) -> NodeId {
        let id = NodeId::new(self.fresh_number());
        let command = self.add_link(now.tick, id, Purpose::Command, address.clone());
        let pubsub = match kind {
            NodeKind::Master | NodeKind::Replica(_) => {
                Some(self.add_link(now.tick, id, Purpose::PubSub, address.clone()))
            }
            NodeKind::Peer(_) => None,
        };
        let role = if matches!(kind, NodeKind::Master) { Role::Master } else { Role::Replica };
        let facts = DataFacts {
            info_at: None,
            info_text: Vec::new(),
            role,
            role_since: now.tick,
            reboot_since: None,
            complaint: None,
        };
        let node = Node {
            id,
            group,
            kind,
            address,
            run_id: None,
            command,
            pubsub,
            down: Down::default(),
            script_kill_sent: false,
            hello_acknowledged: now.tick,
            facts,
        };
        self.nodes.insert(id, node);
        id
    }

    fn add_link(&mut self, now: Tick, owner: NodeId, purpose: Purpose, target: Endpoint) -> LinkId {
        let id = LinkId::new(self.fresh_number());
        let link = Link {
            id,
            purpose,
            target,
            phase: Phase::Idle,
            owners: [owner].into(),
            pending: BTreeMap::new(),
            local: None,
            attempted: None,
            failures: 0,
            last_heard: now,
            pulse: Pulse::starting(now),
        };
        self.links.insert(id, link);
        self.deadlines.set(Why::Reconnect(id), now);
        id
    }

    /// Drops an instance with its deadlines and, unless shared, its links. The group's tables are the caller's.
    pub(super) fn drop_node(&mut self, node: NodeId) {
        let Some(gone) = self.nodes.remove(&node) else { return };
        for why in [Why::Judge(node), Why::Info(node), Why::Hello(node), Why::Ask(node), Why::Stale(node)] {
            self.deadlines.clear(why);
        }
        self.deadlines.clear(Why::Reconfigure(node));
        for id in [Some(gone.command), gone.pubsub].into_iter().flatten() {
            let Some(link) = self.links.get_mut(&id) else { continue };
            link.owners.remove(&node);
            link.pending.retain(|_, (owner, _)| *owner != node);
            if link.owners.is_empty() {
                self.drop_link(id);
            }
        }
    }

    fn drop_link(&mut self, id: LinkId) {
        let Some(link) = self.links.remove(&id) else { return };
        for why in [Why::Reconnect(id), Why::Ping(id), Why::Silence(id)] {
            self.deadlines.clear(why);
        }
        if matches!(link.phase, Phase::Connecting | Phase::Open) {
            self.outputs.push_back(Output::Close { link: id });
        }
    }

    /// The first group whose master has this address.
    pub(super) fn group_at(&self, address: &Endpoint) -> Option<GroupId> {
        address_keys(address).into_iter().find_map(|key| self.addresses.get(&key)?.first().copied())
    }

    /// Makes a group findable by its master's address.
    pub(super) fn index_address(&mut self, group: GroupId) {
        let address = &self.nodes[&self.groups[&group].master].address;
        for key in address_keys(address) {
            self.addresses.entry(key).or_default().insert(group);
        }
    }

    /// The opposite of [`Machine::index_address`], before the address or the group goes.
    pub(super) fn unindex_address(&mut self, group: GroupId) {
        let address = &self.nodes[&self.groups[&group].master].address;
        for key in address_keys(address) {
            if let Some(groups) = self.addresses.get_mut(&key) {
                groups.remove(&group);
                if groups.is_empty() {
                    self.addresses.remove(&key);
                }
            }
        }
    }

    /// A number no other record of this machine has.
    pub(super) fn fresh_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Raises the current epoch, without event or store; tells whether it rose.
    pub(super) fn raise_epoch(&mut self, now: Now, epoch: Epoch) -> bool {
        let rises = epoch > self.current_epoch;
        self.current_epoch = self.current_epoch.max(epoch);
        if rises {
            self.epoch_raised = Some(now.tick);
        }
        rises
    }
}

/// The keys an address is found by: its IP and its host name, each with the port.
fn address_keys(address: &Endpoint) -> Vec<(String, u16)> {
    let mut keys: Vec<(String, u16)> = address.ip().map(|ip| (ip.to_string(), address.port())).into_iter().collect();
    if address.is_name() {
        keys.push((address.host().to_ascii_lowercase(), address.port()));
    }
    keys
}

/// Renamed commands as they are looked up: by upper-case name.
fn renamed(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(old, new)| (old.to_ascii_uppercase(), new.clone())).collect()
}

/// Peers of one master; a flood of forged hellos stops here.
const MOST_PEERS: usize = 256;

/// Replicas of one master.
const MOST_REPLICAS: usize = 1024;
