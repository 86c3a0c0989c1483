//! Decides when a failover begins, who leads it, and how it moves from stage to stage.
//!
//! Mirrors spec 7 and 8.1 to 8.3. The legal moves:
//!
//! | from | to | when |
//! |---|---|---|
//! | none | wait-start | the quorum calls the master down, or an operator orders it |
//! | wait-start | select-replica | elected, or nobody else was and an operator ordered it |
//! | select-replica | send-promotion | a replica was chosen |
//! | send-promotion | wait-promotion | at once; after a notice to the clients where the master still takes writes |
//! | wait-promotion | select-replica | the chosen replica failed |
//! | wait-promotion | reconfigure | it reports itself master, and that is on disk |
//! | reconfigure | none | all replicas follow, or time ran out |
//! | any before wait-promotion | none | abandoned |

mod abandon;
mod choose;
mod promote;
mod reconfigure;

use super::{CrashPoint, EventKind, Machine, Why, store::Consequence};
use crate::{
    config::LogLevel,
    model::{Failover, Order, Outcome, Stage, count_votes, votes_needed},
    types::{Epoch, GroupId, Millis, NodeId, Now, RunId},
};

impl Machine {
    /// The quorum calls the master down: an attempt is planned; one that already promoted this master is over.
    pub(super) fn quorum_reached(&mut self, now: Now, id: GroupId) {
        let stage = self.groups.get(&id).and_then(|group| group.failover.as_ref()).map(|failover| failover.stage);
        if stage == Some(Stage::Reconfigure) {
            self.end_failover(now, id);
        }
        self.plan_attempt(now, id);
    }

    /// Sets the moment of the next automatic attempt: when patience allows, behind the sentinels that rank before us.
    pub(super) fn plan_attempt(&mut self, now: Now, id: GroupId) {
        let jitter = self.chance.between(Millis::ZERO, START_JITTER);
        let earliest = now.tick.after(self.start_delay(now, id).plus(jitter));
        let Some(group) = self.groups.get(&id) else { return };
        if group.next_attempt > earliest {
            let wait = group.next_attempt.since(now.tick);
            let text = format!("Next failover delay: I will not start a failover of '{}' for {wait}", group.name);
            let at = group.next_attempt;
            self.log(LogLevel::Notice, text);
            self.deadlines.set(Why::Attempt(id), at);
        } else {
            self.deadlines.set(Why::Attempt(id), earliest);
        }
    }

    /// How long this sentinel lets those that rank before it go first: until their own votes can be on disk and they
    /// have asked for ours, judged by how long our own disk takes.
    fn start_delay(&self, now: Now, id: GroupId) -> Millis {
        let step = START_STEP.max(self.storing_takes(now).times(STORES_A_STEP)).min(LONGEST_STEP);
        step.times(self.rank(id).min(MOST_STEPS))
    }

    /// How many live peers start before this sentinel, so that candidates do not split the votes: by run id.
    fn rank(&self, id: GroupId) -> u64 {
        let Some(group) = self.groups.get(&id) else { return 0 };
        let before = group.peers.iter().filter(|&(run_id, peer)| *run_id < self.me && self.is_connected(*peer));
        before.count() as u64
    }

    /// Begins an automatic failover, unless the reason for it is gone or another candidate has our vote; or an ordered one
    /// again.
    pub(super) fn attempt_failover(&mut self, now: Now, id: GroupId) {
        let Some(group) = self.groups.get(&id).filter(|_| self.tilt.is_none()) else { return };
        let is_ordered = group.ordered_until.is_some_and(|until| now.tick < until);
        if !(group.objectively_down.holds() || is_ordered) || group.failover.is_some() {
            return;
        }
        if group.next_attempt > now.tick {
            let at = group.next_attempt;
            return self.deadlines.set(Why::Attempt(id), at);
        }
        if !group.objectively_down.holds() {
            if self.has_promotable_replica(now, id) {
                self.start_ordered_failover(now, id);
            }
            return;
        }
        let first_turn = group.objectively_down.since.map(|since| since.after(self.start_delay(now, id)));
        if let Some(at) = first_turn.filter(|&at| at > now.tick) {
            return self.deadlines.set(Why::Attempt(id), at);
        }
        self.start_failover(now, id, Order::Quorum);
    }

