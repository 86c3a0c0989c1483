//! Decides how the chosen replica becomes master, when that is certain, and what if it fails.
//!
//! Mirrors spec 8.5 and 8.6. INFO goes right behind the transaction and is repeated quickly, so that the new
//! role is seen as soon as it is there; a replica that dies on the way is replaced by the next best.

use super::super::{CrashPoint, EventKind, Machine, Why};
use crate::{
    model::{Errand, Role, Stage},
    resp::Value,
    types::{Endpoint, GroupId, Millis, NodeId, Now},
};

impl Machine {
    /// The clients have been told: the promotion is made.
    pub(super) fn end_notice(&mut self, now: Now, id: GroupId) {
        let chosen = self.failover_at(id, Stage::SendPromotion).and_then(|failover| failover.promoted);
        if let Some(replica) = chosen {
            self.send_promotion(now, id, replica);
        }
    }

    /// Tells the chosen replica to follow nobody.
    pub(super) fn send_promotion(&mut self, now: Now, id: GroupId, replica: NodeId) {
        if !self.send_slaveof(replica, None) {
            return self.replace_promoted(now, id);
        }
        let Some(failover) = self.failover_at(id, Stage::SendPromotion) else { return };
        failover.stage = Stage::WaitPromotion;
        failover.changed = now.tick;
        self.publish_node(now, EventKind::StateWaitPromotion, replica);
        self.doubt_promotion(now, id);
    }

    /// Sends the transaction that makes an instance follow `master`, or nobody, with INFO right behind it.
    /// Tells whether it was sent.
    pub(in crate::machine) fn send_slaveof(&mut self, node: NodeId, master: Option<&Endpoint>) -> bool {
        let style = self.settings.host_style;
        let (host, port) = master
            .map_or(("NO".to_owned(), "ONE".to_owned()), |master| (master.announced(style), master.port().to_string()));
        self.send(node, Errand::Ignore, &["MULTI"])
            && self.send(node, Errand::Ignore, &["SLAVEOF", &host, &port])
            && self.send(node, Errand::Ignore, &["CONFIG", "REWRITE"])
            && self.send(node, Errand::Ignore, &["CLIENT", "KILL", "TYPE", "normal"])
            && self.send(node, Errand::Ignore, &["CLIENT", "KILL", "TYPE", "pubsub"])
            && self.send(node, Errand::Exec, &["EXEC"])
            && self.send(node, Errand::Info, &["INFO"])
    }

    /// The transaction was answered; refused as a whole, it is a reason to choose another replica.
    pub(in crate::machine) fn exec_answered(&mut self, now: Now, node: NodeId, value: &Value) {
        let refused = matches!(value, Value::Error(_) | Value::Null | Value::NullArray);
        if let Some(node) = self.nodes.get_mut(&node).filter(|_| !refused) {
            // What it said of itself before is void; its next INFO is right behind.
            node.facts.info_at = None;
        }
        if refused && let Some(group) = self.awaited_promotion(node) {
            self.replace_promoted(now, group);
        }
    }

    /// INFO of the chosen replica came: the promotion is certain, or looked for again soon.
    pub(in crate::machine) fn watch_promotion(&mut self, now: Now, id: GroupId, node: NodeId) {
        let is_master = self.nodes.get(&node).is_some_and(|node| node.facts.role == Role::Master);
        let Some(failover) = self.failover_at(id, Stage::WaitPromotion) else { return };
        if failover.confirmed {
            return;
        }
        if is_master {
            failover.confirmed = true;
            return self.save(Some(super::Consequence::Announce { group: id }));
        }
        let wait = now.tick.since(failover.changed).max(FIRST_LOOK).min(LAST_LOOK);
        self.deadlines.set(Why::Info(node), now.tick.after(wait));
    }

