//! Decides whom this sentinel votes for: one candidate per master and epoch, on disk before it is said.
//!
//! Mirrors spec 6.5 and 7.1, but refuses epochs that jump, and says nothing of a vote it could not store.

use super::{Event, EventKind, Machine, hello::LONGEST_EPOCH_JUMP, store::Consequence};
use crate::{
    config::LogLevel,
    model::Node,
    resp::Value,
    types::{ClientId, Endpoint, Epoch, GroupId, Millis, Now, RunId},
};

impl Machine {
    /// Answers `SENTINEL IS-MASTER-DOWN-BY-ADDR`, at once or, where a vote is asked for, once it is stored.
    pub(super) fn answer_down_question(
        &mut self,
        now: Now,
        client: ClientId,
        address: &Endpoint,
        epoch: Epoch,
        candidate: Option<&str>,
    ) {
        let Some(group) = self.group_at(address) else {
            return self.reply(client, answer(false, None, Epoch::ZERO));
        };
        if let Some(candidate) = candidate {
            self.consider_vote(now, group, epoch, candidate);
            let vote = self.groups.get(&group).map(|group| (group.leader.clone(), group.leader_epoch));
            let (leader, epoch) = vote.unwrap_or((None, Epoch::ZERO));
            self.after_store(Consequence::Vote { client, group, leader, epoch });
        } else {
            let says_down = self.says_down(group);
            self.reply(client, answer(says_down, None, Epoch::ZERO));
        }
        self.peer_is_worried(now, group);
    }

    /// The reply to a candidate: the vote that is on disk, which may not be the newest one given.
    pub(super) fn tell_vote(&mut self, client: ClientId, group: GroupId, leader: Option<&RunId>, epoch: Epoch) {
        let says_down = self.says_down(group);
        self.reply(client, answer(says_down, leader, epoch));
    }

    /// The reply to a candidate when the vote could not be stored: no vote. The epoch is used up all the same.
    pub(super) fn withhold_vote(&mut self, client: ClientId, group: GroupId, epoch: Epoch) {
        if let Some(group) = self.groups.get_mut(&group).filter(|group| group.leader_epoch == epoch) {
            group.leader = None;
        }
        let says_down = self.says_down(group);
        self.reply(client, answer(says_down, None, Epoch::ZERO));
    }

    fn says_down(&self, group: GroupId) -> bool {
        let master = self.groups.get(&group).and_then(|group| self.nodes.get(&group.master));
        self.tilt.is_none() && master.is_some_and(Node::is_down)
    }

    /// Gives this sentinel's vote for a master, if the epoch is new to it.
    fn consider_vote(&mut self, now: Now, id: GroupId, epoch: Epoch, candidate: &str) {
        if epoch.ahead_of(self.current_epoch) > LONGEST_EPOCH_JUMP {
            let text = format!("Vote request of {candidate:.40} refused: epoch {epoch} jumps too far ahead");
            self.log(LogLevel::Warning, text);
            return;
        }
        let Some(candidate) = RunId::parse(candidate) else { return };
        if self.raise_epoch(now, epoch) {
            self.publish(now, EventKind::NewEpoch, Some(id), epoch.to_string());
            self.save(None);
        }
        if self.current_epoch == epoch {
            self.election_epoch = Some(epoch);
        }
        let election = self.settings.periods.election;
        let pause = self.chance.between(SHORTEST_RETRY, LONGEST_RETRY);
        let Some(group) = self.groups.get_mut(&id) else { return };
        if group.leader_epoch >= epoch || self.current_epoch > epoch {
            return;
        }
        group.leader_epoch = epoch;
        group.leader = Some(candidate.clone());
        if candidate != self.me {
            group.voted_for_other = Some(now.tick);
            let patience = election.min(group.failover_timeout).plus(pause);
            group.next_attempt = group.next_attempt.max(now.tick.after(patience));
        }
        let event = Event {
            kind: EventKind::VoteForLeader,
            master: Some(group.name.clone()),
            text: format!("{candidate} {epoch}"),
            at: now.unix,
        };
        self.save(Some(Consequence::PublishVote(event)));
    }
}

/// The three elements of the answer.
fn answer(says_down: bool, leader: Option<&RunId>, epoch: Epoch) -> Value {
    let leader = leader.map_or("*", RunId::as_str);
    Value::Array(vec![Value::Integer(i64::from(says_down)), Value::bulk(leader), Value::Integer(epoch.as_u64() as i64)])
}

/// The shortest pause before an attempt that nobody won is repeated.
pub(super) const SHORTEST_RETRY: Millis = Millis::new(500);

/// The longest such pause.
pub(super) const LONGEST_RETRY: Millis = Millis::new(2_000);
