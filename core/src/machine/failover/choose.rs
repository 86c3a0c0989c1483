//! Decides which replica is promoted: filters first, then priority, offset, run id.
//!
//! Mirrors spec 8.4, but judges on INFO answered since the master went down, and waits a moment for answers
//! that are on their way, where the reference takes what it has.

use std::cmp::Reverse;

use crate::{
    machine::{EventKind, Machine, Why},
    model::{Node, Order, Role, Stage},
    types::{GroupId, Millis, NodeId, Now, Tick},
};

/// What speaks against a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing.
    Good,
    /// Only that its INFO is older than the master's fall; the next may come at any moment.
    Unheard,
    /// Something that only time can mend.
    Unfit,
}

impl Machine {
    /// Whether a failover could choose a replica right away.
    pub(in crate::machine) fn has_promotable_replica(&self, now: Now, group: GroupId) -> bool {
        let newest = self.settings.periods.info.times(3);
        self.best(now, group, now.tick.before(newest)).is_some()
    }

    /// The replica a failover would choose, on facts heard since the master went down.
    pub(super) fn best_replica(&self, now: Now, id: GroupId) -> Option<NodeId> {
        self.best(now, id, self.heard_since(id)?)
    }

    /// Chooses a replica and promotes it; waits a moment where an answer is on its way; else gives up.
    pub(in crate::machine) fn choose_replica(&mut self, now: Now, id: GroupId) {
        if self.tilt.is_some() {
            return;
        }
        let Some(failover) = self.failover_at(id, Stage::SelectReplica) else { return };
        let waited = now.tick.since(failover.changed);
        let Some(since) = self.heard_since(id) else { return };
        let best = self.best(now, id, since);
        let unheard = self.replicas(id).into_iter().any(|r| self.verdict(now, id, r, since) == Verdict::Unheard);
        let patience = if best.is_some() { SHORT_WAIT } else { LONG_WAIT };
        if unheard && waited < patience {
            let at = now.tick.after(Millis::new(patience.as_ms() - waited.as_ms()));
            return self.deadlines.set(Why::Patience(id), at);
        }
        match best {
            Some(replica) => self.promote(now, id, replica),
            None => self.abort_without_replica(now, id),
        }
    }

    /// The moment since when INFO has to have been answered to count.
    fn heard_since(&self, id: GroupId) -> Option<Tick> {
        let group = self.groups.get(&id)?;
        let down = self.nodes.get(&group.master)?.down.since;
        let ordered = group.failover.as_ref().filter(|f| f.order == Order::Operator).map(|f| f.started);
        down.or(ordered).or_else(|| group.failover.as_ref().map(|failover| failover.started))
    }

    fn best(&self, now: Now, id: GroupId, since: Tick) -> Option<NodeId> {
        let good = self.replicas(id).into_iter().filter(|&r| self.verdict(now, id, r, since) == Verdict::Good);
        good.min_by_key(|replica| self.nodes.get(replica).map(preference))
    }

    fn verdict(&self, now: Now, id: GroupId, replica: NodeId, since: Tick) -> Verdict {
        let (Some(group), Some(node)) = (self.groups.get(&id), self.nodes.get(&replica)) else { return Verdict::Unfit };
        let (Some(facts), Some(link)) = (node.replica(), self.links.get(&node.command)) else { return Verdict::Unfit };
        let longest_alone = self.alone_for(now, id).plus(group.down_after.times(10));
        let longest_silence = self.settings.periods.ping.times(5);
        let has_failed = group.failover.as_ref().is_some_and(|failover| failover.failed.contains(&replica));
        let unfit = node.is_down()
            || has_failed
            || facts.former_master
            || facts.priority == 0
            || !link.is_open()
            || now.tick.since(link.pulse.last_ok) > longest_silence
            || facts.link_down_for > longest_alone;
        match node.facts.info_at {
            _ if unfit => Verdict::Unfit,
            Some(heard) if heard >= since => Verdict::Good,
            Some(_) | None => Verdict::Unheard,
        }
    }

    /// For how long the replicas have had no master: since it is down, or calls itself a replica, which INFO tells up
    /// to two periods late.
    fn alone_for(&self, now: Now, id: GroupId) -> Millis {
        let master = self.groups.get(&id).and_then(|group| self.nodes.get(&group.master));
        let Some(master) = master else { return Millis::ZERO };
        let down = master.down.since.map_or(Millis::ZERO, |since| now.tick.since(since));
        let late = self.settings.periods.info.times(2);
        let demoted = now.tick.since(master.facts.role_since).plus(late);
        if master.facts.role == Role::Replica { down.max(demoted) } else { down }
    }

    /// Promotes the chosen replica; where it cannot even be told, the next best is chosen.
    fn promote(&mut self, now: Now, id: GroupId, replica: NodeId) {
        let Some(failover) = self.failover_at(id, Stage::SelectReplica) else { return };
        failover.promoted = Some(replica);
        failover.stage = Stage::SendPromotion;
        self.publish_node(now, EventKind::SelectedReplica, replica);
        self.publish_node(now, EventKind::StateSendPromotion, replica);
        if self.takes_writes(id) {
            // Clients that hear of it hold their writes, so that the old master acknowledges none that will be lost.
            return self.deadlines.set(Why::Patience(id), now.tick.after(NOTICE));
        }
        self.send_promotion(now, id, replica);
    }

    /// Whether the master is up, and clients write to it: only an operator orders a failover then.
    fn takes_writes(&self, id: GroupId) -> bool {
        let Some(group) = self.groups.get(&id) else { return false };
        let is_ordered = group.failover.as_ref().is_some_and(|failover| failover.order == Order::Operator);
        is_ordered && self.nodes.get(&group.master).is_some_and(|master| !master.is_down())
    }
}

/// The order of preference: lower priority, then higher offset, then smaller run id; one without comes last.
fn preference(node: &Node) -> (i64, Reverse<u64>, bool, String) {
    let (priority, offset) = node.replica().map_or((i64::MAX, 0), |replica| (replica.priority, replica.offset));
    let run_id = node.run_id.as_ref().map(|id| id.as_str().to_ascii_lowercase());
    (priority, Reverse(offset), run_id.is_none(), run_id.unwrap_or_default())
}

/// How long an ordered promotion is announced before it is made; the reference sentinel takes this long for a step.
const NOTICE: Millis = Millis::new(100);

/// How long a better replica's INFO is waited for while a good one is at hand.
const SHORT_WAIT: Millis = Millis::new(100);

/// How long any replica's INFO is waited for.
const LONG_WAIT: Millis = Millis::new(1_000);
