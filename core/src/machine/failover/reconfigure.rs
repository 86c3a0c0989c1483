//! Decides when each replica is told to follow the new master, and when the failover is over.
//!
//! Mirrors spec 8.7. The switch is already published; a former master that can be reached is told first and
//! outside the count of `parallel-syncs`, because until then it takes writes that would be lost.

use crate::{
    machine::{EventKind, Machine, Why},
    model::{Failover, MasterLink, Node, Order, Reconfiguration, Stage},
    types::{GroupId, Millis, NodeId, Now},
};

impl Machine {
    /// Begins to move the replicas to the new master.
    pub(super) fn begin_reconfiguration(&mut self, now: Now, id: GroupId) {
        let Some(group) = self.groups.get(&id) else { return };
        let end = now.tick.after(group.failover_timeout);
        let ordered = matches!(group.failover, Some(Failover { order: Order::Operator, .. }));
        self.deadlines.set(Why::Patience(id), end);
        for replica in self.replicas(id) {
            if ordered && self.is_former_master(replica) {
                self.tell_replica(now, id, replica, EventKind::ReconfSent);
            }
        }
        self.continue_reconfiguration(now, id);
    }

    fn is_former_master(&self, node: NodeId) -> bool {
        self.nodes.get(&node).and_then(|node| node.replica()).is_some_and(|replica| replica.former_master)
    }

    /// Tells as many more replicas as `parallel-syncs` allows, and ends the failover when none is left.
    pub(in crate::machine) fn continue_reconfiguration(&mut self, now: Now, id: GroupId) {
        if self.failover_at(id, Stage::Reconfigure).is_none() || self.tilt.is_some() {
            return;
        }
        let Some(group) = self.groups.get(&id) else { return };
        let slots = usize::try_from(group.parallel_syncs).unwrap_or(0);
        let replicas = self.replicas(id);
        let mut busy = replicas.iter().filter(|&&r| self.is_moving(r) && !self.is_former_master(r)).count();
        for &replica in &replicas {
            let waits = self.reconfiguration(replica) == Reconfiguration::None && !self.is_former_master(replica);
            if waits && busy < slots && self.tell_replica(now, id, replica, EventKind::ReconfSent) {
                busy += 1;
            }
        }
        let promoted_down = self.groups.get(&id).is_none_or(|group| self.nodes[&group.master].is_down());
        if !promoted_down && replicas.iter().all(|&replica| self.needs_no_more(replica)) {
            self.end_failover(now, id);
        }
    }

    fn reconfiguration(&self, node: NodeId) -> Reconfiguration {
        self.nodes.get(&node).and_then(|node| node.replica()).map_or(Reconfiguration::Done, |r| r.reconfiguration)
    }

    fn is_moving(&self, node: NodeId) -> bool {
        matches!(self.reconfiguration(node), Reconfiguration::Sent(_) | Reconfiguration::InProgress)
    }

    /// Whether the failover need not wait for a replica: it is done, down, or a former master that was not told.
    fn needs_no_more(&self, node: NodeId) -> bool {
        let untold = self.is_former_master(node) && self.reconfiguration(node) == Reconfiguration::None;
        let is_down = self.nodes.get(&node).is_none_or(Node::is_down);
        untold || is_down || self.reconfiguration(node) == Reconfiguration::Done
    }

    /// Tells one replica to follow the new master; whether it could be told.
    fn tell_replica(&mut self, now: Now, id: GroupId, replica: NodeId, kind: EventKind) -> bool {
        let Some(master) = self.groups.get(&id).map(|group| self.nodes[&group.master].address.clone()) else {
            return false;
        };
        if !self.is_connected(replica) || !self.send_slaveof(replica, Some(&master)) {
            return false;
        }
        if let Some(facts) = self.nodes.get_mut(&replica).and_then(|node| node.replica_mut()) {
            facts.reconfiguration = Reconfiguration::Sent(now.tick);
        }
        self.deadlines.set(Why::Reconfigure(replica), now.tick.after(self.settings.periods.replica_reconf));
        self.publish_node(now, kind, replica);
        true
    }

    /// INFO of a replica came: it follows the new master, or is looked at again soon.
    pub(in crate::machine) fn follow_reconfiguration(&mut self, now: Now, id: GroupId, node: NodeId) {
        let follows = self.follows_master(id, node);
        let Some(facts) = self.nodes.get(&node).and_then(|node| node.replica()) else { return };
        let (state, link) = (facts.reconfiguration, facts.master_link);
        let changed = facts.changed;
        if matches!(state, Reconfiguration::Sent(_)) && follows {
            self.move_on(node, Reconfiguration::InProgress);
            self.publish_node(now, EventKind::ReconfInProgress, node);
        }
        if self.reconfiguration(node) == Reconfiguration::InProgress && follows && link == MasterLink::Up {
            self.move_on(node, Reconfiguration::Done);
            self.publish_node(now, EventKind::ReconfDone, node);
        }
        match state {
            Reconfiguration::Sent(_) | Reconfiguration::InProgress if self.is_moving(node) => {
                let wait = now.tick.since(changed).max(FIRST_LOOK).min(LAST_LOOK);
                self.deadlines.set(Why::Info(node), now.tick.after(wait));
            }
            // Who was not told yet waits for its turn, however long it has been following the former master.
            Reconfiguration::Sent(_) | Reconfiguration::InProgress | Reconfiguration::Done | Reconfiguration::None => {}
        }
        self.continue_reconfiguration(now, id);
    }

    fn move_on(&mut self, node: NodeId, state: Reconfiguration) {
        self.deadlines.clear(Why::Reconfigure(node));
        if let Some(facts) = self.nodes.get_mut(&node).and_then(|node| node.replica_mut()) {
            facts.reconfiguration = state;
        }
    }

    /// A replica did not begin to follow in time: its slot is free again.
    pub(in crate::machine) fn give_up_reconfiguration(&mut self, now: Now, node: NodeId) {
        if !matches!(self.reconfiguration(node), Reconfiguration::Sent(_)) {
            return;
        }
        self.publish_node(now, EventKind::ReconfSentTimeout, node);
        self.move_on(node, Reconfiguration::Done);
        if let Some(group) = self.nodes.get(&node).map(|node| node.group) {
            self.continue_reconfiguration(now, group);
        }
    }

    /// The failover's time ran out: whoever was not told yet is told without waiting.
    pub(super) fn end_for_timeout(&mut self, now: Now, id: GroupId) {
        self.publish_group(now, EventKind::EndForTimeout, id);
        for replica in self.replicas(id) {
            if self.reconfiguration(replica) == Reconfiguration::None && !self.is_former_master(replica) {
                self.tell_replica(now, id, replica, EventKind::ReconfSentAtEnd);
            }
        }
        self.end_failover(now, id);
    }

    /// The failover is over.
    pub(super) fn end_failover(&mut self, now: Now, id: GroupId) {
        self.publish_group(now, EventKind::FailoverEnd, id);
        self.deadlines.clear(Why::Patience(id));
        for replica in self.replicas(id) {
            self.move_on(replica, Reconfiguration::None);
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.failover = None;
        }
    }
}

/// Until a replica that was told is looked at again; then as long as its move has taken so far.
const FIRST_LOOK: Millis = Millis::new(50);

/// The longest such wait.
const LAST_LOOK: Millis = Millis::new(1_000);
