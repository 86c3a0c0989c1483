//! Decides when a server that does not follow the configuration is set right.
//!
//! Mirrors spec 4, acting part 4 and 6. A former master is told at its first answer, as soon as a majority of
//! the sentinels shares our configuration, unless there are signs of a newer one, which may have made it master
//! again; the sentinel that led the failover also tells replicas that missed it soon. Other strays get the
//! reference's patience, because another sentinel's failover may be on its way to us, or its `parallel-syncs` may
//! hold them back. *Never* is a server told to follow one that was itself told to follow and has not answered since.

use super::{EventKind, Machine, Why};
use crate::{
    model::{Errand, Node, ReplicaFacts, Role},
    types::{Endpoint, GroupId, Millis, NodeId, Now, Tick},
};

impl Machine {
    /// Looks at a replica after its INFO, and tells it whom to follow if it has gone astray for long enough.
    pub(super) fn correct(&mut self, now: Now, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        let Some(replica) = node.replica() else { return };
        let group = node.group;
        let (kind, due) = match node.facts.role {
            Role::Master => (EventKind::ConvertToReplica, self.conversion_due(node, replica)),
            Role::Replica if self.follows_master(group, id) => return,
            Role::Replica => (EventKind::FixReplicaConfig, self.fix_due(node, replica)),
        };
        let pause = replica.corrected.map_or(Tick::START, |at| at.after(SHORTEST_PAUSE));
        let due = due.max(pause);
        if due > now.tick {
            return self.deadlines.bring_forward(Why::Info(id), due);
        }
        if self.master_looks_sane(now, group) {
            self.tell_to_follow(now, id, kind);
        } else {
            self.deadlines.bring_forward(Why::Info(id), now.tick.after(SHORTEST_PAUSE));
        }
    }

    fn tell_to_follow(&mut self, now: Now, id: NodeId, kind: EventKind) {
        let Some(master) = self.master_address(self.nodes[&id].group) else { return };
        if self.send_slaveof(id, Some(&master)) {
            if let Some(replica) = self.nodes.get_mut(&id).and_then(|node| node.replica_mut()) {
                replica.corrected = Some(now.tick);
            }
            self.publish_node(now, kind, id);
        }
    }

    fn master_address(&self, group: GroupId) -> Option<Endpoint> {
        let master = self.groups.get(&group)?.master;
        Some(self.nodes.get(&master)?.address.clone())
    }

    /// When a replica that says it is master is told otherwise.
    fn conversion_due(&self, node: &Node, replica: &ReplicaFacts) -> Tick {
        let patience = self.settings.periods.publish.times(4).plus(Millis::new(1));
        if replica.former_master && self.is_confirmed(node.group) {
            return self.last_doubt(node.group).map_or(Tick::START, |doubt| doubt.after(patience));
        }
        let since = node.facts.role_since.after(patience);
        node.down.last.map_or(since, |down| since.max(down.after(patience)))
    }

    /// When there was last a sign that others may have made a newer configuration that has not reached us: the master
    /// was down here until then, or a sentinel told of an epoch that is beyond our configuration.
    fn last_doubt(&self, group: GroupId) -> Option<Tick> {
        let group = self.groups.get(&group)?;
        let was_down = self.nodes.get(&group.master)?.down.ended;
        let is_beyond = self.current_epoch > group.config_epoch;
        was_down.max(self.epoch_raised.filter(|_| is_beyond))
    }

    /// When a replica that follows another master is told otherwise.
    fn fix_due(&self, node: &Node, replica: &ReplicaFacts) -> Tick {
        let group = &self.groups[&node.group];
        let follows_former = group.former_master.as_ref().is_some_and(|former| follows(replica, former));
        let led_by_us = group.failover.is_none() && group.led == Some(group.config_epoch);
        if follows_former && led_by_us && self.is_confirmed(node.group) {
            return replica.changed.after(self.settings.periods.publish);
        }
        let patience = group.failover_timeout.plus(Millis::new(1));
        let since = replica.changed.after(patience);
        node.down.last.map_or(since, |down| since.max(down.after(patience)))
    }

    /// Whether a replica says that it follows its group's master.
    pub(super) fn follows_master(&self, group: GroupId, id: NodeId) -> bool {
        let replica = self.nodes.get(&id).and_then(|node| node.replica());
        match (replica, self.master_address(group)) {
            (Some(replica), Some(master)) => follows(replica, &master),
            (_, _) => false,
        }
    }

    /// Whether a group's master reports itself master, is up, and was heard lately.
    fn master_looks_sane(&self, now: Now, group: GroupId) -> bool {
        let Some(group) = self.groups.get(&group) else { return false };
        let Some(master) = self.nodes.get(&group.master) else { return false };
        let lately = self.settings.periods.info.times(2);
        let heard = master.facts.info_at.is_some_and(|at| now.tick.since(at) < lately);
        let is_moving = self.is_pending(group.master, Errand::Exec);
        master.facts.role == Role::Master && !is_moving && !master.is_down() && !group.objectively_down.holds() && heard
    }

    /// A peer came to share our configuration: a former master that waits for that is looked at.
    pub(super) fn confirmed_by_peer(&mut self, now: Now, group: GroupId) {
        if !self.is_confirmed(group) {
            return;
        }
        for id in self.replicas(group) {
            let node = &self.nodes[&id];
            let waits = node.replica().is_some_and(|replica| replica.former_master) && node.facts.role == Role::Master;
            if waits && self.is_connected(id) {
                self.deadlines.set(Why::Info(id), now.tick);
            }
        }
    }
}

/// Whether a replica says that it follows this address.
fn follows(replica: &ReplicaFacts, master: &Endpoint) -> bool {
    let told = replica.master_host.as_deref().and_then(|host| Endpoint::parse(host, replica.master_port));
    told.is_some_and(|told| told.is_same(master))
}

/// Between two commands to the same stray.
const SHORTEST_PAUSE: Millis = Millis::new(1_000);
