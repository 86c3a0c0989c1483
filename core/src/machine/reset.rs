//! Decides what a switch or a reset keeps and what it forgets.
//!
//! Mirrors spec 2.7. A switch keeps the links that lead to the same servers, where the reference drops and
//! rebuilds all of them: the new master is watched without a pause.

use super::{EventKind, Machine, Why};
use crate::{
    model::{Down, NodeKind, Reconfiguration, ReplicaFacts, Role},
    types::{Endpoint, GroupId, NodeId, Now},
};

impl Machine {
    /// Forgets a master's replicas, peers and any failover (`SENTINEL RESET`), and publishes that.
    pub(super) fn reset(&mut self, now: Now, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let master = group.master;
        let gone: Vec<NodeId> = group.replicas.values().chain(group.peers.values()).copied().collect();
        group.replicas.clear();
        group.peers.clear();
        group.failover = None;
        group.leader = None;
        group.objectively_down = Down::default();
        group.next_attempt = now.tick;
        group.voted_for_other = None;
        group.wants_replica = false;
        group.ordered_until = None;
        for node in gone {
            self.drop_node(node);
        }
        self.deadlines.clear(Why::Attempt(id));
        self.deadlines.clear(Why::Patience(id));
        if let Some(node) = self.nodes.get_mut(&master) {
            node.run_id = None;
            node.down.end(now.tick);
            node.script_kill_sent = false;
            node.facts.role = Role::Master;
            node.facts.role_since = now.tick;
            node.facts.reboot_since = None;
        }
        self.restart_clock(now, master);
        self.reconnect_servers(now, id);
        self.publish_group(now, EventKind::ResetMaster, id);
        self.judge(now, master);
    }

    /// Lets an instance's failure clock start anew, if it runs.
    fn restart_clock(&mut self, now: Now, node: NodeId) {
        let link = self.nodes.get(&node).map(|node| node.command).and_then(|id| self.links.get_mut(&id));
        if let Some(link) = link {
            link.pulse.waiting_since = link.pulse.waiting_since.map(|_| now.tick);
        }
    }

    /// Takes over a switch that another sentinel led.
    pub(super) fn follow_switch(&mut self, now: Now, id: GroupId, to: &Endpoint) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.failover = None;
        }
        self.deadlines.clear(Why::Patience(id));
        self.run_reconfig_script(now, id, to, "observer");
        self.switch(now, id, to);
        self.save(None);
    }

    /// Carries out the switch that this sentinel led.
    pub(super) fn lead_switch(&mut self, now: Now, id: GroupId, to: &Endpoint) {
        self.run_reconfig_script(now, id, to, "leader");
        self.switch(now, id, to);
    }

    fn run_reconfig_script(&mut self, now: Now, id: GroupId, to: &Endpoint, role: &str) {
        let Some(group) = self.groups.get(&id) else { return };
        let Some(path) = group.client_reconfig_script.clone() else { return };
        let (style, from) = (self.settings.host_style, &self.nodes[&group.master].address);
        let mut argv = vec![path, group.name.to_string(), role.to_owned(), "start".to_owned()];
        for address in [from, to] {
            argv.extend([address.announced(style), address.port().to_string()]);
        }
        self.queue_script(now, argv);
    }

    /// Makes the server at `to` the group's master, and the present master one of its replicas.
    fn switch(&mut self, now: Now, id: GroupId, to: &Endpoint) {
        let Some(group) = self.groups.get(&id) else { return };
        let old = group.master;
        let from = self.nodes[&old].address.clone();
        let text = format!("{} {} {}", group.name, self.spell(&from), self.spell(to));
        self.unindex_address(id);
        let new = self.replica_at(id, to).unwrap_or_else(|| self.add_master(now, id, to));
        self.publish(now, EventKind::SwitchMaster, Some(id), text);
        self.become_master(now, new);
        self.become_replica(now, old);
        self.enthrone(now, id, new, old, &from);
        self.index_address(id);
        self.watch_anew(now, id);
        self.announce_replicas(now, id, old);
        self.spread(now, id);
    }

    fn replica_at(&self, id: GroupId, address: &Endpoint) -> Option<NodeId> {
        self.replicas(id).into_iter().find(|replica| self.nodes[replica].address.is_same(address))
    }

    fn become_master(&mut self, now: Now, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.kind = NodeKind::Master;
        node.facts.role = Role::Master;
        node.facts.role_since = now.tick;
        node.down = Down::default();
        self.restart_clock(now, id);
    }

    fn become_replica(&mut self, now: Now, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let facts = ReplicaFacts { former_master: true, ..ReplicaFacts::new(now.tick) };
        node.kind = NodeKind::Replica(Box::new(facts));
        node.facts.role = Role::Replica;
        node.facts.role_since = now.tick;
        node.facts.reboot_since = None;
        node.down = Down::default();
        self.restart_clock(now, id);
    }

    /// Books the new master and the old one in the group's tables.
    fn enthrone(&mut self, now: Now, id: GroupId, new: NodeId, old: NodeId, from: &Endpoint) {
        let old_key = from.key(self.settings.host_style);
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.replicas.retain(|_, replica| *replica != new);
        if new != old {
            group.replicas.insert(old_key, old);
        }
        group.master = new;
        group.former_master = Some(from.clone());
        group.objectively_down = Down::default();
        group.leader = None;
        group.next_attempt = now.tick;
        group.voted_for_other = None;
        group.fruitless_attempts = 0;
        group.wants_replica = false;
        group.ordered_until = None;
        self.deadlines.clear(Why::Attempt(id));
        for peer in self.peers(id) {
            self.deadlines.clear(Why::Ask(peer));
            self.deadlines.clear(Why::Stale(peer));
            if let Some(facts) = self.nodes.get_mut(&peer).and_then(|node| node.peer_mut()) {
                facts.says_down = false;
                facts.vote = None;
            }
        }
        for replica in self.replicas(id) {
            if let Some(facts) = self.nodes.get_mut(&replica).and_then(|node| node.replica_mut()) {
                facts.reconfiguration = Reconfiguration::None;
                facts.changed = now.tick;
            }
        }
    }

    /// Looks at all servers afresh: INFO now, PING at the new rhythm, judgement by the new roles.
    fn watch_anew(&mut self, now: Now, id: GroupId) {
        for node in self.members(id) {
            let Some(record) = self.nodes.get(&node).filter(|node| node.peer().is_none()) else { continue };
            let link = record.command;
            if self.is_connected(node) {
                self.deadlines.set(Why::Info(node), now.tick);
                self.deadlines.set(Why::Ping(link), now.tick);
            }
            self.judge(now, node);
        }
    }

    /// Publishes the replicas of the new configuration, the former master last, as clients expect.
    fn announce_replicas(&mut self, now: Now, id: GroupId, former: NodeId) {
        let replicas = self.replicas(id);
        let others = replicas.iter().copied().filter(|&replica| replica != former);
        let last = replicas.iter().copied().filter(|&replica| replica == former);
        for replica in others.chain(last) {
            self.publish_node(now, EventKind::Replica, replica);
        }
    }
}
