//! The search for a master: a state machine that asks and watches sentinels, without doing any I/O.

mod address_map;
mod deadline;
mod event;
mod input;
mod output;
mod settings;
mod topology;
mod trouble;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

pub use address_map::AddressMap;
pub use deadline::Why;
pub use event::{Event, EventKind, HoldEnded};
pub use input::{Input, Sign, Verdict};
pub use output::{Output, Purpose};
pub use settings::{Agreement, FinderSettings, HoldWrites, Times, Verify};
pub use topology::{Phase, Replica, SentinelSeen, Standing, Topology};
pub use trouble::Trouble;

use crate::types::{MasterName, Now, Tick};

/// Knows the masters of one set of sentinels, without senses of its own.
///
/// # Contract
/// - News goes in by [`Finder::handle`], one [`Input`] at a time, each with the moment it happened.
///   The steady clock of `now` never goes back.
/// - After each input the driver drains [`Finder::poll_output`] until it gives `None` and carries the
///   outputs out in order.
/// - Then it waits for news, at the latest until [`Finder::deadline`], and handles [`Input::Elapsed`].
/// - The same settings, seed and inputs give the same outputs.
/// - No input makes it panic, loop or grow without bound.
/// - A server is handed out as master only after it has shown that role ([`Output::Verify`]), and one that an
///   older epoch names does not take the place of one that a newer epoch names, unless the sentinels insist.
#[derive(Debug)]
pub struct Finder {
    settings: FinderSettings,
    outputs: VecDeque<Output>,
    topologies: BTreeMap<MasterName, Arc<Topology>>,
}

impl Finder {
    /// A finder with these settings and seed, born at `now`; it begins when a master is wanted.
    pub fn new(settings: FinderSettings, seed: u64, now: Now) -> Self {
        let _ = (seed, now);
        Self { settings, outputs: VecDeque::new(), topologies: BTreeMap::new() }
    }

    /// Takes one piece of news.
    pub fn handle(&mut self, now: Now, input: Input) {
        let _ = (now, input, &self.settings);
    }

    /// The next piece of work, in order; `None` when there is nothing to do until news comes.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the finder wants to be woken without news, and what for.
    pub fn deadline(&self) -> Option<(Tick, Why)> {
        None
    }

    /// What is known of a master; `None` when nobody wants to know it.
    pub fn topology(&self, master: &MasterName) -> Option<&Arc<Topology>> {
        self.topologies.get(master)
    }

    /// The masters that are followed, in the order of their names.
    pub fn masters(&self) -> impl Iterator<Item = &MasterName> {
        self.topologies.keys()
    }
}