    /// Begins a failover an operator ordered; none is in progress and a replica can be promoted.
    pub(super) fn start_ordered_failover(&mut self, now: Now, id: GroupId) {
        self.start_failover(now, id, Order::Operator);
        for replica in self.replicas(id) {
            self.deadlines.set(Why::Info(replica), now.tick);
        }
    }

    fn start_failover(&mut self, now: Now, id: GroupId, order: Order) {
        let Some(epoch) = self.open_epoch(now, id, order) else { return };
        let election = self.settings.periods.election;
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.failover = Some(Failover {
            stage: Stage::WaitStart,
            epoch,
            order,
            started: now.tick,
            changed: now.tick,
            promoted: None,
            failed: std::collections::BTreeSet::new(),
            may_ask: false,
            confirmed: false,
        });
        group.wants_replica = false;
        group.leader = Some(self.me.clone());
        group.leader_epoch = epoch;
        // Of an order this is the time for storing the vote; how long it waits for others is set when it may ask them.
        self.deadlines.set(Why::Patience(id), now.tick.after(election.min(group.failover_timeout)));
        self.deadlines.clear(Why::Attempt(id));
        self.publish_group(now, EventKind::TryFailover, id);
        self.save(Some(Consequence::Campaign { group: id, epoch }));
    }

    /// The epoch of a new attempt. Elections for several masters share the epoch that any sentinel opened for the
    /// first of them, because each new epoch would end the elections of all others; a vote counts for one master,
    /// so that each still has one winner. An order may go on without votes, so its epoch is always its own.
    ///
    /// An order skips one epoch. A reference sentinel that is given an order at the same moment asks nobody and
    /// leads in the very next epoch; with two masters of one config epoch neither side would ever give way.
    fn open_epoch(&mut self, now: Now, id: GroupId, order: Order) -> Option<Epoch> {
        let group = self.groups.get(&id)?;
        let is_election = self.election_epoch == Some(self.current_epoch) && order == Order::Quorum;
        if is_election && group.leader_epoch < self.current_epoch && group.config_epoch < self.current_epoch {
            return Some(self.current_epoch);
        }
        self.current_epoch = match order {
            Order::Quorum => self.current_epoch.next(),
            Order::Operator => self.current_epoch.next().next(),
        };
        self.election_epoch = Some(self.current_epoch);
        self.publish(now, EventKind::NewEpoch, Some(id), self.current_epoch.to_string());
        Some(self.current_epoch)
    }

    /// Our own vote is on disk: the peers are asked for theirs.
    pub(super) fn campaign(&mut self, now: Now, id: GroupId, epoch: Epoch) {
        let Some(failover) = self.failover_at(id, Stage::WaitStart).filter(|f| f.epoch == epoch) else { return };
        failover.may_ask = true;
        if failover.order == Order::Operator {
            let end = failover.started.after(ORDERED_ELECTION).max(now.tick.after(ORDERED_ANSWER));
            self.deadlines.set(Why::Patience(id), end);
        }
        let vote = format!("{} {epoch}", self.me);
        self.publish(now, EventKind::VoteForLeader, Some(id), vote);
        for peer in self.peers(id) {
            self.put_question(now, peer);
        }
        self.count_again(now, id);
    }

    /// Our own vote could not be stored: without it there is no attempt.
    pub(super) fn give_up_campaign(&mut self, now: Now, id: GroupId, epoch: Epoch) {
        if self.failover_at(id, Stage::WaitStart).is_some_and(|failover| failover.epoch == epoch) {
            if let Some(group) = self.groups.get_mut(&id) {
                group.leader = None;
            }
            self.lose_election(now, id, Outcome::Split);
        }
    }

    /// Counts the votes of a running election.
    pub(super) fn count_again(&mut self, now: Now, id: GroupId) {
        if self.tilt.is_some() {
            return;
        }
        match self.outcome(id) {
            None | Some(Outcome::Open) => {}
            Some(Outcome::Won) => self.win_election(now, id),
            Some(Outcome::Lost) => self.lose_election(now, id, Outcome::Lost),
            Some(Outcome::Split) if self.may_go_on_unelected(id) => self.win_election(now, id),
            Some(Outcome::Split) => self.lose_election(now, id, Outcome::Split),
        }
    }

