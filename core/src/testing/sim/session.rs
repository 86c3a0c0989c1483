//! Decides what a simulated server knows of one connection.

use std::{collections::BTreeSet, net::SocketAddr};

use tokio::sync::mpsc;

use super::{data::Key, replication::Follower};
use crate::{
    resp::{Protocol, Request, Value},
    types::Tick,
};

/// How many messages wait for a slow subscriber before it is disconnected.
pub(super) const MOST_MESSAGES: usize = 1024;

/// The most bytes of commands in one transaction.
const MOST_QUEUED: usize = 8 << 20;

/// What keeping one command costs beside its bytes, about.
const REQUEST_COST: usize = 256;

/// One connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) address: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) since: Tick,
    pub(super) last_active: Tick,
    pub(super) last_command: String,
    pub(super) name: String,
    pub(super) library: (String, String),
    pub(super) protocol: Protocol,
    pub(super) database: u8,
    pub(super) is_authenticated: bool,
    pub(super) transaction: Option<Transaction>,
    pub(super) watched: BTreeSet<Key>,
    pub(super) has_stale_watch: bool,
    pub(super) channels: BTreeSet<Vec<u8>>,
    pub(super) patterns: BTreeSet<Vec<u8>>,
    /// Set when the other side said that it is a replica.
    pub(super) announced: (Option<String>, Option<u16>),
    pub(super) follower: Option<Follower>,
    /// The offset of the last write of this connection, for `WAIT`.
    pub(super) wrote_up_to: u64,
    /// Messages beside replies; when it is dropped the connection ends.
    pub(super) outbox: mpsc::Sender<Value>,
}

/// What was queued behind `MULTI`.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) queue: Vec<Request>,
    pub(super) is_broken: bool,
    weight: usize,
}

/// What kind of connection one is, as `CLIENT KILL TYPE` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Subscriber,
    Replica,
}

impl Session {
    pub(super) fn new(now: Tick, address: SocketAddr, local: SocketAddr, outbox: mpsc::Sender<Value>) -> Self {
        Self {
            address,
            local,
            since: now,
            last_active: now,
            last_command: "NULL".into(),
            name: String::new(),
            library: Default::default(),
            protocol: Protocol::Resp2,
            database: 0,
            is_authenticated: false,
            transaction: None,
            watched: BTreeSet::new(),
            has_stale_watch: false,
            channels: BTreeSet::new(),
            patterns: BTreeSet::new(),
            announced: (None, None),
            follower: None,
            wrote_up_to: 0,
            outbox,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        if self.follower.is_some() {
            Kind::Replica
        } else if self.subscriptions() > 0 {
            Kind::Subscriber
        } else {
            Kind::Normal
        }
    }

    pub(super) fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// As fresh as a new connection, except that it may stay authenticated.
    pub(super) fn reset(&mut self) {
        let (outbox, since) = (self.outbox.clone(), self.since);
        *self = Self::new(since, self.address, self.local, outbox);
    }

    pub(super) fn unwatch(&mut self) {
        self.watched.clear();
        self.has_stale_watch = false;
    }
}

impl Transaction {
    /// Queues a command, unless the queue is full.
    pub(super) fn push(&mut self, request: Request) -> bool {
        self.weight += REQUEST_COST + request.words().iter().map(|word| word.len() + size_of_val(word)).sum::<usize>();
        let fits = self.weight <= MOST_QUEUED;
        if fits {
            self.queue.push(request);
        }
        fits
    }
}
