//! The search for a master: a state machine that asks and watches sentinels, without doing any I/O.

mod address_map;
mod answer;
mod ask;
mod deadline;
mod decide;
mod event;
mod hold;
mod input;
mod master;
mod notice;
mod output;
mod rank;
mod react;
mod replicas;
mod search;
mod sentinels;
mod settings;
mod survey;
mod topology;
mod trouble;
mod turn;
mod verify;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
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

use master::Master;
use sentinels::Sentinel;
use survey::Survey;

use crate::types::{Chance, Deadlines, Endpoint, LinkId, MasterName, Now, SentinelId, Tick, TrialId};

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
#[derive(Clone, Debug)]
pub struct Finder {
    settings: FinderSettings,
    chance: Chance,
    outputs: VecDeque<Output>,
    deadlines: Deadlines<Why>,
    last_number: u64,
    sentinels: BTreeMap<SentinelId, Sentinel>,
    links: BTreeMap<LinkId, (SentinelId, Purpose)>,
    masters: BTreeMap<MasterName, Master>,
    trials: BTreeMap<TrialId, MasterName>,
    survey: Option<Survey>,
    /// The addresses that refused the user, of which that was told.
    refused: BTreeSet<Endpoint>,
    /// The masters that may look different after this turn.
    touched: BTreeSet<MasterName>,
}

impl Finder {
    /// A finder with these settings and seed, born at `now`; it begins when a master is wanted.
    pub fn new(settings: FinderSettings, seed: u64, now: Now) -> Self {
        let mut finder = Self {
            settings: settings.bounded(),
            chance: Chance::seeded(seed),
            outputs: VecDeque::new(),
            deadlines: Deadlines::default(),
            last_number: 0,
            sentinels: BTreeMap::new(),
            links: BTreeMap::new(),
            masters: BTreeMap::new(),
            trials: BTreeMap::new(),
            survey: None,
            refused: BTreeSet::new(),
            touched: BTreeSet::new(),
        };
        finder.begin(now);
        finder
    }

    /// Takes one piece of news.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.turn(now, input);
    }

    /// The next piece of work, in order; `None` when there is nothing to do until news comes.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the finder wants to be woken without news, and what for.
    pub fn deadline(&self) -> Option<(Tick, Why)> {
        self.deadlines.next()
    }

    /// What is known of a master; `None` when nobody wants to know it.
    pub fn topology(&self, master: &MasterName) -> Option<&Arc<Topology>> {
        self.masters.get(master).map(|master| &master.topology)
    }

    /// The masters that are followed, in the order of their names.
    pub fn masters(&self) -> impl Iterator<Item = &MasterName> {
        self.masters.keys()
    }
}

#[cfg(test)]
mod tests;
