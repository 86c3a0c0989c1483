//! States what must hold after every turn; run by tests and the simulator after each input.
//!
//! Two kinds: the tables agree with each other, and nothing is forgotten: whatever has to happen again has a
//! deadline, an answer under way, or a store that it waits for.

use super::{Machine, Why};
use crate::{
    model::{Errand, Group, Link, Node, NodeKind, Phase, Purpose},
    types::Epoch,
};

impl Machine {
    /// The first rule that does not hold, in words; `None` when all is well.
    pub fn broken_invariant(&self) -> Option<String> {
        self.groups
            .values()
            .find_map(|group| self.broken_group(group))
            .or_else(|| self.nodes.values().find_map(|node| self.broken_node(node)))
            .or_else(|| self.links.values().find_map(|link| self.broken_link(link)))
    }

    /// The newest epoch, and each master's last vote and configuration, to see that none of them falls.
    pub fn epochs(&self) -> Vec<Epoch> {
        let of_groups = self.groups.values().flat_map(|group| [group.leader_epoch, group.config_epoch]);
        std::iter::once(self.current_epoch).chain(of_groups).collect()
    }

    fn broken_group(&self, group: &Group) -> Option<String> {
        let name = &group.name;
        let has_kind = |id, fits: fn(&NodeKind) -> bool| self.nodes.get(id).is_some_and(|node: &Node| fits(&node.kind));
        if !has_kind(&group.master, |kind| matches!(kind, NodeKind::Master)) {
            return Some(format!("{name}: its master is none"));
        }
        if !group.replicas.values().all(|id| has_kind(id, |kind| matches!(kind, NodeKind::Replica(_)))) {
            return Some(format!("{name}: a replica is none"));
        }
        if !group.peers.values().all(|id| has_kind(id, |kind| matches!(kind, NodeKind::Peer(_)))) {
            return Some(format!("{name}: a peer is none"));
        }
        if group.leader_epoch > self.current_epoch || group.config_epoch > self.current_epoch {
            return Some(format!("{name}: an epoch is ahead of the current one"));
        }
        self.stuck_failover(group).map(|what| format!("{name}: {what}"))
    }

    /// A failover, or the wish for one, that nothing will ever move again.
    fn stuck_failover(&self, group: &Group) -> Option<&'static str> {
        let has = |why| self.deadlines.get(why).is_some();
        match &group.failover {
            None if self.tilt.is_some() || !group.objectively_down.holds() => None,
            None => (!has(Why::Attempt(group.id))).then_some("down, and no attempt is planned"),
            Some(failover) if failover.confirmed => (!self.is_storing()).then_some("a promotion waits for no store"),
            Some(_) => (!has(Why::Patience(group.id))).then_some("a failover has endless patience"),
        }
    }

    fn broken_node(&self, node: &Node) -> Option<String> {
        let Some(group) = self.groups.get(&node.group) else { return Some(format!("{}: of no group", node.address)) };
        let listed = group.master == node.id
            || group.replicas.values().any(|id| *id == node.id)
            || node.run_id.as_ref().is_some_and(|run_id| group.peers.get(run_id) == Some(&node.id));
        if !listed {
            return Some(format!("{}: its group does not know it", node.address));
        }
        let links = [Some(node.command), node.pubsub];
        let owned = |id| self.links.get(&id).is_some_and(|link| link.owners.contains(&node.id));
        if !links.into_iter().flatten().all(owned) {
            return Some(format!("{}: its link is not its own", node.address));
        }
        self.forgotten_work(node).map(|what| format!("{}: {what}", node.address))
    }

    /// Work for an instance that is connected but will never be done again.
    fn forgotten_work(&self, node: &Node) -> Option<&'static str> {
        let link = self.links.get(&node.command)?;
        let has = |why| self.deadlines.get(why).is_some();
        let plans = |why, errand| has(why) || self.is_pending(node.id, errand);
        let waits = self.tilt.is_none() && !node.is_down() && link.pulse.waiting_since.is_some();
        if waits && !has(Why::Judge(node.id)) {
            return Some("silent, and nobody judges it");
        }
        if !link.is_open() {
            return None;
        }
        if node.peer().is_none() && !plans(Why::Info(node.id), Errand::Info) {
            return Some("connected, and INFO is not asked");
        }
        (!plans(Why::Hello(node.id), Errand::Hello)).then_some("connected, and no hello is said")
    }

    fn broken_link(&self, link: &Link) -> Option<String> {
        let target = &link.target;
        let has = |why| self.deadlines.get(why).is_some();
        if link.pending_count() > 100 * link.owners.len().max(1) {
            return Some(format!("{target}: too many commands without an answer"));
        }
        let resolving = self.resolving.get(target.host()).is_some_and(|waiting| waiting.contains(&link.id));
        match (link.phase, link.purpose) {
            (Phase::Idle, _) if self.waits_for_command_link(link.id) => None,
            (Phase::Idle, _) if target.port() != 0 && !has(Why::Reconnect(link.id)) => {
                Some(format!("{target}: closed for ever"))
            }
            (Phase::Resolving, _) if !resolving => Some(format!("{target}: waits for no look-up")),
            (Phase::Open, Purpose::Command) if !has(Why::Ping(link.id)) => Some(format!("{target}: not pinged")),
            (Phase::Open, Purpose::PubSub) if !has(Why::Silence(link.id)) => Some(format!("{target}: may be silent")),
            (_, _) => None,
        }
    }
}
