//! Decides what is remembered of one client of this sentinel's port.

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
};

use crate::{
    resp::{Protocol, Value},
    types::Tick,
};

/// One client's connection.
#[derive(Clone, Debug)]
pub(in crate::machine) struct Session {
    /// The protocol it chose.
    pub(super) protocol: Protocol,
    /// The user it acts as; `None` until it has authenticated.
    pub(super) user: Option<String>,
    /// The name it gave itself; empty when it has none.
    pub(super) name: String,
    /// The channels it listens to.
    pub(super) channels: BTreeSet<Vec<u8>>,
    /// The patterns it listens to.
    pub(super) patterns: BTreeSet<Vec<u8>>,
    /// Whether its commands are answered.
    pub(super) replies: Replies,
    /// Whether it asked not to be evicted.
    pub(super) eviction: Eviction,
    /// Where it comes from.
    pub(super) address: Option<SocketAddr>,
    /// The address of this end.
    pub(super) local: Option<SocketAddr>,
    /// When it connected.
    pub(super) opened: Tick,
    /// When it last asked something.
    pub(super) asked: Tick,
    /// Whether the command under way has been answered, while one is.
    pub(super) answered: Option<bool>,
    /// The answers that wait for an earlier one; `None` for each that is still to come.
    pub(super) owed: VecDeque<Option<Vec<Value>>>,
    /// The command it last asked, as `container|sub-command`.
    pub(super) command: &'static str,
}

/// Whether a client's commands are answered. Source: `CLIENT REPLY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    /// All are.
    On,
    /// None is.
    Off,
    /// The next one is not.
    SkipNext,
    /// The one under way is not.
    SkipThis,
}

/// Whether a client is first to go when memory is short. Source: `CLIENT NO-EVICT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eviction {
    /// It may be evicted.
    Allowed,
    /// It asked to be kept.
    Refused,
}

impl Session {
    /// A client that has just connected and acts as `user`.
    pub(super) fn new(now: Tick, user: Option<String>, address: Option<SocketAddr>, local: Option<SocketAddr>) -> Self {
        Self {
            protocol: Protocol::Resp2,
            user,
            name: String::new(),
            channels: BTreeSet::new(),
            patterns: BTreeSet::new(),
            replies: Replies::On,
            eviction: Eviction::Allowed,
            address,
            local,
            opened: now,
            asked: now,
            answered: None,
            owed: VecDeque::new(),
            command: "NULL",
        }
    }

    /// Books the answer to a command, which may not overtake the answers before it; what can be sent at once.
    pub(super) fn answer(&mut self, values: Vec<Value>) -> Vec<Vec<Value>> {
        if self.answered == Some(false) {
            self.answered = Some(true);
            self.owed.push_back(Some(values));
        } else if let Some(due) = self.owed.iter_mut().find(|answer| answer.is_none()) {
            *due = Some(values);
        }
        let ready = self.owed.iter().take_while(|answer| answer.is_some()).count();
        self.owed.drain(..ready).flatten().collect()
    }

    /// Ends a command: if it was not answered, its answer is owed.
    pub(super) fn end_command(&mut self) {
        if self.answered.take() == Some(false) {
            self.owed.push_back(None);
        }
    }

    /// The number of channels and patterns it listens to.
    pub(super) fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// Whether it listens to anything.
    pub(super) fn is_subscriber(&self) -> bool {
        self.subscriptions() > 0
    }

    /// Whether it may only issue the subscription commands and PING.
    pub(super) fn is_confined(&self) -> bool {
        self.protocol == Protocol::Resp2 && self.is_subscriber()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_does_not_overtake_one_that_waits_for_the_disk() {
        let mut session = Session::new(Tick::START, None, None, None);
        session.answered = Some(false);
        session.end_command();
        session.answered = Some(false);

        let early = session.answer(vec![Value::Integer(2)]);
        session.end_command();
        let late = session.answer(vec![Value::Integer(1)]);

        assert_eq!(early, Vec::<Vec<Value>>::new());
        assert_eq!(late, [vec![Value::Integer(1)], vec![Value::Integer(2)]]);
    }
}
