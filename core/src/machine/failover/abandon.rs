//! Decides how a failover ends without a promotion, and when the next attempt may begin.

use crate::{
    machine::{
        EventKind, Machine, Why,
        vote::{LONGEST_RETRY, SHORTEST_RETRY},
    },
    model::{Order, Outcome, Stage},
    types::{GroupId, Millis, Now, Tick},
};

impl Machine {
    /// The election is over without us: soon again if nobody won, with long patience if somebody did. An order that was
    /// answered stands while nobody won, for as long as a failover may take: the rival may have given up meanwhile.
    pub(super) fn lose_election(&mut self, now: Now, id: GroupId, outcome: Outcome) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let long = group.failover_timeout.times(2);
        let doublings = group.fruitless_attempts.min(MOST_DOUBLINGS);
        group.fruitless_attempts = group.fruitless_attempts.saturating_add(1);
        let pause = self.chance.between(SHORTEST_RETRY, LONGEST_RETRY).times(1 << doublings).min(long);
        let wait = if outcome == Outcome::Lost { long } else { pause };
        let ordered = group.failover.as_ref().filter(|failover| failover.order == Order::Operator);
        if let Some(started) = ordered.filter(|_| outcome == Outcome::Split).map(|failover| failover.started) {
            group.ordered_until.get_or_insert(started.after(group.failover_timeout));
        }
        self.abort(now, id, EventKind::AbortNotElected, wait);
        self.plan_order(id);
    }

    /// Sets the moment at which an order that stands is tried again.
    fn plan_order(&mut self, id: GroupId) {
        let Some(group) = self.groups.get(&id).filter(|group| !group.objectively_down.holds()) else { return };
        if group.ordered_until.is_some_and(|until| group.next_attempt < until) {
            let at = group.next_attempt;
            self.deadlines.set(Why::Attempt(id), at);
        }
    }

    /// No replica can be promoted: the next attempt begins as soon as one can.
    pub(super) fn abort_without_replica(&mut self, now: Now, id: GroupId) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.wants_replica = true;
        }
        let wait = self.groups.get(&id).map_or(Millis::ZERO, |group| group.failover_timeout.times(2));
        self.abort(now, id, EventKind::AbortNoGoodReplica, wait);
    }

    /// The master is back: an automatic failover is abandoned while nothing has been promoted.
    pub(in crate::machine) fn master_is_back(&mut self, now: Now, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.fruitless_attempts = 0;
        group.wants_replica = false;
        self.deadlines.clear(Why::Attempt(id));
        let pending = group.failover.as_ref().is_some_and(|failover| {
            failover.order == Order::Quorum && matches!(failover.stage, Stage::WaitStart | Stage::SelectReplica)
        });
        if pending {
            self.abort(now, id, EventKind::AbortMasterBack, Millis::ZERO);
        }
        self.plan_order(id);
    }

    /// Ends the attempt; the next automatic one may begin after `wait`.
    pub(super) fn abort(&mut self, now: Now, id: GroupId, kind: EventKind, wait: Millis) {
        self.publish_group(now, kind, id);
        let rest = self.vote_rests_until(id);
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.failover = None;
        group.next_attempt = now.tick.after(wait).max(rest);
        let still_down = group.objectively_down.holds();
        self.deadlines.clear(Why::Patience(id));
        if still_down {
            self.plan_attempt(now, id);
        }
    }

    /// A replica changed: an attempt that failed for want of one begins again if it will do.
    pub(in crate::machine) fn retry_with_replica(&mut self, now: Now, id: GroupId) {
        let Some(group) = self.groups.get(&id) else { return };
        if !group.wants_replica || group.failover.is_some() || !group.objectively_down.holds() {
            return;
        }
        if self.best_replica(now, id).is_some() {
            let rest = self.vote_rests_until(id);
            if let Some(group) = self.groups.get_mut(&id) {
                group.wants_replica = false;
                group.next_attempt = now.tick.max(rest);
            }
            self.plan_attempt(now, id);
        }
    }

    /// Until when another candidate may still win with our vote; an attempt of ours would cancel its election.
    fn vote_rests_until(&self, id: GroupId) -> Tick {
        let Some(group) = self.groups.get(&id) else { return Tick::START };
        let election = self.settings.periods.election.min(group.failover_timeout);
        group.voted_for_other.map_or(Tick::START, |voted| voted.after(election))
    }
}

/// How often the pause after a fruitless election doubles.
const MOST_DOUBLINGS: u32 = 6;