    /// What the votes of the running election come to; `None` when there is none.
    fn outcome(&self, id: GroupId) -> Option<Outcome> {
        let group = self.groups.get(&id)?;
        let failover = group.failover.as_ref().filter(|f| f.stage == Stage::WaitStart && f.may_ask)?;
        let mut votes: Vec<RunId> = vec![self.me.clone()];
        let mut missing = 0;
        for (run_id, peer) in &group.peers {
            let Some(facts) = self.nodes.get(peer).and_then(|node| node.peer()) else { continue };
            match &facts.vote {
                Some((leader, epoch)) if *epoch == failover.epoch => votes.push(leader.clone()),
                Some((_, epoch)) if *epoch > failover.epoch => {}
                Some(_) | None if facts.declined == Some(failover.epoch) => {}
                Some(_) | None => missing += usize::from(self.may_still_vote(*peer, run_id)),
            }
        }
        let needed = votes_needed(group.voters(), group.quorum);
        Some(count_votes(&self.me, &votes, missing, needed))
    }

    fn may_still_vote(&self, peer: NodeId, run_id: &RunId) -> bool {
        *run_id != self.me && self.is_connected(peer) && self.nodes.get(&peer).is_some_and(|peer| !peer.is_down())
    }

    /// An operator's order goes on without a majority, unless a rival has votes of the same epoch.
    fn may_go_on_unelected(&self, id: GroupId) -> bool {
        let Some(group) = self.groups.get(&id) else { return false };
        let Some(failover) = group.failover.as_ref().filter(|f| f.order == Order::Operator && f.may_ask) else {
            return false;
        };
        let votes = group.peers.values().filter_map(|peer| self.nodes.get(peer)?.peer()?.vote.as_ref());
        !votes.into_iter().any(|(leader, epoch)| *epoch >= failover.epoch && *leader != self.me)
    }

    fn win_election(&mut self, now: Now, id: GroupId) {
        let Some(failover) = self.failover_at(id, Stage::WaitStart) else { return };
        failover.stage = Stage::SelectReplica;
        failover.changed = now.tick;
        if let Some(group) = self.groups.get_mut(&id) {
            group.ordered_until = None;
        }
        self.publish_group(now, EventKind::ElectedLeader, id);
        if self.crashes(CrashPoint::AfterElection) {
            return;
        }
        self.publish_group(now, EventKind::StateSelectReplica, id);
        self.deadlines.clear(Why::Patience(id));
        self.choose_replica(now, id);
    }

    /// The patience of the present stage is used up.
    pub(super) fn lose_patience(&mut self, now: Now, id: GroupId) {
        let Some(stage) = self.groups.get(&id).and_then(|group| group.failover.as_ref()).map(|f| f.stage) else {
            return;
        };
        if self.tilt.is_some() {
            let end = self.deadlines.get(Why::Tilt).unwrap_or(now.tick.after(self.settings.periods.tilt));
            return self.deadlines.set(Why::Patience(id), end.after(Millis::new(1)));
        }
        match stage {
            Stage::WaitStart if self.may_go_on_unelected(id) => self.win_election(now, id),
            Stage::WaitStart => self.lose_election(now, id, Outcome::Split),
            Stage::SelectReplica => self.choose_replica(now, id),
            Stage::SendPromotion => self.end_notice(now, id),
            Stage::WaitPromotion => self.doubt_promotion(now, id),
            Stage::Reconfigure => self.end_for_timeout(now, id),
        }
    }

    /// The failover of a group when it is at this stage, to change it.
    fn failover_at(&mut self, id: GroupId, stage: Stage) -> Option<&mut Failover> {
        self.groups.get_mut(&id)?.failover.as_mut().filter(|failover| failover.stage == stage)
    }
}

/// Between the starts of two sentinels that rank one behind the other, while the disk is quick.
const START_STEP: Millis = Millis::new(40);

/// The longest such step, however slow the disk.
const LONGEST_STEP: Millis = Millis::new(500);

/// Stores within a step: one that may be under way, the candidate's own vote, and a third of room.
const STORES_A_STEP: u64 = 3;

/// Steps that are waited for at most.
const MOST_STEPS: u64 = 3;

/// The random part of the start delay.
const START_JITTER: Millis = Millis::new(20);

/// How long an ordered failover waits for a majority, storing its own vote included.
const ORDERED_ELECTION: Millis = Millis::new(300);

/// How long it waits at least once it has asked, where the disk was slow.
const ORDERED_ANSWER: Millis = Millis::new(100);
