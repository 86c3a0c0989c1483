//! Decides what can be set about finding a master: who is asked, how long is waited, what counts as agreement.

use super::AddressMap;
use crate::types::{Endpoint, Millis};

/// What a finder works by; each span has the default that [`FinderSettings::new`] gives.
///
/// A span that is too short to be meant, such as none at all, is taken for the shortest that makes sense.
#[derive(Clone, Debug)]
pub struct FinderSettings {
    /// The sentinels that are asked first; never forgotten.
    pub seeds: Vec<Endpoint>,
    /// How the addresses that sentinels tell are reached. Default: as told.
    pub address_map: AddressMap,
    /// Masters that are followed without being asked for: those whose name fits this glob. Default: none.
    pub follow: Option<String>,
    /// How many sentinels have to name the same master. Default: [`Agreement::Newest`].
    pub agreement: Agreement,
    /// Whether writes wait while a replica is promoted. Default: [`HoldWrites::Auto`].
    pub hold: HoldWrites,
    /// How long writes wait at most. Default: 2 s.
    pub hold_max: Millis,
    /// Whether a server is asked for its role before it is handed out. Default: [`Verify::Role`].
    pub verify: Verify,
    /// Whether sentinels that other sentinels tell of are used too. Default: true.
    pub discover_peers: bool,
    /// How many sentinels are watched. Default: 5.
    pub watch_max: usize,
    /// How often a master is looked at when nothing happens, give or take a fifth. Default: 10 s.
    pub refresh: Millis,
    /// The spans that seldom need a change.
    pub times: Times,
}

/// The spans of a search that seldom need a change, with their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// How long one sentinel may take to connect and answer. Default: 300 ms.
    pub sentinel: Millis,
    /// How long after one sentinel the next is asked. Default: 50 ms.
    pub stagger: Millis,
    /// How long a search waits for sentinels in all. Default: 500 ms.
    pub wave: Millis,
    /// How long a good answer waits for a better one. Default: 30 ms.
    pub grace: Millis,
    /// How long a server may take to show its role. Default: 1 s.
    pub verify: Millis,
    /// The shortest wait before a server that is not yet master is asked again. Default: 100 ms.
    pub not_master_least: Millis,
    /// The longest such wait. Default: 300 ms.
    pub not_master_most: Millis,
    /// How often a replica that is being promoted is asked whether it is master. Default: 25 ms.
    pub promotion: Millis,
    /// How often a watched sentinel is pinged. Default: 2 s.
    pub watch_ping: Millis,
    /// How long a watched sentinel may take to answer the ping. Default: 1 s.
    pub watch_pong: Millis,
    /// The wait before a lost watch is set up again, at first; it doubles. Default: 250 ms.
    pub watch_retry_least: Millis,
    /// The longest such wait. Default: 5 s.
    pub watch_retry_most: Millis,
    /// The wait before a failed search is repeated, at first; it doubles. Default: 100 ms.
    pub retry_least: Millis,
    /// The longest such wait while no master is known. Default: 2 s.
    pub retry_most: Millis,
    /// The longest such wait while a master serves. Default: 5 s.
    pub retry_background: Millis,
    /// How long after it was last seen a sentinel that is no seed is forgotten. Default: 1 h.
    pub peer_expiry: Millis,
    /// How long a master must fail before an older epoch may win. Default: 10 s.
    pub regression: Millis,
    /// How late the driver's call must be for the process to have slept. Default: 5 s.
    pub suspend_gap: Millis,
    /// How often the list of masters is read, when some are followed by a glob. Default: 30 s.
    pub survey: Millis,
}

/// How many sentinels have to name the same master.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agreement {
    /// One is enough, if nobody tells of a newer epoch and the server says that it is master.
    #[default]
    Newest,
    /// More than half of all known sentinels, with the same address and epoch.
    Majority,
}

/// Whether writes wait while a replica is promoted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HoldWrites {
    /// They wait, at most once in an epoch and three times a minute.
    #[default]
    Auto,
    /// They never wait; what the old master accepts meanwhile is lost.
    Off,
}

/// Whether a server is asked for its role before it is handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// It is asked.
    #[default]
    Role,
    /// The sentinels' word is enough.
    Off,
}

impl FinderSettings {
    /// The default settings for these seeds.
    pub fn new(seeds: Vec<Endpoint>) -> Self {
        Self {
            seeds,
            address_map: AddressMap::default(),
            follow: None,
            agreement: Agreement::default(),
            hold: HoldWrites::default(),
            hold_max: Millis::new(2_000),
            verify: Verify::default(),
            discover_peers: true,
            watch_max: 5,
            refresh: Millis::new(10_000),
            times: Times::default(),
        }
    }
}

impl FinderSettings {
    /// The same settings with no span so short that a finder would do nothing but wake.
    pub(super) fn bounded(mut self) -> Self {
        let times = &mut self.times;
        self.refresh = self.refresh.max(Millis::new(100));
        self.watch_max = self.watch_max.max(1);
        times.survey = times.survey.max(Millis::new(100));
        times.peer_expiry = times.peer_expiry.max(Millis::new(1_000));
        times.suspend_gap = times.suspend_gap.max(Millis::new(1_000));
        for span in [
            &mut times.sentinel,
            &mut times.wave,
            &mut times.verify,
            &mut times.not_master_least,
            &mut times.promotion,
            &mut times.watch_ping,
            &mut times.watch_pong,
            &mut times.watch_retry_least,
            &mut times.retry_least,
        ] {
            *span = (*span).max(Millis::new(5));
        }
        self
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            sentinel: Millis::new(300),
            stagger: Millis::new(50),
            wave: Millis::new(500),
            grace: Millis::new(30),
            verify: Millis::new(1_000),
            not_master_least: Millis::new(100),
            not_master_most: Millis::new(300),
            promotion: Millis::new(25),
            watch_ping: Millis::new(2_000),
            watch_pong: Millis::new(1_000),
            watch_retry_least: Millis::new(250),
            watch_retry_most: Millis::new(5_000),
            retry_least: Millis::new(100),
            retry_most: Millis::new(2_000),
            retry_background: Millis::new(5_000),
            peer_expiry: Millis::new(3_600_000),
            regression: Millis::new(10_000),
            suspend_gap: Millis::new(5_000),
            survey: Millis::new(30_000),
        }
    }
}
