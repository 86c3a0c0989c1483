//! Decides when the machine has to be woken next, and why: one queue of exact deadlines.

use std::collections::{BTreeMap, BTreeSet};

use crate::types::{GroupId, JobId, LinkId, NodeId, Tick};

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// A closed link may be opened again.
    Reconnect(LinkId),
    /// A PING is due on a command link.
    Ping(LinkId),
    /// A link has been silent for so long that it is closed.
    Silence(LinkId),
    /// An instance has been silent for as long as `down-after-milliseconds` allows.
    Judge(NodeId),
    /// An INFO is due.
    Info(NodeId),
    /// A hello is due.
    Hello(NodeId),
    /// A peer is to be asked whether the master is down.
    Ask(NodeId),
    /// A peer's opinion and vote have grown too old to count.
    Stale(NodeId),
    /// An attempt may begin.
    Attempt(GroupId),
    /// The running attempt has used up the patience of its stage.
    Patience(GroupId),
    /// A replica has not followed the new master in time.
    Reconfigure(NodeId),
    /// TILT ends.
    Tilt,
    /// A script may be started again.
    Script(JobId),
    /// A script has run too long.
    ScriptLimit(JobId),
}

/// The queue of deadlines: at most one for each reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    queue: BTreeSet<(Tick, Why)>,
    moments: BTreeMap<Why, Tick>,
}

impl Deadlines {
    /// Sets the deadline of `why`, in the place of an earlier one.
    pub(super) fn set(&mut self, why: Why, at: Tick) {
        if let Some(old) = self.moments.insert(why, at) {
            self.queue.remove(&(old, why));
        }
        self.queue.insert((at, why));
    }

    /// Sets the deadline of `why` unless an earlier one stands.
    pub(super) fn bring_forward(&mut self, why: Why, at: Tick) {
        if self.moments.get(&why).is_none_or(|&standing| at < standing) {
            self.set(why, at);
        }
    }

    /// Drops the deadline of `why`.
    pub(super) fn clear(&mut self, why: Why) {
        if let Some(old) = self.moments.remove(&why) {
            self.queue.remove(&(old, why));
        }
    }

    /// The deadline of `why`, when there is one.
    pub(super) fn get(&self, why: Why) -> Option<Tick> {
        self.moments.get(&why).copied()
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<(Tick, Why)> {
        self.queue.first().copied()
    }

    /// Takes the earliest deadline that has been reached.
    pub(super) fn pop_due(&mut self, now: Tick) -> Option<(Tick, Why)> {
        let (at, why) = self.next()?;
        (at <= now).then(|| {
            self.clear(why);
            (at, why)
        })
    }
}
