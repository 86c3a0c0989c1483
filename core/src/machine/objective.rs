//! Decides whether enough sentinels call a master down (`o_down`), and asks the peers for their opinion and vote.
//!
//! Mirrors spec 6.3 to 6.5. Peers are asked the moment the master is down for us, again after 50 ms, doubling
//! to the ask period, and whenever a peer's own question shows that it may have changed its mind.

use super::{EventKind, Machine, Why};
use crate::{
    model::{Errand, Stage},
    resp::Value,
    types::{Epoch, GroupId, Millis, NodeId, Now, RunId},
};

impl Machine {
    /// Judges whether a master is objectively down, and what follows from a change.
    pub(super) fn judge_quorum(&mut self, now: Now, id: GroupId) {
        let Some(group) = self.groups.get(&id).filter(|_| self.tilt.is_none()) else { return };
        let is_down = self.nodes[&group.master].is_down();
        let agreeing = group.peers.values().filter(|peer| self.nodes[peer].peer().is_some_and(|peer| peer.says_down));
        let count = 1 + agreeing.count();
        let holds = is_down && count >= group.quorum as usize;
        let (was, quorum, master) = (group.objectively_down.holds(), group.quorum, group.master);
        let Some(group) = self.groups.get_mut(&id) else { return };
        match (was, holds) {
            (false, true) => {
                group.objectively_down.begin(now.tick);
                let text = format!("{} #quorum {count}/{quorum}", self.describe(master));
                self.publish(now, EventKind::ObjectivelyDown, Some(id), text);
                self.quorum_reached(now, id);
            }
            (true, false) => {
                group.objectively_down.end(now.tick);
                self.publish_group(now, EventKind::ObjectivelyUp, id);
            }
            (_, _) => {}
        }
        if !is_down {
            self.master_is_back(now, id);
        }
    }

    /// Asks all peers of a group at once.
    pub(super) fn ask_peers(&mut self, now: Now, group: GroupId) {
        for peer in self.peers(group) {
            self.deadlines.set(Why::Ask(peer), now.tick);
        }
    }

    /// Asks a peer soon if its opinion matters, as its link has just opened.
    pub(super) fn ask_soon(&mut self, now: Now, node: NodeId) {
        if self.nodes.get(&node).is_some_and(|node| node.peer().is_some()) {
            self.deadlines.set(Why::Ask(node), now.tick);
        }
    }

    /// Asks a peer again unless it still owes an answer, and sets the deadline of the next question.
    pub(super) fn ask_peer(&mut self, now: Now, id: NodeId) {
        if self.is_pending(id, Errand::Ask) || self.is_pending(id, Errand::AskVote) {
            self.deadlines.set(Why::Ask(id), now.tick.after(FIRST_REPEAT));
        } else {
            self.put_question(now, id);
        }
    }

    /// Asks a peer what it thinks of the master, and for its vote while we are a candidate.
    pub(super) fn put_question(&mut self, now: Now, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        let group = &self.groups[&node.group];
        let campaign = group.failover.as_ref().filter(|f| f.stage == Stage::WaitStart && f.may_ask);
        let master = &self.nodes[&group.master];
        let Some(since) = campaign.map(|failover| failover.started).or(master.down.since) else { return };
        let (errand, epoch, candidate) = match campaign {
            Some(failover) => (Errand::AskVote, failover.epoch, self.me.to_string()),
            None => (Errand::Ask, self.current_epoch, "*".to_owned()),
        };
        let settled = group.objectively_down.holds() && campaign.is_none();
        let host = master.address.announced(self.settings.host_style);
        let (port, epoch) = (master.address.port().to_string(), epoch.to_string());
        let words = ["SENTINEL", "is-master-down-by-addr", &host, &port, &epoch, &candidate];
        self.send(id, errand, &words);
        let longest = self.settings.periods.ask;
        let wait = if settled { longest } else { now.tick.since(since).max(FIRST_REPEAT).min(longest) };
        self.deadlines.set(Why::Ask(id), now.tick.after(wait));
    }

    /// A peer answered: its opinion and its vote count from here for five ask periods.
    pub(super) fn question_answered(&mut self, now: Now, id: NodeId, errand: Errand, value: &Value) {
        let Some((says_down, vote)) = read_answer(value) else { return };
        let expiry = now.tick.after(self.settings.periods.ask.times(5)).after(Millis::new(1));
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let (group, run_id) = (node.group, node.run_id.clone());
        let asked = self.groups[&group].failover.as_ref().map(|failover| failover.epoch);
        let Some(peer) = node.peer_mut() else { return };
        peer.answered = now.tick;
        peer.says_down = says_down;
        if errand == Errand::AskVote && vote.as_ref().map(|(_, epoch)| *epoch) != asked {
            peer.declined = asked;
        }
        let mut news = None;
        if let Some((leader, epoch)) = vote {
            if peer.vote.as_ref().map(|(_, epoch)| *epoch) != Some(epoch) {
                news = run_id.map(|id| format!("{id} voted for {leader} {epoch}"));
            }
            peer.vote = Some((leader, epoch));
        }
        if let Some(line) = news {
            self.log(crate::config::LogLevel::Notice, line);
        }
        self.deadlines.set(Why::Stale(id), expiry);
        self.judge_quorum(now, group);
        self.count_again(now, group);
    }

    /// A peer has not answered for too long: its opinion and vote count no more.
    pub(super) fn forget_answer(&mut self, now: Now, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let group = node.group;
        if let Some(peer) = node.peer_mut() {
            peer.says_down = false;
            peer.vote = None;
        }
        self.judge_quorum(now, group);
    }

    /// A peer asks about a master that is down for us too: it may have come to agree, so it is asked at once.
    pub(super) fn peer_is_worried(&mut self, now: Now, group: GroupId) {
        let Some(record) = self.groups.get(&group) else { return };
        let undecided = self.nodes[&record.master].is_down() && !record.objectively_down.holds();
        if undecided {
            self.ask_peers(now, group);
        }
    }
}

/// Reads `[down, leader or *, epoch]`; anything else is no answer.
fn read_answer(value: &Value) -> Option<(bool, Option<(RunId, Epoch)>)> {
    let Value::Array(parts) = value else { return None };
    let [Value::Integer(down), Value::Bulk(leader), Value::Integer(epoch)] = parts.as_slice() else { return None };
    let leader = std::str::from_utf8(leader).ok()?;
    let vote = RunId::parse(leader).map(|leader| (leader, Epoch::new(u64::try_from(*epoch).unwrap_or(0))));
    Some((*down == 1, vote))
}

/// The first repetition of a question; then as long as the master has been down.
const FIRST_REPEAT: Millis = Millis::new(50);
