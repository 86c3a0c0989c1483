//! Decides whether this sentinel calls an instance down (`s_down`), at the exact moment it may.
//!
//! Mirrors spec 6.1 and 6.2. The failure clock starts at the first PING that stays unanswered, or when the
//! link is lost; silence of exactly the limit still counts as up.

use super::{EventKind, Machine, Why};
use crate::{
    model::{NodeKind, Role},
    types::{LinkId, Millis, NodeId, Now, Tick},
};

impl Machine {
    /// Judges all instances behind a link.
    pub(super) fn judge_owners(&mut self, now: Now, link: LinkId) {
        let owners = self.links.get(&link).map(|link| link.owners.clone()).unwrap_or_default();
        for owner in owners {
            self.judge(now, owner);
        }
    }

    /// Judges all instances of a group, as its limits have changed.
    pub(super) fn rejudge(&mut self, now: Now, group: crate::types::GroupId) {
        for node in self.members(group) {
            if let Some(link) = self.nodes.get(&node).map(|node| node.command) {
                self.deadlines.bring_forward(Why::Ping(link), now.tick);
            }
            self.judge(now, node);
        }
        self.judge_quorum(now, group);
    }

    /// Judges one instance, and sets the deadline at which the answer would change by mere silence.
    pub(super) fn judge(&mut self, now: Now, id: NodeId) {
        if self.tilt.is_some() {
            return;
        }
        let down_at = self.down_at(id);
        match down_at {
            Some(at) if at > now.tick => self.deadlines.set(Why::Judge(id), at),
            Some(_) | None => self.deadlines.clear(Why::Judge(id)),
        }
        let is_down = down_at.is_some_and(|at| at <= now.tick);
        let Some(node) = self.nodes.get_mut(&id) else { return };
        match (node.is_down(), is_down) {
            (false, true) => {
                node.down.begin(now.tick);
                self.publish_node(now, EventKind::SubjectivelyDown, id);
                self.went_down(now, id);
            }
            (true, false) => {
                node.down.end(now.tick);
                node.script_kill_sent = false;
                self.publish_node(now, EventKind::SubjectivelyUp, id);
                self.came_back(now, id);
            }
            (_, _) => {}
        }
    }

    /// When the instance is down if nothing more is heard; in the past when it is down.
    fn down_at(&self, id: NodeId) -> Option<Tick> {
        let node = self.nodes.get(&id)?;
        let group = self.groups.get(&node.group)?;
        let strictly = Millis::new(1);
        let silent = self.links.get(&node.command)?.pulse.waiting_since.map(|since| since.after(group.down_after));
        if !matches!(node.kind, NodeKind::Master) {
            return silent.map(|at| at.after(strictly));
        }
        let patience = group.down_after.plus(self.settings.periods.info.times(2));
        let demoted = (node.facts.role == Role::Replica).then(|| node.facts.role_since.after(patience));
        let rebooted = node.facts.reboot_since.map(|since| since.after(group.reboot_down_after));
        [silent, demoted, rebooted].into_iter().flatten().min().map(|at| at.after(strictly))
    }

    fn went_down(&mut self, now: Now, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        let group = node.group;
        match node.kind {
            NodeKind::Master => {
                for replica in self.replicas(group) {
                    self.deadlines.set(Why::Info(replica), now.tick);
                }
                self.judge_quorum(now, group);
                self.ask_peers(now, group);
            }
            NodeKind::Replica(_) => self.replica_went_down(now, group, id),
            NodeKind::Peer(_) => self.count_again(now, group),
        }
    }

    fn came_back(&mut self, now: Now, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        let group = node.group;
        match node.kind {
            NodeKind::Master => self.judge_quorum(now, group),
            NodeKind::Replica(_) => {
                self.deadlines.set(Why::Info(id), now.tick);
                self.retry_with_replica(now, group);
            }
            NodeKind::Peer(_) => {}
        }
    }
}
