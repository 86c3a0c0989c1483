//! Decides what all calls of a pool share: the view, the budget, the room for those that wait, and the signs they give.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::runtime::Handle;

use super::{
    board::{Board, Gate, View},
    call,
    node::{Duty, Means, Node},
    reply::Course,
    retry::Budget,
    stats::PoolStats,
    stock::Count,
};
use crate::{
    discovery::Discovery,
    error::{Error, ErrorKind, Outcome, Result},
    finder::Sign,
    types::{MasterName, Millis, Tick},
};

/// What the handles of a pool share.
#[derive(Debug)]
pub(super) struct Core {
    name: MasterName,
    discovery: Discovery,
    runtime: Handle,
    means: Arc<Means>,
    board: Board,
    budget: Mutex<Budget>,
    silences: Mutex<Silences>,
    held: Arc<Held>,
}

/// What waits for a master.
#[derive(Debug, Default)]
pub(super) struct Held {
    commands: AtomicUsize,
    bytes: AtomicUsize,
}

/// A call that waits; its room is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Parked {
    held: Arc<Held>,
    weight: usize,
}

/// Attempts that were not answered in time, lately.
#[derive(Debug, Default)]
struct Silences {
    last: Option<Tick>,
}

impl Core {
    pub(super) fn new(name: MasterName, discovery: Discovery, runtime: Handle, means: Arc<Means>) -> Self {
        let budget = Mutex::new(Budget::full(means.tick()));
        let (board, silences, held) = (Board::new(), Mutex::default(), Arc::default());
        Self { name, discovery, runtime, means, board, budget, silences, held }
    }

    pub(super) fn name(&self) -> &MasterName {
        &self.name
    }

    pub(super) fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) fn means(&self) -> &Arc<Means> {
        &self.means
    }

    pub(super) fn board(&self) -> &Board {
        &self.board
    }

    pub(super) fn view(&self) -> Arc<View> {
        self.board.view()
    }

    /// Takes room for a call that waits.
    ///
    /// # Errors
    /// [`ErrorKind::Backpressure`] when there is none.
    pub(super) fn park(&self, weight: usize) -> Result<Parked> {
        let settings = &self.means.settings;
        let commands = self.held.commands.fetch_add(1, Ordering::Relaxed);
        let bytes = self.held.bytes.fetch_add(weight, Ordering::Relaxed);
        let parked = Parked { held: Arc::clone(&self.held), weight };
        if commands >= settings.held_commands || bytes + weight > settings.held_bytes {
            let error = Error::new(ErrorKind::Backpressure, "wait for the master", "too many commands wait");
            return Err(error.with_outcome(Outcome::NotSent));
        }
        self.means.counters.waits.add();
        Ok(parked)
    }

    /// Takes one more attempt out of the budget, when there is one.
    pub(super) fn may_retry(&self, now: Tick) -> bool {
        lock(&self.budget).take(now, self.means.counters.calls.count())
    }

    /// Tells the discovery what a failure hints at.
    pub(super) fn note_failure(&self, node: &Node, error: &Error, course: &Course) {
        if node.is_retired() {
            return;
        }
        let is_silence = error.kind() == ErrorKind::Timeout && error.outcome() == Some(Outcome::Unknown);
        if is_silence {
            self.means.counters.timeouts.add();
        }
        if node.duty() == Duty::Replica {
            // Its standing is the sentinels' to judge; a fresh look drops it from the replicas.
            self.discovery.refresh(&self.name);
            return;
        }
        let sign = if is_silence { self.note_silence() } else { call::sign(error, course) };
        if let Some(sign) = sign {
            self.discovery.suspect(&self.name, node.generation(), sign);
        }
    }

    /// Counts a response that did not come; the second within a second is a sign.
    fn note_silence(&self) -> Option<Sign> {
        let now = self.means.tick();
        let before = lock(&self.silences).last.replace(now);
        before.filter(|before| now.since(*before) <= SILENCES_WITHIN).map(|_| Sign::Timeouts)
    }

    /// What the pool tells of itself.
    pub(super) fn stats(&self) -> PoolStats {
        let view = self.view();
        let mut count = Count { in_use: 0, idle: 0, waiting: 0 };
        let mut in_flight = 0;
        for node in view.master.iter().chain(&view.replicas) {
            let own = node.stock().count();
            count.in_use += own.in_use;
            count.idle += own.idle;
            count.waiting += own.waiting;
            in_flight += node.shared_in_flight();
        }
        let counters = &self.means.counters;
        PoolStats {
            generation: view.generation,
            phase: view.gate.name(),
            master: view.master.as_ref().map(|master| master.address().to_string()),
            replicas: view.replicas.len(),
            in_use: count.in_use,
            idle: count.idle,
            waiting: count.waiting,
            in_flight,
            held: self.held.commands.load(Ordering::Relaxed),
            calls: counters.calls.count(),
            retries: counters.retries.count(),
            failures: counters.failures.count(),
            unknown: counters.unknown.count(),
            waits: counters.waits.count(),
            timeouts: counters.timeouts.count(),
            dials: counters.dials.count(),
            failed_dials: counters.failed_dials.count(),
            fallbacks: counters.fallbacks.count(),
            switches: counters.switches.count(),
            last_switch: Millis::new(counters.last_switch.count()),
        }
    }

    /// Closes for good: nothing begins any more, and what is under way ends.
    pub(super) fn close(&self) {
        let before = self.view();
        self.board.publish(|view| {
            view.gate = Gate::Closed;
            view.master = None;
            view.replicas = Vec::new();
        });
        for node in before.master.iter().chain(&before.replicas) {
            node.retire(Tick::START);
            node.end();
        }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.held.commands.fetch_sub(1, Ordering::Relaxed);
        self.held.bytes.fetch_sub(self.weight, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const SILENCES_WITHIN: Millis = Millis::new(1_000);
