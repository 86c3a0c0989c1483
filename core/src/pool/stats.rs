//! Decides what a pool tells of itself in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::types::{Generation, Millis};

/// A pool at one moment. Counters begin at 0 when it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Which master the pool works with.
    pub generation: Generation,
    /// What it does at the moment: `up`, `suspect`, `hold`, `switching`, `searching` or `closed`.
    pub phase: &'static str,
    /// The master, as `host:port`; `None` while none is known.
    pub master: Option<String>,
    /// Replicas that may be read from.
    pub replicas: usize,
    /// Connections in use, the shared ones not counted.
    pub in_use: usize,
    /// Connections that wait to be used.
    pub idle: usize,
    /// Callers that wait for a connection.
    pub waiting: usize,
    /// Commands on shared connections that have no reply yet.
    pub in_flight: usize,
    /// Commands that wait for a master at this moment.
    pub held: usize,
    /// Calls ever made.
    pub calls: u64,
    /// Attempts that followed others.
    pub retries: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls whose fate is unknown.
    pub unknown: u64,
    /// Calls that had to wait for a master.
    pub waits: u64,
    /// Attempts that were not answered in time.
    pub timeouts: u64,
    /// Connections made.
    pub dials: u64,
    /// Connections that could not be made.
    pub failed_dials: u64,
    /// Reads that went to another kind of server than the policy would rather have had.
    pub fallbacks: u64,
    /// Masters that took another one's place.
    pub switches: u64,
    /// How long the last switch took, from when it was known to when the new master was in use.
    pub last_switch: Millis,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) calls: Counter,
    pub(super) retries: Counter,
    pub(super) failures: Counter,
    pub(super) unknown: Counter,
    pub(super) waits: Counter,
    pub(super) timeouts: Counter,
    pub(super) dials: Counter,
    pub(super) failed_dials: Counter,
    pub(super) fallbacks: Counter,
    pub(super) switches: Counter,
    pub(super) last_switch: Counter,
}

/// A number that only grows, or is set.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
