//! Decides where a simulated server stands in replication: its role, its history and offset, and who may resume.
//!
//! Mirrors redis: a history has an id; a replica that was promoted begins a new one and remembers the old one up to
//! the offset of its promotion, so that its former siblings can go on without a full synchronisation.

use super::backlog::Backlog;
use crate::types::{Chance, Millis, RunId, Tick};

/// Where a server begins: a stream that has had nothing, as redis counts it.
const FIRST_OFFSET: u64 = 0;

/// Master, or replica of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Master,
    Replica(Following),
}

/// Whom a replica follows, and how that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Following {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) link: LinkState,
    pub(super) down_since: Tick,
    pub(super) last_heard: Tick,
}

/// How far a replica's link to its master is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    Connect,
    Sync,
    Connected,
}

impl LinkState {
    /// The word in `ROLE`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Sync => "sync",
            Self::Connected => "connected",
        }
    }
}

/// Whom the replication link of a server is to reach; a new `round` makes it anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) master: Option<(String, u16)>,
    pub(super) round: u64,
}

/// How a replica is served that asks to resume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resumption {
    /// From where it is.
    Partial,
    /// From the beginning.
    Full,
}

/// One server's replication.
#[derive(Debug)]
pub(super) struct Replication {
    pub(super) role: Role,
    pub(super) backlog: Backlog,
    /// The database that the stream's last command was for; `None` = to be said again.
    pub(super) selected: Option<u8>,
    backlog_limit: usize,
    history: RunId,
    /// The history before this one, and up to which offset it was the same.
    earlier: Option<(RunId, u64)>,
    round: u64,
}

impl Replication {
    /// A master without a past.
    pub(super) fn fresh(chance: &mut Chance, backlog_limit: usize) -> Self {
        Self {
            role: Role::Master,
            backlog: Backlog::starting_at(FIRST_OFFSET, backlog_limit),
            selected: None,
            backlog_limit,
            history: chance.run_id(),
            earlier: None,
            round: 0,
        }
    }

    pub(super) fn is_master(&self) -> bool {
        self.role == Role::Master
    }

    pub(super) fn following(&self) -> Option<&Following> {
        match &self.role {
            Role::Master => None,
            Role::Replica(following) => Some(following),
        }
    }

    pub(super) fn offset(&self) -> u64 {
        self.backlog.end()
    }

    pub(super) fn history(&self) -> &RunId {
        &self.history
    }

    pub(super) fn earlier(&self) -> Option<&(RunId, u64)> {
        self.earlier.as_ref()
    }

    /// Whom the link is to reach.
    pub(super) fn target(&self) -> Target {
        let master = self.following().map(|following| (following.host.clone(), following.port));
        Target { master, round: self.round }
    }

    /// Becomes a replica; whether that changes anything.
    pub(super) fn follow(&mut self, now: Tick, host: &str, port: u16) -> bool {
        if self.following().is_some_and(|following| following.host == host && following.port == port) {
            return false;
        }
        let link = LinkState::Connect;
        self.role = Role::Replica(Following { host: host.into(), port, link, down_since: now, last_heard: now });
        self.round += 1;
        true
    }

    /// Becomes a master with a history of its own; whether that changes anything.
    pub(super) fn promote(&mut self, chance: &mut Chance) -> bool {
        if self.is_master() {
            return false;
        }
        self.role = Role::Master;
        self.begin_history(chance.run_id());
        self.selected = None;
        self.round += 1;
        true
    }

    /// Makes the link to the master anew.
    pub(super) fn relink(&mut self, now: Tick) {
        self.round += 1;
        self.set_link(now, LinkState::Connect);
    }

    /// Whether the link of that round is still wanted.
    pub(super) fn is_current(&self, round: u64) -> bool {
        self.round == round && !self.is_master()
    }

    /// Notes how far the link is; whether that is news.
    pub(super) fn set_link(&mut self, now: Tick, link: LinkState) -> bool {
        let Role::Replica(following) = &mut self.role else { return false };
        if following.link == LinkState::Connected && link != LinkState::Connected {
            following.down_since = now;
        }
        following.last_heard = now;
        std::mem::replace(&mut following.link, link) != link
    }

    /// Notes that the master was heard.
    pub(super) fn hear(&mut self, now: Tick) {
        if let Role::Replica(following) = &mut self.role {
            following.last_heard = now;
        }
    }

    /// Goes on in the history the master named, which may have another id by now.
    pub(super) fn resume(&mut self, history: RunId) {
        if self.history != history {
            self.begin_history(history);
        }
    }

    /// Begins anew with what the master has at that offset.
    pub(super) fn restart_at(&mut self, history: RunId, offset: u64) {
        (self.history, self.earlier) = (history, None);
        self.backlog = Backlog::starting_at(offset, self.backlog_limit);
        self.selected = None;
    }

    /// How a replica is served that knows `history` up to `offset`.
    pub(super) fn judge(&self, history: &str, offset: u64) -> Resumption {
        let is_ours = self.history.as_str() == history
            || self.earlier.as_ref().is_some_and(|(id, until)| id.as_str() == history && offset <= *until);
        if is_ours && self.backlog.since(offset, 0).is_some() { Resumption::Partial } else { Resumption::Full }
    }

    fn begin_history(&mut self, id: RunId) {
        let old = std::mem::replace(&mut self.history, id);
        self.earlier = Some((old, self.offset()));
    }
}

/// A replica as its master sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Follower {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) acknowledged: u64,
    pub(super) heard: Tick,
}

impl Follower {
    /// For how long it has been silent.
    pub(super) fn lag(&self, now: Tick) -> Millis {
        now.since(self.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::{Replication, Resumption};
    use crate::types::{Chance, Tick};

    #[test]
    fn siblings_of_a_promoted_replica_resume_unless_they_are_ahead_of_it() {
        let mut chance = Chance::seeded(1);
        let mut master = Replication::fresh(&mut chance, 100);
        master.backlog.append(b"0123456789");
        let history = master.history().clone();
        let mut replica = Replication::fresh(&mut chance, 100);
        replica.follow(Tick::START, "here", 1);
        replica.restart_at(history.clone(), 4);
        replica.backlog.append(b"4567");

        assert!(replica.promote(&mut chance));
        replica.backlog.append(b"new");

        assert_ne!(*replica.history(), history);
        assert_eq!(replica.judge(history.as_str(), 6), Resumption::Partial);
        assert_eq!(replica.judge(history.as_str(), 3), Resumption::Full);
        assert_eq!(replica.judge(history.as_str(), 9), Resumption::Full);
        assert_eq!(replica.judge(replica.history().as_str(), 11), Resumption::Partial);
    }
}