    /// The promotion is on disk, or cannot be: either way it has happened, and everybody is told.
    pub(in crate::machine) fn announce_promotion(&mut self, now: Now, id: GroupId) {
        let Some(failover) = self.failover_at(id, Stage::WaitPromotion).filter(|f| f.confirmed) else { return };
        let (epoch, Some(promoted)) = (failover.epoch, failover.promoted) else { return };
        failover.stage = Stage::Reconfigure;
        failover.changed = now.tick;
        failover.confirmed = false;
        let Some(address) = self.nodes.get(&promoted).map(|node| node.address.clone()) else { return };
        if let Some(group) = self.groups.get_mut(&id) {
            group.config_epoch = epoch;
            group.led = Some(epoch);
        }
        self.publish_node(now, EventKind::PromotedReplica, promoted);
        if self.crashes(CrashPoint::AfterPromotion) {
            return;
        }
        self.publish_group(now, EventKind::StateReconfigure, id);
        self.lead_switch(now, id, &address);
        self.begin_reconfiguration(now, id);
    }

    /// The group whose failover waits for this replica's promotion.
    fn awaited_promotion(&self, node: NodeId) -> Option<GroupId> {
        let id = self.nodes.get(&node)?.group;
        let failover = self.groups.get(&id)?.failover.as_ref()?;
        let awaited = matches!(failover.stage, Stage::SendPromotion | Stage::WaitPromotion)
            && failover.promoted == Some(node)
            && !failover.confirmed;
        awaited.then_some(id)
    }

    /// The link to an instance was lost, or could not be made again: a promotion on its way is looked after soon
    /// after the first time, and a peer's missing vote is waited for no more.
    pub(in crate::machine) fn command_link_lost(&mut self, now: Now, node: NodeId) {
        if let Some(group) = self.awaited_promotion(node) {
            self.deadlines.bring_forward(Why::Patience(group), now.tick.after(LINK_GRACE));
        }
        if let Some(peer) = self.nodes.get(&node).filter(|node| node.peer().is_some()) {
            self.count_again(now, peer.group);
        }
    }

    /// A replica is down: if it was the chosen one, the next best is chosen; a reconfiguration waits for it no more.
    pub(in crate::machine) fn replica_went_down(&mut self, now: Now, id: GroupId, node: NodeId) {
        if self.awaited_promotion(node).is_some() {
            self.replace_promoted(now, id);
        } else {
            self.continue_reconfiguration(now, id);
        }
    }

    /// Waits on for the promotion while the replica can be reached and time is left; else gives it up.
    pub(super) fn doubt_promotion(&mut self, now: Now, id: GroupId) {
        let Some(limit) = self.groups.get(&id).map(|group| group.failover_timeout) else { return };
        let Some(failover) = self.failover_at(id, Stage::WaitPromotion).filter(|f| !f.confirmed) else { return };
        let (end, promoted) = (failover.changed.after(limit), failover.promoted);
        if now.tick >= end {
            return self.abort(now, id, EventKind::AbortReplicaTimeout, limit.times(2));
        }
        if promoted.is_some_and(|node| self.is_connected(node)) {
            self.deadlines.set(Why::Patience(id), end);
        } else {
            self.replace_promoted(now, id);
        }
    }

    /// The chosen replica failed: the next best is chosen at once.
    fn replace_promoted(&mut self, now: Now, id: GroupId) {
        let Some(failover) = self.groups.get_mut(&id).and_then(|group| group.failover.as_mut()) else { return };
        let Some(failed) = failover.promoted.take() else { return };
        failover.failed.insert(failed);
        failover.stage = Stage::SelectReplica;
        failover.changed = now.tick;
        if let Some(replica) = self.nodes.get_mut(&failed).and_then(|node| node.replica_mut()) {
            replica.former_master = true;
        }
        for replica in self.replicas(id) {
            self.deadlines.set(Why::Info(replica), now.tick);
        }
        self.choose_replica(now, id);
    }
}

/// Until the role of a promoted replica is looked at again; then as long as it has taken so far.
const FIRST_LOOK: Millis = Millis::new(20);

/// The longest such wait.
const LAST_LOOK: Millis = Millis::new(1_000);

/// How long a lost link to the chosen replica may take to come back.
const LINK_GRACE: Millis = Millis::new(300);
