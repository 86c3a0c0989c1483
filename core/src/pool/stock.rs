//! Decides who gets a connection of a server: the one that was used last, never more than there may be, in bounded time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, futures::Notified};

use super::{
    link::{Age, Link},
    thread_link::ThreadLink,
};
use crate::types::{Millis, Tick};

/// The connections of one server that nobody uses, and the count of those in use.
#[derive(Debug)]
pub(super) struct Stock {
    store: Mutex<Store>,
    freed: Condvar,
    freed_for_tasks: Notify,
    bounds: Bounds,
}

/// How many connections there may be, and how long one may lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) max: usize,
    pub(super) max_waiters: usize,
    pub(super) idle_ttl: Millis,
}

#[derive(Debug, Default)]
struct Store {
    in_use: usize,
    waiting: usize,
    idle: Vec<Idle>,
    is_closed: bool,
}

/// A connection that nobody uses.
#[derive(Debug)]
pub(super) enum Idle {
    Task(Link),
    Thread(ThreadLink),
}

/// What somebody gets who wants a connection.
#[derive(Debug)]
pub(super) enum Taken<L> {
    Ready(L),
    /// A place for one that has to be made.
    Place,
    /// Nothing: all are in use.
    Nothing,
    /// Nothing, ever: the server is not used any more.
    Closed,
}

/// A kind of connection that can lie in a stock.
pub(super) trait Kept: Sized {
    fn into_idle(self) -> Idle;
    fn from_idle(idle: Idle) -> Option<Self>;
    fn is_kind(idle: &Idle) -> bool;
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) in_use: usize,
    pub(super) idle: usize,
    pub(super) waiting: usize,
}

impl Stock {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { store: Mutex::default(), freed: Condvar::new(), freed_for_tasks: Notify::new(), bounds }
    }

    /// Takes the connection that was used last, or a place for a new one; either is ended by [`Stock::give_up`].
    pub(super) fn take<L: Kept>(&self, now: Tick) -> Taken<L> {
        let mut store = self.store();
        if store.is_closed {
            return Taken::Closed;
        }
        // Those that are dropped here close their sockets, which does not wait.
        while let Some(at) = store.idle.iter().rposition(L::is_kind) {
            let idle = store.idle.remove(at);
            if idle.age().is_over(now, self.bounds.idle_ttl) {
                continue;
            }
            if let Some(link) = L::from_idle(idle) {
                store.in_use += 1;
                return Taken::Ready(link);
            }
        }
        if store.in_use >= self.bounds.max {
            return Taken::Nothing;
        }
        if store.in_use + store.idle.len() >= self.bounds.max {
            store.idle.remove(0);
        }
        store.in_use += 1;
        Taken::Place
    }

    /// Takes a place for a connection that nobody waits for, when there is room beside those in use and idle.
    pub(super) fn take_spare_place(&self) -> bool {
        let mut store = self.store();
        let has_room = !store.is_closed && store.in_use + store.idle.len() < self.bounds.max;
        store.in_use += usize::from(has_room);
        has_room
    }

    /// Lays a connection down for others to use; its place is still to be given up.
    pub(super) fn put_back<L: Kept>(&self, link: L) {
        let mut store = self.store();
        if !store.is_closed && store.idle.len() < self.bounds.max {
            store.idle.push(link.into_idle());
        }
    }

    /// Gives a place up.
    pub(super) fn give_up(&self) {
        let mut store = self.store();
        store.in_use -= 1;
        self.tell_freed(&store);
    }

    /// Begins to wait; `None` when too many do.
    pub(super) fn queue(&self) -> Option<Waiting<'_>> {
        let mut store = self.store();
        if store.waiting >= self.bounds.max_waiters {
            return None;
        }
        store.waiting += 1;
        Some(Waiting(self))
    }

    /// Drops what is idle; nothing is taken or kept from here on.
    pub(super) fn close(&self) {
        let mut store = self.store();
        store.is_closed = true;
        store.idle.clear();
        self.freed.notify_all();
        self.freed_for_tasks.notify_waiters();
    }

    /// Drops what lay for too long; gives the connections for tasks that were not used since `unused_since`, to be
    /// tried; each has a place.
    pub(super) fn sweep(&self, now: Tick, unused_since: Tick) -> Vec<Link> {
        let mut store = self.store();
        let ttl = self.bounds.idle_ttl;
        let mut doubtful = Vec::new();
        for idle in std::mem::take(&mut store.idle) {
            let age = idle.age();
            if age.is_over(now, ttl) {
                continue;
            }
            match idle {
                Idle::Task(link) if age.used <= unused_since => doubtful.push(link),
                Idle::Task(_) | Idle::Thread(_) => store.idle.push(idle),
            }
        }
        store.in_use += doubtful.len();
        doubtful
    }

    pub(super) fn count(&self) -> Count {
        let store = self.store();
        Count { in_use: store.in_use, idle: store.idle.len(), waiting: store.waiting }
    }

    fn tell_freed(&self, store: &Store) {
        if store.waiting > 0 {
            self.freed.notify_one();
            self.freed_for_tasks.notify_one();
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a connection; ends with the value.
pub(super) struct Waiting<'a>(&'a Stock);

impl Waiting<'_> {
    /// Until a connection may be free; for tasks. To be made before looking, so that nothing is missed.
    pub(super) fn freed(&self) -> Notified<'_> {
        self.0.freed_for_tasks.notified()
    }

    /// Until a connection may be free, or `span` is over; for threads.
    pub(super) fn wait(&self, span: Millis) {
        let store = self.0.store();
        let is_free = store.is_closed || store.in_use < self.0.bounds.max;
        if !is_free {
            drop(self.0.freed.wait_timeout(store, span.into()));
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut store = self.0.store();
        store.waiting -= 1;
        // The news may have been meant for another one who waits.
        if store.in_use < self.0.bounds.max {
            self.0.tell_freed(&store);
        }
    }
}

impl Idle {
    fn age(&self) -> Age {
        match self {
            Self::Task(link) => link.age(),
            Self::Thread(link) => link.age(),
        }
    }
}

impl Kept for Link {
    fn into_idle(self) -> Idle {
        Idle::Task(self)
    }

    fn from_idle(idle: Idle) -> Option<Self> {
        match idle {
            Idle::Task(link) => Some(link),
            Idle::Thread(_) => None,
        }
    }

    fn is_kind(idle: &Idle) -> bool {
        matches!(idle, Idle::Task(_))
    }
}

impl Kept for ThreadLink {
    fn into_idle(self) -> Idle {
        Idle::Thread(self)
    }

    fn from_idle(idle: Idle) -> Option<Self> {
        match idle {
            Idle::Thread(link) => Some(link),
            Idle::Task(_) => None,
        }
    }

    fn is_kind(idle: &Idle) -> bool {
        matches!(idle, Idle::Thread(_))
    }
}
